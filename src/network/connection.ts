import { createConnection, type Socket } from 'node:net';
import { SocketOutlet, type Outlet } from './output.ts';

/** Milliseconds between two attempts: the first, and the longest. */
const [firstDelay, longestDelay] = [20, 500];
/** Milliseconds after which a connection counts as a good one: if it ends, the next attempt comes at once. */
const goodMs = 1000;

/** What the owner of a connection is told. */
export interface ConnectionEvents {
  /** The other side accepted. */
  readonly opened: (outlet: Outlet) => void;
  /** @returns false if the stream cannot be read any more: the connection is made anew */
  readonly received: (chunk: Buffer) => boolean;
  readonly closed: () => void;
}

/** A connection to the socket of an adapter, made again whenever it ends, until it is disposed. */
export class Connection implements Disposable {
  readonly path: string;
  readonly #events: ConnectionEvents;
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #delay = firstDelay;
  #isOpen = false;
  #isDisposed = false;

  constructor(path: string, events: ConnectionEvents) {
    this.path = path;
    this.#events = events;
    this.#connect();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#close();
  }

  /** Told at once when it is disposed, because another connection may take its place. */
  #close(): void {
    if (this.#isOpen) this.#events.closed();
    this.#isOpen = false;
  }

  #connect(): void {
    this.#timer = null;
    let openedAt: number | null = null;
    const socket = createConnection(this.path);
    this.#socket = socket;
    socket.once('connect', () => {
      if (this.#isDisposed) return;
      openedAt = performance.now();
      this.#isOpen = true;
      this.#events.opened(new SocketOutlet(socket));
    });
    socket.on('data', (chunk: Buffer) => {
      if (!this.#isDisposed && !this.#events.received(chunk)) socket.destroy();
    });
    // What went wrong is seen by the end that follows; there is nobody to tell.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      if (this.#isDisposed) return;
      this.#close();
      this.#again(openedAt !== null && performance.now() - openedAt >= goodMs);
    });
  }

  #again(isGood: boolean): void {
    const delay = isGood ? 0 : this.#delay;
    this.#delay = isGood ? firstDelay : Math.min(this.#delay * 2, longestDelay);
    this.#timer = setTimeout(() => this.#connect(), delay);
  }
}
