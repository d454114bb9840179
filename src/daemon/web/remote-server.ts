import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { KameError, errnoOf } from '../../core/errors.ts';
import { limitedWith } from '../access/sign-in.ts';
import type { Certificate } from './certificate.ts';
import { refuseMalformed } from './refuse.ts';

/** The most connections, in all and from one address: a page with all its consoles has some dozens. */
export const maxConnections = 512;
export const maxFromAddress = 128;
/** Milliseconds that a client has for the handshake of TLS, and for the headers of a request. */
const helloMs = 10_000;
/** How often connections are looked at, in milliseconds. */
const lookMs = 1000;
/** Milliseconds that a connection without a request stays open. */
const idleMs = 30_000;

export interface RemoteServer {
  readonly server: Server;
  /** Closes it, with all that is connected to it. */
  readonly close: () => Promise<void>;
}

export interface RemoteServerOptions {
  readonly address: string;
  /** 0 for one that the system chooses. */
  readonly port: number;
  readonly certificate: Certificate;
  /** For tests. */
  readonly headersMs?: number;
}

/** Keeps one computer from taking all the connections. @returns those that are open, also before the end of their handshakes */
function limitByAddress(server: Server): ReadonlySet<Socket> {
  const all = new Set<Socket>();
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const key = limitedWith(socket.remoteAddress ?? '');
    const count = (open.get(key) ?? 0) + 1;
    open.set(key, count);
    all.add(socket);
    socket.once('close', () => {
      all.delete(socket);
      const left = (open.get(key) ?? 1) - 1;
      if (left > 0) open.set(key, left);
      else open.delete(key);
    });
    if (count > maxFromAddress) socket.destroy();
  });
  return all;
}

/** Answers what is not HTTP. What is not TLS either would wait for an answer forever. */
function refuse(error: Error, socket: Duplex): void {
  if (/^(?:HPE_|ERR_HTTP_)/.test(errnoOf(error) ?? '')) refuseMalformed(error, socket);
  else socket.destroy();
}

function listenError(error: unknown, { address, port }: RemoteServerOptions): KameError {
  const where = `${address} port ${port}`;
  const code = errnoOf(error);
  if (code === 'EADDRINUSE')
    return new KameError('PORT_IN_USE', `Another program listens on ${where}.`, {
      next: `Choose another port: kame web --listen ${address}:PORT`,
      cause: error,
    });
  const what: Readonly<Record<string, string>> = {
    EADDRNOTAVAIL: 'this computer does not have that address',
    EACCES: 'ports below 1024 are for root',
  };
  return new KameError('HOST_PROBLEM', `Cannot listen on ${where}: ${what[code ?? ''] ?? String(error)}.`, {
    next: 'Choose an address of this computer and a port of 1024 or above.',
    cause: error,
  });
}

/** A server over TLS that is as patient as it must be, and not more. @throws KameError PORT_IN_USE, HOST_PROBLEM */
export async function listenWithTls(options: RemoteServerOptions): Promise<RemoteServer> {
  const { address, port, certificate, headersMs = helloMs } = options;
  const server = createServer({
    cert: certificate.cert,
    key: certificate.key,
    minVersion: 'TLSv1.2',
    handshakeTimeout: headersMs,
    headersTimeout: headersMs,
    // A stream of events never ends, and an upload may take long. Who has no session is not read from for longer than a body lasts.
    requestTimeout: 0,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.min(lookMs, headersMs),
  });
  server.maxConnections = maxConnections;
  server.on('clientError', refuse);
  const sockets = limitByAddress(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, options)));
    server.listen({ host: address, port }, resolve);
  });
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { server, close };
}
