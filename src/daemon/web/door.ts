import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorToBody } from '../../api/error-body.ts';
import { apiVersion, environmentHeader } from '../../api/protocol.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { isForeignPeer, tellsPeers } from '../../sys/peer-user.ts';
import type { DoorRecord } from './door-record.ts';
import { cookieFor, isOwnHost, isOwnPage, safeHeaders, secretIn } from './gate.ts';
import { refuseMalformed, refuseRaw } from './refuse.ts';
import { Sessions } from './sessions.ts';
import { contentOf, Site } from './site.ts';
import { channelPathIn, ticketIn } from './ticket.ts';

/** The server of the API, to which requests of a signed-in browser are passed on. */
export interface Inside {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  log(error: unknown, message: string): void;
}

export interface WebAddress {
  /** The address of the page, with a ticket that can be used once. */
  readonly address: string;
  /** When the ticket ends. */
  readonly until: Date;
}

const loopback = '127.0.0.1';
/** Where the page exchanges its ticket for a session (POST), and ends it (DELETE). */
const sessionPath = '/session';
/** Where the page gets a ticket for a WebSocket (POST). */
const channelPath = '/session/ticket';
const apiPrefix = `/${apiVersion}/`;

function forbidden(message: string): KameError {
  return new KameError('FORBIDDEN', message);
}

/** The path of a request's address, without its query. */
function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?')[0] ?? '/';
}

function signedOut(): KameError {
  return new KameError('SIGNED_OUT', 'This browser is not signed in.');
}

/** The WebSocket that is asked for, and the ticket for it; both may be empty. */
function channelOf({ url = '/' }: IncomingMessage): { path: string; ticket: string } {
  const at = url.indexOf('?');
  if (at < 0) return { path: url, ticket: '' };
  return { path: url.slice(0, at), ticket: new URLSearchParams(url.slice(at)).get('ticket') ?? '' };
}

function fail(response: ServerResponse, thrown: unknown): void {
  const error =
    thrown instanceof KameError ? thrown : new KameError('INTERNAL', messageOf(thrown), { cause: thrown });
  response.writeHead(error.kind.http, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(errorToBody(error)));
}

/**
 * The way for a browser on this host into the daemon: the files of the web desktop, and the API for browsers with a session.
 * Nothing listens before the first address is asked for.
 */
export class WebDoor implements AsyncDisposable {
  readonly #inside: Inside;
  readonly #directory: string;
  readonly #record: DoorRecord;
  readonly #sessions = new Sessions(() => void (this.#keeping = this.#keep()));
  /** Resolves when the last change of the sessions is on the disk. */
  #keeping: Promise<void> = Promise.resolve();
  readonly #peers = new WeakMap<Socket, Promise<boolean>>();
  #opened: Promise<{ server: Server; port: number }> | undefined;
  /** Looked up for each new address: the files are others after an update. */
  #site: Site | undefined;

  /** @param directory where the files of the page are */
  constructor(inside: Inside, directory: string, record: DoorRecord) {
    this.#inside = inside;
    this.#directory = directory;
    this.#record = record;
  }

