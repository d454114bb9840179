import type { Socket } from 'node:net';
import { KameError } from '../core/errors.ts';
import { ByteQueue } from '../sys/byte-queue.ts';
import { connectUnix } from '../sys/socket.ts';

/** One terminal on the first serial port of a machine. */
export interface Terminal {
  write(data: Buffer): void;
  onData(listener: (chunk: Buffer) => void): void;
  onEnd(listener: () => void): void;
  close(): void;
}

interface Viewer {
  data?: (chunk: Buffer) => void;
  end?: () => void;
}

/** Input buffered while the guest does not read, in bytes. Further input is dropped, as on a real serial line. */
const maxTypedAhead = 256 * 1024;

/**
 * Shares a serial port among several terminals. QEMU accepts only one connection, which is opened for the first
 * terminal and closed after the last.
 */
export class ConsoleHub {
  readonly #path: string;
  readonly #viewers = new Set<Viewer>();
  /** Input that follows the write in progress. */
  readonly #typed = new ByteQueue();
  #socket: Promise<Socket> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws KameError ENGINE_TIMEOUT when the engine does not accept the connection */
  async attach(): Promise<Terminal> {
    const viewer: Viewer = {};
    this.#viewers.add(viewer);
    try {
      this.#socket ??= this.#connect();
      const socket = await this.#socket;
      return {
        write: (data) => this.#type(socket, data),
        onData: (listener) => void (viewer.data = listener),
        onEnd: (listener) => void (viewer.end = listener),
        close: () => this.#leave(viewer),
      };
    } catch (error) {
      this.#socket = undefined;
      this.#viewers.delete(viewer);
      throw error;
    }
  }

  /** Ends all terminals, and notifies them itself: when the connection closes, no viewer is left to notify. */
  close(): void {
    for (const viewer of [...this.#viewers]) {
      this.#leave(viewer);
      viewer.end?.();
    }
  }

  async #connect(): Promise<Socket> {
    const socket = await connectUnix(this.#path, { deadlineMs: 2000 });
    if (!socket) throw new KameError('ENGINE_FAILED', 'The engine has ended.');
    socket.on('data', (chunk: Buffer) => {
      for (const viewer of this.#viewers) viewer.data?.(chunk);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#socket = undefined;
      this.#typed.clear();
      for (const viewer of this.#viewers) viewer.end?.();
      this.#viewers.clear();
    });
    return socket;
  }

  /** Writes one block at a time: a queued write of a single byte takes hundreds of bytes of memory. */
  #type(socket: Socket, data: Buffer): void {
    if (socket.writableLength + this.#typed.length >= maxTypedAhead) return;
    this.#typed.push(data);
    if (socket.writableLength === 0) this.#flush(socket);
  }

  #flush(socket: Socket): void {
    if (this.#typed.length === 0 || socket.destroyed) return;
    socket.write(this.#typed.take(), () => this.#flush(socket));
  }

  #leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    const socket = this.#socket;
    this.#socket = undefined;
    void socket?.then(
      (open) => open.destroy(),
      () => undefined,
    );
  }
}
