import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorToBody } from '../../api/error-body.ts';
import { apiVersion, environmentHeader } from '../../api/protocol.ts';
import type { WebSession } from '../../api/web.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Principal } from '../access/principal.ts';
import { channelPathIn } from './bodies.ts';
import { cookieFor, isOwnHost, isOwnPage, safeHeaders, secretIn, type Gate } from './gate.ts';
import { refuseRaw } from './refuse.ts';
import type { Sessions } from './sessions.ts';
import { contentOf, type Site } from './site.ts';

/** The server of the API, to which requests of a signed-in browser are passed on. */
export interface Inside {
  request(request: IncomingMessage, response: ServerResponse, principal: Principal): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, principal: Principal): void;
  log(error: unknown, message: string): void;
}

/** In what doors differ. */
export interface Door {
  readonly sessions: Sessions;
  /** The files of the page. */
  readonly site: Site | undefined;
  /** With what people sign in here, for the page to show. */
  readonly signsInWith: 'address' | 'password';
  /** Why a request must not even be looked at; undefined if it may. */
  refusal(request: IncomingMessage): Promise<KameError | undefined>;
  /** Begins a session. @returns its secret. @throws KameError SIGNED_OUT, WRONG_PASSWORD, TOO_MANY_ATTEMPTS, USAGE */
  signIn(request: IncomingMessage): Promise<string>;
  /** Ends a session. */
  signOut(request: IncomingMessage, secret: string): Promise<void>;
  /** Who the user of a session is now; undefined if there is no such user any more. */
  identify(user: string | null, request: IncomingMessage): Promise<Principal | undefined>;
}

/** Where the page signs in (POST), asks who it is (GET) and signs out (DELETE). */
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

/** The WebSocket that is asked for, and the ticket for it; both may be empty. */
function channelOf({ url = '/' }: IncomingMessage): { path: string; ticket: string } {
  const at = url.indexOf('?');
  if (at < 0) return { path: url, ticket: '' };
  return { path: url.slice(0, at), ticket: new URLSearchParams(url.slice(at)).get('ticket') ?? '' };
}

const jsonType = { 'content-type': 'application/json; charset=utf-8' };

function fail(response: ServerResponse, thrown: unknown): void {
  const error =
    thrown instanceof KameError ? thrown : new KameError('INTERNAL', messageOf(thrown), { cause: thrown });
  // What else the client sends is not waited for.
  response.writeHead(error.kind.http, { ...jsonType, connection: 'close' });
  response.end(JSON.stringify(errorToBody(error)));
}

/**
 * Receives the requests of browsers: serves the files of the web desktop, keeps their sessions, and passes the rest on to the API for
 * those that have one.
 */
export class Reception {
  readonly #inside: Inside;
  readonly #gate: Gate;
  readonly #door: Door;

  constructor(inside: Inside, gate: Gate, door: Door) {
    this.#inside = inside;
    this.#gate = gate;
    this.#door = door;
  }

