import type { Socket } from 'node:net';
import { KameError } from '../core/errors.ts';
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
        write: (data) => {
          if (socket.writableLength < maxTypedAhead) socket.write(data);
        },
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
      for (const viewer of this.#viewers) viewer.end?.();
      this.#viewers.clear();
    });
    return socket;
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
