import type { IncomingMessage } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import type { ListenRemotely, RemoteWeb } from '../../api/web.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { resultOf, type AuditLog } from '../access/audit.ts';
import type { Principal } from '../access/principal.ts';
import { SignIn } from '../access/sign-in.ts';
import type { Users } from '../access/users.ts';
import { credentialsIn } from './bodies.ts';
import { mustBeRenewed, ownCertificate, readCertificate, stampOf, type Certificate } from './certificate.ts';
import { DoorRecord } from './door-record.ts';
import { authority, hostOf, localNames, type Gate } from './gate.ts';
import { KeptSessions } from './kept-sessions.ts';
import { Reception, type Door, type Inside } from './reception.ts';
import { namesOf, senderOf } from './remote-names.ts';
import { listenWithTls, type RemoteServer } from './remote-server.ts';
import { RemoteSettings } from './remote-settings.ts';
import { Site } from './site.ts';

/** Milliseconds between two looks at the files of the certificate, and two attempts to open a door that could not be opened. */
const watchMs = 30_000;

export interface RemoteDoorOptions {
  readonly inside: Inside;
  /** Where the files of the page are. */
  readonly directory: string;
  /** Files in the home. */
  readonly paths: { readonly settings: string; readonly sessions: string; readonly certificate: string };
  readonly users: Users;
  readonly audit: AuditLog;
  /** Makes a certificate with its key, in PEM. */
  readonly makeCertificate: (names: readonly string[]) => Promise<string>;
  /** For tests: as in RemoteServerOptions. */
  readonly headersMs?: number;
}

/** A door that is open. */
interface Open extends RemoteServer {
  readonly gate: Gate;
  certificate: Certificate;
  /** Of the files of the certificate. */
  stamp: string;
}

/**
 * The way for browsers on other computers into the daemon: over TLS, for users with a password. It is open as long as its settings
 * are in the home.
 */
