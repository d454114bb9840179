import type { Socket } from 'node:net';
import { KameError } from '../core/errors.ts';
import { connectUnix } from '../sys/socket.ts';

/** One terminal on a machine's first serial port. */
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

/** What is typed while the guest does not read: more is dropped, as on a real serial line. */
const maxTypedAhead = 256 * 1024;

/**
 * A serial port for several terminals at once. QEMU serves one connection, so it is shared here; it is made for the first
 * terminal and closed behind the last.
 */
export class ConsoleHub {
  readonly #path: string;
  readonly #viewers = new Set<Viewer>();
  #socket: Promise<Socket> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws KameError ENGINE_TIMEOUT when the engine does not take the connection */
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

  /** Ends all terminals. They are told here: nothing is left to tell them when the connection closes. */
  close(): void {
    for (const viewer of [...this.#viewers]) {
      this.#leave(viewer);
      viewer.end?.();
    }
  }

  async #connect(): Promise<Socket> {
    const socket = await connectUnix(this.#path, { deadlineMs: 2000 });
    if (!socket) throw new KameError('ENGINE_FAILED', 'The engine ended.');
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