  /** Receives what comes to a server. */
  serve(server: Server): void {
    server.on('request', (request, response) => {
      void this.#answer(request, response).catch((error: unknown) => {
        if (!(error instanceof KameError) || error.code === 'INTERNAL')
          this.#inside.log(error, `${request.method ?? ''} ${pathOf(request)}`);
        if (response.headersSent) response.destroy();
        else fail(response, error);
      });
    });
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      void this.#upgrade(request, socket, head).catch((error: unknown) => {
        if (error instanceof KameError) refuseRaw(socket, error.kind.http, error);
        else refuseRaw(socket, 500, new KameError('INTERNAL', messageOf(error), { cause: error }));
      });
    });
    server.on('connect', (_request, socket) => refuseRaw(socket, 405, forbidden('This is not a proxy.')));
  }

  /** @throws KameError FORBIDDEN if a request is from somebody else, or for another host */
  async #check(request: IncomingMessage): Promise<void> {
    const refusal = await this.#door.refusal(request);
    if (refusal) throw refusal;
    if (!isOwnHost(this.#gate, request))
      throw forbidden(`The request is for the host "${request.headers.host ?? ''}", which is not this one.`);
  }

  /** @throws KameError FORBIDDEN */
  #checkPage(request: IncomingMessage): void {
    if (!isOwnPage(this.#gate, request)) throw forbidden('Another web page sent the request.');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(safeHeaders)) response.setHeader(name, value);
    await this.#check(request);
    const path = pathOf(request);
    const { method } = request;
    const isPrivate = path === sessionPath || path === channelPath || path.startsWith(apiPrefix);
    if (isPrivate) this.#checkPage(request);
    if (path === sessionPath) await this.#session(request, response);
    else if (path === channelPath) await this.#channelTicket(request, response);
    else if (isPrivate) await this.#pass(request, response);
    else if (method === 'GET' || method === 'HEAD') await this.#file(request, response);
    else throw new KameError('USAGE', `There is nothing to ${method ?? ''} at ${path}.`);
  }

  /** Signs a browser in or out, or tells who it is. @throws KameError SIGNED_OUT, WRONG_PASSWORD, TOO_MANY_ATTEMPTS, USAGE */
  async #session(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const before = secretIn(request.headers, this.#gate);
    if (request.method === 'GET') {
      const principal = await this.#whose(request);
      if (!principal) throw this.#signedOut();
      const { user, grants } = principal;
      const session: WebSession = { user, grants };
      response.writeHead(200, jsonType).end(JSON.stringify(session));
    } else if (request.method === 'POST') {
      const secret = await this.#door.signIn(request);
      // The session that the browser had, or that somebody has given it, is over.
      if (before !== '') await this.#door.signOut(request, before);
      response.writeHead(204, { 'set-cookie': cookieFor(this.#gate, secret) }).end();
    } else if (request.method === 'DELETE') {
      await this.#door.signOut(request, before);
      response.writeHead(204, { 'set-cookie': cookieFor(this.#gate, undefined) }).end();
    } else throw new KameError('USAGE', `A session takes GET, POST or DELETE, not ${request.method ?? ''}.`);
  }

  /** Issues a ticket for a WebSocket. @throws KameError SIGNED_OUT, USAGE */
  async #channelTicket(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST')
      throw new KameError('USAGE', `A ticket takes POST, not ${request.method ?? ''}.`);
    const path = await channelPathIn(request);
    const ticket = this.#door.sessions.issueForChannel(secretIn(request.headers, this.#gate), path);
    if (ticket === undefined) throw this.#signedOut();
    response.writeHead(200, jsonType).end(JSON.stringify({ ticket }));
  }

  /** Passes a request of a browser with a session on to the API. @throws KameError SIGNED_OUT */
  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { principal, end } = await this.#enter(request, () => request.socket.destroy());
    response.once('close', end);
    // The programs that the daemon runs must not be chosen by a page.
    delete request.headers[environmentHeader];
    this.#inside.request(request, response, principal);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    await this.#check(request);
    this.#checkPage(request);
    const { principal, end } = await this.#enter(request, () => socket.destroy());
    const { path, ticket } = channelOf(request);
    const secret = secretIn(request.headers, this.#gate);
    if (!this.#door.sessions.redeemForChannel(secret, path, ticket)) {
      end();
      throw forbidden('The WebSocket has no ticket, or one that was used or is too old.');
    }
    request.url = path;
    socket.once('close', end);
    this.#inside.upgrade(request, socket, head, principal);
  }

  /**
   * Begins a request of a session.
   * @param close ends the request when the session ends first
   * @throws KameError SIGNED_OUT
   */
  async #enter(
    request: IncomingMessage,
    close: () => void,
  ): Promise<{ readonly principal: Principal; readonly end: () => void }> {
    // First, since nothing is in between the two: a session that has ended meanwhile is not found.
    const principal = await this.#whose(request);
    const end = principal && this.#door.sessions.use(secretIn(request.headers, this.#gate), close);
    if (!principal || !end) throw this.#signedOut();
    return { principal, end };
  }

  async #whose(request: IncomingMessage): Promise<Principal | undefined> {
    const session = this.#door.sessions.userOf(secretIn(request.headers, this.#gate));
    return session && (await this.#door.identify(session.user, request));
  }

  #signedOut(): KameError {
    return new KameError('SIGNED_OUT', 'This browser is not signed in.', {
      details: { signIn: this.#door.signsInWith },
    });
  }

  async #file(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = this.#door.site?.find(pathOf(request));
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
