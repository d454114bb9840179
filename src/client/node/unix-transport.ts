import { request, type IncomingMessage } from 'node:http';
import { createConnection } from 'node:net';
import { KameError, errnoOf, messageOf } from '../../core/errors.ts';
import { failureOf } from '../core/answer.ts';
import type { Answer, Call, Channel, Transport } from '../core/transport.ts';

/** No daemon listens on the socket: it is safe to start one and repeat the call. */
export class NotListening extends Error {}

/** The daemon and this client have different versions. */
export class OtherVersion extends Error {}

/** The HTTP status if the daemon and the client have different versions. */
const upgradeRequired = 426;

/** @throws OtherVersion */
export async function refuseOtherVersion(answer: Answer): Promise<void> {
  if (answer.status === upgradeRequired) throw new OtherVersion((await failureOf(answer)).message);
}

/** Why a request failed, or a WebSocket could not be opened, which is like a GET. */
export function translate(error: Error, socket: string, method: Call['method']): Error {
  const code = errnoOf(error);
  // A daemon that is killed resets the connection. While connecting nothing was sent yet, and a GET can be repeated.
  const connecting = (error as NodeJS.ErrnoException).syscall === 'connect';
  const reset = (code === 'ECONNRESET' || code === 'EPIPE') && (connecting || method === 'GET');
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK' || reset)
    return new NotListening(error.message);
  if (code === 'EACCES' || code === 'EPERM') {
    return new KameError('HOST_PROBLEM', `Cannot use the daemon's socket ${socket}: ${error.message}`, {
      next: 'The socket or its directory belongs to another user. Set KAME_HOME to your own directory.',
      cause: error,
    });
  }
  return new KameError('DAEMON_UNREACHABLE', `The connection to the daemon was lost: ${messageOf(error)}`, {
    cause: error,
  });
}

/** Adapts a reply of Node's HTTP client. */
export function answerOf(message: IncomingMessage): Answer {
  return {
    status: message.statusCode ?? 500,
    contentType: message.headers['content-type'] ?? '',
    chunks: message as AsyncIterable<Uint8Array>,
    discard: () => void message.destroy(),
  };
}

/** Sends requests and opens WebSockets over a Unix socket. */
export class UnixTransport implements Transport {
  readonly socket: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param headers sent with every request, besides its own */
  constructor(socket: string, headers: Readonly<Record<string, string>> = {}) {
    this.socket = socket;
    this.#headers = headers;
  }

  /** @throws NotListening, OtherVersion, KameError DAEMON_UNREACHABLE, HOST_PROBLEM */
  send(call: Call): Promise<Answer> {
    const { socket } = this;
    return new Promise((resolve, reject) => {
      const outgoing = request({
        // Without an agent: it asks whether the host is an address of IPv6, by a pattern that takes 3 ms to compile.
        createConnection: () => createConnection(socket),
        host: 'kame',
        method: call.method,
        path: call.path,
        signal: call.signal,
        headers: {
          ...this.#headers,
          ...call.headers,
          ...(call.body === undefined ? {} : { 'content-length': Buffer.byteLength(call.body) }),
        },
      });
      outgoing.once('response', (message) => {
        const answer = answerOf(message);
        refuseOtherVersion(answer).then(() => resolve(answer), reject);
      });
      outgoing.on('error', (error) => reject(translate(error, socket, call.method)));
      outgoing.end(call.body);
    });
  }

  /** @throws NotListening, OtherVersion, and as openChannel */
  async open(path: string, signal: AbortSignal): Promise<Channel> {
    const { openChannel } = await import('./unix-websocket.ts');
    return await openChannel(this.socket, path, signal);
  }
}
