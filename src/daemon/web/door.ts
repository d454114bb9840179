import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { KameError } from '../../core/errors.ts';
import { isForeignPeer, tellsPeers } from '../../sys/peer-user.ts';
import { localPrincipal, type Principal } from '../access/principal.ts';
import { ticketIn } from './bodies.ts';
import type { DoorRecord } from './door-record.ts';
import { localNames } from './gate.ts';
import { KeptSessions } from './kept-sessions.ts';
import { Reception, type Door, type Inside } from './reception.ts';
import { refuseMalformed } from './refuse.ts';
import { Site } from './site.ts';

export interface WebAddress {
  /** The address of the page, with a ticket that can be used once. */
  readonly address: string;
  /** When the ticket ends. */
  readonly until: Date;
}

const loopback = '127.0.0.1';

/**
 * The way for a browser on this host into the daemon: the files of the web desktop, and the API for browsers with a session.
 * Nothing listens before the first address is asked for.
 */
export class WebDoor implements Door, AsyncDisposable {
  readonly sessions: KeptSessions;
  readonly signsInWith = 'address';
  readonly #inside: Inside;
  readonly #directory: string;
  readonly #record: DoorRecord;
  readonly #peers = new WeakMap<Socket, Promise<boolean>>();
  #opened: Promise<{ server: Server; port: number }> | undefined;
  /** Looked up for each new address: the files are others after an update. */
  #site: Site | undefined;

  /** @param directory where the files of the page are */
  constructor(inside: Inside, directory: string, record: DoorRecord) {
    this.#inside = inside;
    this.#directory = directory;
    this.#record = record;
    const port = async () => (await this.#opened)?.port;
    this.sessions = new KeptSessions(record, port, (error, message) => inside.log(error, message));
  }

  get site(): Site | undefined {
    return this.#site;
  }

  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  /**
   * Goes on where a daemon that was killed has left off: at the same port, with the same sessions. Only where the user at the other
   * end is known: meanwhile, a program of another user may have had the port, and been sent the cookie.
   */
  async resume(knowsPeers = tellsPeers): Promise<void> {
    const state = await this.#record.read();
    if (!state) return;
    await this.#record.remove();
    if (!knowsPeers || !this.sessions.resume(state.sessions)) return;
    try {
      this.#site = await Site.in(this.#directory);
      this.#opened = this.#listen(state.port);
      await this.#opened;
      this.sessions.keep();
      await this.sessions.written();
    } catch (error) {
      this.#opened = undefined;
      this.sessions.endAll();
      this.#inside.log(error, 'Cannot go on with the web desktop');
    }
  }

  /** A new address for a browser. The first one starts to listen. @throws KameError INTERNAL, HOST_PROBLEM */
  async open(): Promise<WebAddress> {
    this.#site = await Site.in(this.#directory);
    this.#opened ??= this.#listen();
    try {
      const { port } = await this.#opened;
      const { ticket, until } = this.sessions.issue();
      // What follows # is not sent to a server, and so is in no log and no `Referer`.
      return { address: `http://${loopback}:${port}/#${ticket}`, until };
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    if (!opened) return;
    const closed = new Promise((resolve) => opened.server.close(resolve));
    opened.server.closeAllConnections();
    // WebSockets are no connections of the server any more, which waits for them though.
    this.sessions.endAll();
    await closed;
    await this.#record.remove();
  }

  async refusal({ socket }: IncomingMessage): Promise<KameError | undefined> {
    const foreign = this.#peers.get(socket) ?? isForeignPeer(socket);
    this.#peers.set(socket, foreign);
    if (!(await foreign)) return undefined;
    return new KameError('FORBIDDEN', 'Another user of this computer sent the request.');
  }

  async signIn(request: IncomingMessage): Promise<string> {
    const secret = this.sessions.redeem(await ticketIn(request));
    if (secret === undefined)
      throw new KameError('SIGNED_OUT', 'The address was used before, or is too old, or is not complete.');
    await this.sessions.written();
    return secret;
  }

  async signOut(_request: IncomingMessage, secret: string): Promise<void> {
    this.sessions.end(secret);
    await this.sessions.written();
  }

  async identify(): Promise<Principal> {
    return await Promise.resolve(localPrincipal('browser'));
  }

  /** @param wanted the port; 0 for one that the system chooses */
  async #listen(wanted = 0): Promise<{ server: Server; port: number }> {
    // A stream of events never ends, and an upload may take long.
    const server = createServer({ requestTimeout: 0 });
    server.on('clientError', refuseMalformed);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(new KameError('HOST_PROBLEM', `Cannot listen on ${loopback}: ${cause.message}`, { cause })),
      );
      server.listen({ host: loopback, port: wanted }, resolve);
    });
    const { port } = server.address() as AddressInfo;
    new Reception(this.#inside, { scheme: 'http', port, names: localNames }, this).serve(server);
    return { server, port };
  }
}