export class RemoteDoor implements Door, AsyncDisposable {
  readonly sessions: KeptSessions;
  readonly signsInWith = 'password';
  readonly #options: RemoteDoorOptions;
  readonly #settings: RemoteSettings;
  readonly #record: DoorRecord;
  readonly #signIn: SignIn;
  readonly #timer: NodeJS.Timeout;
  #wanted: ListenRemotely | undefined;
  #open: Open | undefined;
  #problem: string | null = null;
  #site: Site | undefined;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: RemoteDoorOptions) {
    this.#options = options;
    this.#settings = new RemoteSettings(options.paths.settings);
    this.#record = new DoorRecord(options.paths.sessions);
    this.#signIn = new SignIn(options.users);
    const port = async () => await Promise.resolve(this.#open?.gate.port);
    const log: Inside['log'] = (error, message) => options.inside.log(error, message);
    this.sessions = new KeptSessions(this.#record, port, log);
    // Whoever is not what they were any more starts again.
    options.users.onChanged((name) => this.sessions.endOf(name));
    this.#timer = setInterval(() => void this.look(), watchMs).unref();
  }

  get site(): Site | undefined {
    return this.#site;
  }

  /** Whether other computers may use the web desktop, so that the daemon must stay. */
  get isWanted(): boolean {
    return this.#wanted !== undefined;
  }

  /** How other computers reach the web desktop; null if they may not. */
  show(): RemoteWeb | null {
    if (!this.#wanted) return null;
    const { address, port, names, certificate } = this.#wanted;
    const gate = this.#open?.gate ?? { scheme: 'https' as const, port };
    return {
      listening: this.#open !== undefined,
      problem: this.#problem,
      address,
      port: gate.port,
      names,
      addresses: namesOf(this.#wanted).map((name) => `https://${authority(gate, hostOf(name))}/`),
      certificate: certificate?.cert ?? null,
      fingerprint: this.#open?.certificate.fingerprint ?? null,
      validUntil: this.#open?.certificate.validUntil.toISOString() ?? null,
    };
  }

  /**
   * Opens the door, or opens it elsewhere; then the sessions end.
   * @throws KameError USAGE, WRONG_STATE if nobody could sign in, PORT_IN_USE, HOST_PROBLEM, FILE_ACCESS, INVALID_VALUE, DISK_FULL
   */
  async listen(settings: ListenRemotely): Promise<void> {
    if (isIP(settings.address) === 0)
      throw new KameError('USAGE', `${settings.address} is not an IP address.`, {
        next: 'Name an address of this computer, or 0.0.0.0 for all of them; --name adds a name.',
      });
    await this.#next(async () => {
      const before = this.#wanted;
      const certificate = await this.#prepare(settings);
      await this.#close();
      try {
        await this.#begin(settings, certificate);
        await this.#settings.write(settings);
      } catch (error) {
        await this.#close();
        if (before) await this.#tryAgain();
        throw error;
      }
      this.#wanted = settings;
    });
  }

  /** Closes the door, for all later daemons as well. */
  async off(): Promise<void> {
    await this.#next(async () => {
      await this.#settings.remove();
      this.#wanted = undefined;
      this.#problem = null;
      await this.#close();
    });
  }

  /** Opens the door if its settings are in the home, and goes on with the sessions that a killed daemon has left. */
  async resume(): Promise<void> {
    await this.#next(async () => {
      const state = await this.#record.read();
      await this.#record.remove();
      try {
        this.#wanted = await this.#settings.read();
      } catch (error) {
        this.#options.inside.log(error, 'Other computers cannot use the web desktop');
      }
      if (!this.#wanted) return;
      if (state) this.sessions.resume(state.sessions);
      await this.#tryAgain();
    });
  }

  /** Takes a renewed certificate, and opens a door that could not be opened. */
  async look(): Promise<void> {
    await this.#next(async () => {
      if (this.#wanted && !this.#open) await this.#tryAgain();
      else if (this.#wanted && this.#open) await this.#renew(this.#wanted, this.#open);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#next(async () => await this.#close());
  }

  async refusal(): Promise<undefined> {
    return await Promise.resolve(undefined);
  }

  async signIn(request: IncomingMessage): Promise<string> {
    const { user: name, password } = await credentialsIn(request);
    const from = senderOf(request);
    try {
      const user = await this.#signIn.signIn(name, password, from);
      const secret = this.sessions.begin(user.name);
      await this.sessions.written();
      this.#note(user.name, from, 'session.begin', 'ok');
      return secret;
    } catch (error) {
      const result = resultOf(error);
      // Those that are not even looked at are as many as somebody likes. A name that nobody has may be a password.
      if (result !== 'TOO_MANY_ATTEMPTS')
        this.#note((await this.#options.users.find(name))?.name ?? null, from, 'session.begin', result);
      throw error;
    }
  }

  async signOut(request: IncomingMessage, secret: string): Promise<void> {
    const session = this.sessions.userOf(secret);
    if (!session) return;
    this.sessions.end(secret);
    this.#note(session.user, senderOf(request), 'session.end', 'ok');
    await this.sessions.written();
  }

  async identify(name: string | null, request: IncomingMessage): Promise<Principal | undefined> {
    const user = name === null ? undefined : await this.#options.users.find(name);
    return user && { user: user.name, grants: user.grants, from: senderOf(request) };
  }

  #note(user: string | null, from: string, operation: string, result: string): void {
    this.#options.audit.record({ user, from, operation, machine: null, result });
  }

  /** One change after the other. */
  async #next(change: () => Promise<void>): Promise<void> {
    const done = this.#changing.then(change);
    this.#changing = done.catch(() => undefined);
    await done;
  }

  /** What must be right before anything is closed or opened. */
  async #prepare(settings: ListenRemotely): Promise<Certificate> {
    const { users, directory, paths, makeCertificate } = this.#options;
    if ((await users.list()).length === 0)
      throw new KameError('WRONG_STATE', 'The web desktop has no user who could sign in.', {
        next: 'Add one first: kame web user add NAME --role owner',
      });
    this.#site = await Site.in(directory);
    if (settings.certificate) return await readCertificate(settings.certificate);
    const names = [...namesOf(settings), 'localhost', '127.0.0.1', '::1'];
    return await ownCertificate(paths.certificate, [...new Set(names)], makeCertificate);
  }

  async #begin(settings: ListenRemotely, certificate: Certificate): Promise<void> {
    const { address, port, names, certificate: files } = settings;
    const stamp = files ? await stampOf(files) : '';
    const { headersMs } = this.#options;
    const { server, close } = await listenWithTls({
      ...{ address, port, certificate },
      ...(headersMs === undefined ? {} : { headersMs }),
    });
    const own = [...names.map((name) => name.toLowerCase()), hostOf(address), ...localNames];
    const gate: Gate = { scheme: 'https', port: (server.address() as AddressInfo).port, names: own };
    new Reception(this.#options.inside, gate, this).serve(server);
    this.#open = { server, close, gate, certificate, stamp };
    this.#problem = null;
    this.sessions.keep();
    await this.sessions.written();
  }

  async #tryAgain(): Promise<void> {
    if (!this.#wanted) return;
    try {
      await this.#begin(this.#wanted, await this.#prepare(this.#wanted));
    } catch (error) {
      this.#problem = messageOf(error);
      this.#options.inside.log(error, 'Other computers cannot use the web desktop');
    }
  }

  async #renew(settings: ListenRemotely, door: Open): Promise<void> {
    try {
      const { certificate: files } = settings;
      const stamp = files ? await stampOf(files) : '';
      const isOld = files ? stamp !== door.stamp : mustBeRenewed(door.certificate);
      if (!isOld) return;
      const certificate = await this.#prepare(settings);
      door.server.setSecureContext({ cert: certificate.cert, key: certificate.key, minVersion: 'TLSv1.2' });
      Object.assign(door, { certificate, stamp });
      this.#problem = null;
    } catch (error) {
      // The one before is used until then: its files may be half written.
      this.#problem = messageOf(error);
    }
  }

  async #close(): Promise<void> {
    const door = this.#open;
    this.#open = undefined;
    if (!door) return;
    this.sessions.endAll();
    await door.close();
    await this.#record.remove();
  }
}