  /**
   * Goes on where a daemon that was killed has left off: at the same port, with the same sessions. Only where the user at the other
   * end is known: meanwhile, a program of another user may have had the port, and been sent the cookie.
   */
  async resume(knowsPeers = tellsPeers): Promise<void> {
    const state = await this.#record.read();
    if (!state) return;
    await this.#record.remove();
    if (!knowsPeers || !this.#sessions.resume(state.sessions)) return;
    try {
      this.#site = await Site.in(this.#directory);
      this.#opened = this.#listen(state.port);
      await this.#opened;
      await this.#keep();
    } catch (error) {
      this.#opened = undefined;
      this.#sessions.endAll();
      this.#inside.log(error, 'Cannot go on with the web desktop');
    }
  }

  /** A new address for a browser. The first one starts to listen. @throws KameError INTERNAL, HOST_PROBLEM */
  async open(): Promise<WebAddress> {
    this.#site = await Site.in(this.#directory);
    this.#opened ??= this.#listen();
    try {
      const { port } = await this.#opened;
      const { ticket, until } = this.#sessions.issue();
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
    this.#sessions.endAll();
    await closed;
    await this.#record.remove();
  }

  /** Writes down what a later daemon can go on with. */
  async #keep(): Promise<void> {
    try {
      const { port } = (await this.#opened) ?? {};
      if (port !== undefined) await this.#record.write({ port, sessions: this.#sessions.kept() });
    } catch (error) {
      this.#inside.log(error, 'Cannot write down the sessions of the web desktop');
    }
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
    server.on('request', (request, response) => {
      void this.#answer(request, response, port).catch((error: unknown) => {
        this.#inside.log(error, `${request.method ?? ''} ${pathOf(request)}`);
        if (response.headersSent) response.destroy();
        else fail(response, error);
      });
    });
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      void this.#upgrade(request, socket, head, port).catch((error: unknown) => {
        refuseRaw(socket, 500, new KameError('INTERNAL', messageOf(error), { cause: error }));
      });
    });
    server.on('connect', (_request, socket) => refuseRaw(socket, 405, forbidden('This is not a proxy.')));
    return { server, port };
  }

  /** Why a request must not even be looked at; undefined if it may. */
  async #refusal(request: IncomingMessage, port: number): Promise<KameError | undefined> {
    const { socket, headers } = request;
    const foreign = this.#peers.get(socket) ?? isForeignPeer(socket);
    this.#peers.set(socket, foreign);
    if (await foreign) return forbidden('Another user of this computer sent the request.');
    if (!isOwnHost(headers.host, port))
      return forbidden(`The request is for the host "${headers.host ?? ''}", which is not this one.`);
    return undefined;
  }

  async #answer(request: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
    for (const [name, value] of Object.entries(safeHeaders)) response.setHeader(name, value);
    const refusal = await this.#refusal(request, port);
    if (refusal) {
      fail(response, refusal);
      return;
    }
    const path = pathOf(request);
    const { method } = request;
    const isPrivate = path === sessionPath || path === channelPath || path.startsWith(apiPrefix);
    if (isPrivate && !isOwnPage(request)) fail(response, forbidden('Another web page sent the request.'));
    else if (path === sessionPath) await this.#session(request, response, port);
    else if (path === channelPath) await this.#channelTicket(request, response, port);
    else if (isPrivate) this.#pass(request, response, port);
    else if (method === 'GET' || method === 'HEAD') await this.#file(request, response);
    else fail(response, new KameError('USAGE', `There is nothing to ${method ?? ''} at ${path}.`));
  }

  /** Signs a browser in with its ticket, or out. @throws KameError SIGNED_OUT, USAGE */
  async #session(request: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
    if (request.method === 'DELETE') {
      this.#sessions.end(secretIn(request.headers, port));
      await this.#keeping;
      response.writeHead(204, { 'set-cookie': cookieFor(port, undefined) }).end();
      return;
    }
    if (request.method !== 'POST')
      throw new KameError('USAGE', `A session takes POST or DELETE, not ${request.method ?? ''}.`);
    const secret = this.#sessions.redeem(await ticketIn(request));
    if (secret === undefined)
      throw new KameError('SIGNED_OUT', 'The address was used before, or is too old, or is not complete.');
    await this.#keeping;
    response.writeHead(204, { 'set-cookie': cookieFor(port, secret) }).end();
  }

  /** Issues a ticket for a WebSocket. @throws KameError SIGNED_OUT, USAGE */
  async #channelTicket(request: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
    if (request.method !== 'POST')
      throw new KameError('USAGE', `A ticket takes POST, not ${request.method ?? ''}.`);
    const ticket = this.#sessions.issueForChannel(
      secretIn(request.headers, port),
      await channelPathIn(request),
    );
    if (ticket === undefined) throw signedOut();
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify({ ticket }));
  }

  /** Passes a request of a browser with a session on to the API. @throws KameError SIGNED_OUT */
  #pass(request: IncomingMessage, response: ServerResponse, port: number): void {
    const end = this.#sessions.begin(secretIn(request.headers, port), () => request.socket.destroy());
    if (!end) throw signedOut();
    response.once('close', end);
    // The programs that the daemon runs must not be chosen by a page.
    delete request.headers[environmentHeader];
    this.#inside.request(request, response);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, port: number): Promise<void> {
    const refusal = await this.#refusal(request, port);
    if (refusal || !isOwnPage(request)) {
      refuseRaw(socket, 403, refusal ?? forbidden('Another web page sent the request.'));
      return;
    }
    const secret = secretIn(request.headers, port);
    const end = this.#sessions.begin(secret, () => socket.destroy());
    if (!end) {
      refuseRaw(socket, 401, signedOut());
      return;
    }
    const { path, ticket } = channelOf(request);
    if (!this.#sessions.redeemForChannel(secret, path, ticket)) {
      end();
      refuseRaw(socket, 403, forbidden('The WebSocket has no ticket, or one that was used or is too old.'));
      return;
    }
    request.url = path;
    socket.once('close', end);
    this.#inside.upgrade(request, socket, head);
  }

  async #file(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = this.#site?.find(pathOf(request));
    if (!file) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Not found.\n');
      return;
    }
    const content = await contentOf(file);
    response.writeHead(200, {
      'content-type': file.type,
      'content-length': content.length,
      'cache-control': file.caching,
    });
    response.end(request.method === 'HEAD' ? undefined : content);
  }
}
