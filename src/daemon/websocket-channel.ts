import type { WebSocket } from 'ws';
import { errorToBody } from '../api/error-body.ts';
import type { Channel } from './handlers/handler.ts';

/** The most unsent output, in bytes, before the source must wait. */
const highWater = 1024 * 1024;

/** The daemon's side of a WebSocket. Messages of the client are queued until they are read. */
export class WebSocketChannel implements Channel {
  readonly #socket: WebSocket;
  readonly #messages: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #wake = () => {};

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#messages.push(data);
      this.#bytes += data.length;
      if (this.#bytes > highWater) socket.pause();
      this.#wake();
    });
    socket.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  async next(): Promise<Buffer | undefined> {
    while (this.#messages.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const message = this.#messages.shift();
    this.#bytes -= message?.length ?? 0;
    if (this.#socket.isPaused && this.#bytes < highWater) this.#socket.resume();
    return message;
  }

  async send(data: string | Buffer): Promise<void> {
    this.#socket.send(data);
    if (this.#socket.bufferedAmount < highWater) return;
    await new Promise<void>((resolve) => {
      this.#socket.once('close', resolve);
      this.#socket.ping(undefined, undefined, () => resolve());
    });
  }

  push(data: Buffer): void {
    this.#socket.send(data, { binary: true });
    // One slow client must neither block the source nor use up the daemon's memory.
    if (this.#socket.bufferedAmount > 4 * highWater) this.#socket.terminate();
  }

  onClosed(run: () => void): void {
    this.#socket.once('close', run);
  }

  close(reason?: string): void {
    this.#socket.close(1000, reason);
  }

  /** Sends an error to the client as a text message and closes the connection. */
  fail(error: unknown): void {
    const message = JSON.stringify({ type: 'error', error: errorToBody(error) });
    this.#socket.send(message, () => this.#socket.close(1011));
  }
}
