import { createServer, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { copy, makeFolder, move, remove } from './change.ts';
import { lock, unlock } from './lock.ts';
import { Locks } from './locks.ts';
import { propfind } from './propfind.ts';
import { proppatch } from './proppatch.ts';
import { put } from './put.ts';
import { options, read } from './read.ts';
import { Refusal, refusalOf } from './refusal.ts';
import { answer, answerXml, checkConditions, exchangeOf, type Exchange } from './request.ts';
import type { Shares } from './share.ts';

/** Longer headers have an address that is refused anyway. */
const maxHeaderBytes = 32 * 1024;

type Method = (exchange: Exchange) => void | Promise<void>;

const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['OPTIONS', (exchange) => options(exchange, [...methods.keys()])],
  ['GET', read],
  ['HEAD', read],
  ['PROPFIND', propfind],
  ['PROPPATCH', proppatch],
  ['PUT', put],
  ['DELETE', remove],
  ['MKCOL', makeFolder],
  ['COPY', copy],
  ['MOVE', move],
  ['LOCK', lock],
  ['UNLOCK', unlock],
]);

/** Methods that check their conditions themselves, or have none. */
const unconditional = new Set(['OPTIONS', 'UNLOCK']);

export interface WebdavOptions {
  /** What is served, asked at each request. */
  readonly shares: () => Shares;
  /** Told of an error that is nobody's request. */
  readonly onError: (error: unknown) => void;
}

/**
 * A WebDAV server (RFC 4918, class 2) for folders of the host, over connections that are handed to it. It is for guests, which may
 * be hostile: it follows no links, serves only regular files and folders, and never lets a guest out of a shared folder.
 */
export class WebdavServer {
  readonly #options: WebdavOptions;
  readonly #locks = new Locks();
  /** The last response of each connection. */
  readonly #last = new WeakMap<Duplex, ServerResponse>();
  #answering = 0;
  readonly #http = createServer({ maxHeaderSize: maxHeaderBytes, requestTimeout: 0, keepAliveTimeout: 0 });

  constructor(options: WebdavOptions) {
    this.#options = options;
    this.#http.on('request', (request, response) => void this.#answer(request, response));
    this.#http.on('clientError', (_error, socket) => {
      if (socket.writable)
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      else socket.destroy();
    });
  }

  /** Serves a connection until it ends. */
  serve(connection: Duplex): void {
    this.#http.emit('connection', connection);
  }

  /** Whether a request is being answered. */
  get isBusy(): boolean {
    return this.#answering > 0;
  }

  /** The guest that had the locks is gone. */
  forgetLocks(): void {
    this.#locks.clear();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#isBusy(request, response)) {
      request.socket.destroy();
      return;
    }
    this.#answering += 1;
    try {
      const method = methods.get(request.method ?? '');
      if (!method)
        throw new Refusal(405, 'There is no such method here.', {
          headers: { Allow: [...methods.keys()].join(', ') },
        });
      const exchange = exchangeOf(request, response, { shares: this.#options.shares(), locks: this.#locks });
      if (!unconditional.has(request.method ?? '')) await checkConditions(exchange);
      await method(exchange);
    } catch (error) {
      this.#refuse(response, error);
    } finally {
      // What is left of a body is read and forgotten, so that the next request can follow it.
      request.resume();
      this.#answering -= 1;
    }
  }

  /**
   * Whether the connection has a request that is not answered yet. No client of WebDAV sends one before it has the answer to the
   * last one; who did could have any number of them here at once.
   */
  #isBusy({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const last = this.#last.get(socket);
    this.#last.set(socket, response);
    return last !== undefined && !last.writableEnded && !last.destroyed;
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const refusal = refusalOf(error);
    if (refusal.status === 500) this.#options.onError(error);
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const { status, message, headers, condition } = refusal;
    if (status === 304) response.writeHead(304, headers).end();
    else if (condition === undefined)
      answer({ response }, status, message === '' ? (STATUS_CODES[status] ?? '') : `${message}\n`, headers);
    else
      answerXml(
        { response },
        status,
        `<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:"><D:${condition}/></D:error>\n`,
        headers,
      );
  }
}
