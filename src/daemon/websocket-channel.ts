import type { WebSocket } from 'ws';
import { errorToBody } from '../api/error-body.ts';
import { ByteQueue } from '../sys/byte-queue.ts';
import type { Channel, Message } from './handlers/handler.ts';

/** The most unsent output, in bytes, before the source must wait. */
const highWater = 1024 * 1024;
/** The most unsent output, in bytes, when a source that had to wait goes on: the rest keeps the client busy meanwhile. */
const lowWater = highWater / 2;
/** The most output that `push` keeps for a client that does not read, in bytes. */
const maxUnsent = 4 * highWater;
/** What a queued message takes besides its bytes: a flood of empty ones must not use up memory either. */
const messageBytes = 256;

/** The daemon's side of a WebSocket. Messages of the client are queued until they are read. */
export class WebSocketChannel implements Channel {
  readonly #socket: WebSocket;
  readonly #messages: Message[] = [];
  #bytes = 0;
  #ended = false;
  /** This side has said its last word. */
  #closing = false;
  #wake = () => {};
  /** Output that follows the block that is being sent. */
  readonly #unsent = new ByteQueue();
  #sending = false;
  /** Called when little is left unsent. */
  #waiting: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (this.#closing) return;
      this.#messages.push({ data, isText: !isBinary });
      this.#bytes += data.length + messageBytes;
      if (this.#bytes > highWater) socket.pause();
      this.#wake();
    });
    socket.once('close', () => {
      this.#ended = true;
      this.#unsent.clear();
      this.#wake();
      this.#goOn();
    });
  }

  async next(): Promise<Message | undefined> {
    while (this.#messages.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const message = this.#messages.shift();
    if (message) this.#bytes -= message.data.length + messageBytes;
    if (this.#socket.isPaused && this.#bytes < highWater) this.#socket.resume();
    return message;
  }

  async send(data: string | Buffer): Promise<void> {
    if (this.#ended) return;
    this.#socket.send(data, () => {
      if (this.#socket.bufferedAmount <= lowWater) this.#goOn();
    });
    if (this.#socket.bufferedAmount >= highWater)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  sendBuffer(data: Uint8Array, sent: () => void): void {
    this.#socket.send(data, { binary: true }, sent);
  }

  push(data: Buffer): void {
    if (this.#ended) return;
    this.#unsent.push(data);
    // One slow client must neither block the source nor use up the daemon's memory.
    if (this.#unsent.length > maxUnsent) this.#socket.terminate();
    else if (!this.#sending) this.#sendBlock();
  }

  /** Sends one block at a time: a queued frame takes hundreds of bytes of memory, however small it is. */
  #sendBlock(): void {
    this.#sending = this.#unsent.length > 0;
    if (!this.#sending) return;
    this.#socket.send(this.#unsent.take(), { binary: true }, () => this.#sendBlock());
  }

  onClosed(run: () => void): void {
    if (this.#ended) run();
    else this.#socket.once('close', run);
  }

  close(reason?: string): void {
    if (this.#unsent.length > 0) this.#socket.send(this.#unsent.take(), { binary: true });
    this.#hearNoMore();
    this.#socket.close(1000, reason);
  }

  /** Sends an error to the client as a text message and closes the connection. */
  fail(error: unknown): void {
    const message = JSON.stringify({ type: 'error', error: errorToBody(error) });
    this.#hearNoMore();
    this.#socket.send(message, () => this.#socket.close(1011));
  }

  /**
   * Reads what the client still sends, and forgets it. A client that is in the middle of it would not come to read the last words of
   * this side, and lose them once its connection breaks.
   */
  #hearNoMore(): void {
    this.#closing = true;
    this.#messages.length = 0;
    this.#bytes = 0;
    this.#socket.resume();
  }
}
