import { createConnection } from 'node:net';
import type { ClientOptions, WebSocket } from 'ws';
import { versionHeader } from '../../api/protocol.ts';
import { version } from '../../core/version.ts';
import { cancelled, failureOf } from '../core/answer.ts';
import type { Answer, Channel } from '../core/transport.ts';
import { answerOf, refuseOtherVersion, translate } from './unix-transport.ts';

/** The largest message that the daemon may send, in bytes. */
const maxPayload = 64 * 1024 * 1024;

/** @throws the reason why the daemon did not open a WebSocket */
async function refuse(answer: Answer): Promise<never> {
  await refuseOtherVersion(answer);
  throw await failureOf(answer);
}

/** Resolves when the WebSocket is open. It is paused until the caller listens. */
function opened(connection: WebSocket, socket: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // Not removed: an error after the handshake is followed by `close`, which ends the messages.
    connection.on('error', (error) => {
      reject(signal.aborted ? cancelled(error) : translate(error, socket, 'GET'));
    });
    connection.once('unexpected-response', (outgoing, message) => {
      void refuse(answerOf(message))
        .catch(reject)
        .finally(() => outgoing.destroy());
    });
    connection.once('open', () => {
      connection.pause();
      resolve();
    });
  });
}

/** The daemon's messages in order, until it closes. The connection is paused while a message waits to be read. */
async function* messagesOf(connection: WebSocket): AsyncGenerator<string | Uint8Array, void> {
  const waiting: (string | Uint8Array)[] = [];
  let closed = false;
  let wake: () => void = () => undefined;
  connection.on('message', (data, binary) => {
    // binaryType is nodebuffer.
    const bytes = data as Buffer;
    waiting.push(binary ? bytes : bytes.toString('utf8'));
    connection.pause();
    wake();
  });
  connection.once('close', () => {
    closed = true;
    wake();
  });
  for (;;) {
    const next = waiting.shift();
    if (next !== undefined) yield next;
    else if (closed || connection.readyState === connection.CLOSED) return;
    else {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      connection.resume();
      await woken;
    }
  }
}

/**
 * Opens a WebSocket over the daemon's Unix socket.
 * @throws NotListening, OtherVersion, KameError the error that the daemon reports; DAEMON_UNREACHABLE, HOST_PROBLEM, CANCELLED
 */
export async function openChannel(socket: string, path: string, signal: AbortSignal): Promise<Channel> {
  const { WebSocket } = await import('ws');
  if (signal.aborted) throw cancelled();
  const options: ClientOptions & { createConnection: () => ReturnType<typeof createConnection> } = {
    perMessageDeflate: false,
    maxPayload,
    // A mask hides bytes from proxies (RFC 6455, 10.3): none is on a private socket, and it would cost a pass over all data.
    generateMask: (mask) => void mask.fill(0),
    headers: { [versionHeader]: version },
    // Not a ws+unix: address, which cannot contain a path with a colon.
    createConnection: () => createConnection(socket),
  };
  const connection = new WebSocket(`ws://kame${path}`, options);
  connection.binaryType = 'nodebuffer';
  const hangUp = () => connection.terminate();
  signal.addEventListener('abort', hangUp, { once: true });
  connection.once('close', () => signal.removeEventListener('abort', hangUp));
  await opened(connection, socket, signal);
  return {
    messages: messagesOf(connection),
    send: (data) =>
      new Promise((resolve, reject) => {
        connection.send(data, (error) => (error ? reject(error) : resolve()));
      }),
    close: () => connection.terminate(),
  };
}
