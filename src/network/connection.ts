import { createConnection, type Socket } from 'node:net';
import { SocketOutlet, type Outlet } from './output.ts';

/** Milliseconds between two attempts: the first, and the longest. */
const [firstDelay, longestDelay] = [20, 500];
/** Milliseconds after which a connection counts as a good one: if it ends, the next attempt comes at once. */
const goodMs = 1000;

/** Bytes that are read at once: about what the socket of a system holds. */
const readBytes = 256 * 1024;

/**
 * What became of a chunk. `done`: its memory is free again; `held`: it is still needed; `broken`: the stream cannot be read any
 * more, so the connection is made anew.
 */
export type Receipt = 'done' | 'held' | 'broken';

/** What the owner of a connection is told. */
export interface ConnectionEvents {
  /** The other side accepted. */
  readonly opened: (outlet: Outlet) => void;
  readonly received: (chunk: Buffer) => Receipt;
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
    let buffer = Buffer.allocUnsafeSlow(readBytes);
    let isHeld = false;
    const socket = createConnection({
      path: this.path,
      onread: {
        // Asked for after each chunk. One buffer serves as long as all of it is written on at once.
        buffer: () => {
          if (isHeld) buffer = Buffer.allocUnsafeSlow(readBytes);
          isHeld = false;
          return buffer;
        },
        callback: (length) => {
          const receipt = this.#isDisposed ? 'done' : this.#events.received(buffer.subarray(0, length));
          isHeld = receipt === 'held';
          if (receipt === 'broken') socket.destroy();
          return true;
        },
      },
    });
    this.#socket = socket;
    socket.once('connect', () => {
      if (this.#isDisposed) return;
      openedAt = performance.now();
      this.#isOpen = true;
      this.#events.opened(new SocketOutlet(socket));
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
