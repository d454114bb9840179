import { createServer, type Server, type Socket, createConnection } from 'node:net';
import { request } from 'node:http';
import { join } from 'node:path';
import { WebdavServer } from '../../src/webdav/server.ts';
import type { Share, Shares } from '../../src/webdav/share.ts';
import { deferred } from '../../src/core/deferred.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** A WebDAV server on a socket, and a client of it. */
export class WebdavWorld implements AsyncDisposable {
  readonly #listener: Server;
  readonly #path: string;
  readonly #sockets = new Set<Socket>();
  readonly errors: unknown[] = [];
  shares: Shares;

  private constructor(listener: Server, path: string, list: readonly Share[]) {
    this.#listener = listener;
    this.#path = path;
    this.shares = { list, hidden: new Set(), pinned: new Set() };
  }

  static async serve(directory: string, list: readonly Share[]): Promise<WebdavWorld> {
    const listener = createServer({ allowHalfOpen: false });
    const world = new WebdavWorld(listener, join(directory, 'dav'), list);
    const server = new WebdavServer({
      shares: () => world.shares,
      onError: (error) => void world.errors.push(error),
    });
    listener.on('connection', (socket) => {
      world.#sockets.add(socket);
      server.serve(socket);
    });
    const listening = deferred();
    listener.listen(world.#path, listening.resolve);
    await listening.promise;
    return world;
  }

  /** One request on a connection of its own. */
  async ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body: string | Buffer = '',
  ): Promise<Answer> {
    return await new Promise<Answer>((resolve, reject) => {
      const length = Buffer.byteLength(body);
      const sent = request(
        {
          socketPath: this.#path,
          method,
          path,
          headers: { ...(length > 0 ? { 'content-length': length } : {}), ...headers },
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(parts),
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Sends bytes as they are. @returns what comes until the server ends the connection */
  async raw(bytes: Buffer | string): Promise<string> {
    const socket = createConnection(this.#path);
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('error', () => undefined);
    socket.write(bytes);
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    return Buffer.concat(parts).toString('latin1');
  }

  /** A connection, to send what is no whole request. */
  connect(): Socket {
    return createConnection(this.#path).on('error', () => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#listener.close(() => resolve());
    });
  }
}
