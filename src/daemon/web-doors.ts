import type { FastifyInstance } from 'fastify';
import type { ListenRemotely, RemoteWeb } from '../api/web.ts';
import type { HomeNames } from '../store/names.ts';
import type { AuditLog } from './access/audit.ts';
import { identify } from './access/principal.ts';
import type { Users } from './access/users.ts';
import type { WebDoors } from './handlers/handler.ts';
import { DoorRecord } from './web/door-record.ts';
import { WebDoor, type WebAddress } from './web/door.ts';
import type { Inside } from './web/reception.ts';
import { RemoteDoor } from './web/remote-door.ts';

/** The server of the API, for the doors: browsers get the same routes as other clients. */
export function insideOf(http: FastifyInstance): Inside {
  return {
    request: (request, response, principal) => {
      identify(request, principal);
      http.routing(request, response);
    },
    upgrade: (request, socket, head, principal) => {
      identify(request, principal);
      http.server.emit('upgrade', request, socket, head);
    },
    log: (error, message) => http.log.warn({ err: error }, message),
  };
}

export interface DoorsOptions {
  readonly names: HomeNames;
  /** Where the files of the page are. */
  readonly directory: string;
  /** The server, which is made after the doors. */
  readonly inside: () => Inside;
  readonly users: Users;
  readonly audit: AuditLog;
  readonly makeCertificate: (names: readonly string[]) => Promise<string>;
  /** As in RemoteServerOptions. */
  readonly headersMs?: number;
}

/** The doors of the web desktop: one for browsers of this computer, and one for other computers. */
export class Doors implements WebDoors, AsyncDisposable {
  readonly #local: WebDoor;
  readonly #remote: RemoteDoor;

  constructor({ names, inside: later, ...options }: DoorsOptions) {
    const inside: Inside = {
      request: (...request) => later().request(...request),
      upgrade: (...request) => later().upgrade(...request),
      log: (...entry) => later().log(...entry),
    };
    const { webRemote: settings, webRemoteSessions: sessions, webCertificate: certificate } = names;
    this.#local = new WebDoor(inside, options.directory, new DoorRecord(names.webDoor));
    this.#remote = new RemoteDoor({
      ...options,
      inside,
      paths: { settings, sessions, certificate },
    });
  }

  /** Whether other computers may come, so that the daemon must stay. */
  get isNeeded(): boolean {
    return this.#remote.isWanted;
  }

  /** Opens again what an earlier daemon had open. */
  async resume(): Promise<void> {
    await this.#local.resume();
    await this.#remote.resume();
  }

  async open(): Promise<WebAddress> {
    return await this.#local.open();
  }

  show(): { readonly local: boolean; readonly remote: RemoteWeb | null } {
    return { local: this.#local.isOpen, remote: this.#remote.show() };
  }

  async listen(settings: ListenRemotely): Promise<void> {
    await this.#remote.listen(settings);
  }

  /** As RemoteDoor.look, which else happens from time to time. */
  async look(): Promise<void> {
    await this.#remote.look();
  }

  async off(): Promise<void> {
    await this.#remote.off();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#local[Symbol.asyncDispose]();
    await this.#remote[Symbol.asyncDispose]();
  }
}
