import { KameError } from '../../core/errors.ts';
import { cancelled } from './answer.ts';
import type { Channel } from './transport.ts';

/** The part of a browser's `WebSocket` that is used. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  /** Bytes that are queued but not yet sent. */
  readonly bufferedAmount: number;
  send(data: string | Uint8Array): void;
  close(): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

/** `readyState` of a WebSocket that is open. */
const open = 1;
/** The most queued bytes before the sender must wait. */
const highWater = 1024 * 1024;
/** Milliseconds between checks: no event reports that queued bytes have been sent. */
const lookEveryMs = 10;

function opened(socket: WebSocketLike, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // Browsers do not report why a WebSocket was refused.
    const refuse = () =>
      reject(
        signal.aborted ? cancelled() : new KameError('DAEMON_UNREACHABLE', 'Cannot open the WebSocket.'),
      );
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', refuse);
    socket.addEventListener('close', refuse);
  });
}

/** Queues messages from now on until they are read. */
function received(socket: WebSocketLike): AsyncGenerator<string | Uint8Array, void> {
  const waiting: (string | Uint8Array)[] = [];
  let closed = false;
  let wake: () => void = () => undefined;
  socket.addEventListener('message', ({ data }) => {
    waiting.push(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
    wake();
  });
  socket.addEventListener('close', () => {
    closed = true;
    wake();
  });
  async function* messages(): AsyncGenerator<string | Uint8Array, void> {
    for (;;) {
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else if (closed) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return messages();
}

/** A WebSocket of the platform as a channel. @throws KameError DAEMON_UNREACHABLE, CANCELLED */
export async function openWebSocket(connect: () => WebSocketLike, signal: AbortSignal): Promise<Channel> {
  if (signal.aborted) throw cancelled();
  const socket = connect();
  socket.binaryType = 'arraybuffer';
  const messages = received(socket);
  const hangUp = () => socket.close();
  signal.addEventListener('abort', hangUp, { once: true });
  socket.addEventListener('close', () => signal.removeEventListener('abort', hangUp));
  await opened(socket, signal);
  return {
    messages,
    send: async (data) => {
      if (socket.readyState !== open) throw new KameError('DAEMON_UNREACHABLE', 'The WebSocket is closed.');
      socket.send(data);
      while (socket.bufferedAmount > highWater && socket.readyState === open) {
        await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
      }
    },
    close: () => socket.close(),
  };
}
