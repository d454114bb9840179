import type { Socket } from 'node:net';
import { KameError } from '../../core/errors.ts';
import { ByteQueue } from '../../sys/byte-queue.ts';

function ended(): KameError {
  return new KameError('ENGINE_FAILED', 'The engine has closed the connection to its display.');
}

/** Reads exact numbers of bytes from a socket, one call after the other. */
export class ByteReader {
  readonly #socket: Socket;
  readonly #queue = new ByteQueue();
  #rest = Buffer.alloc(0);
  #over = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data: Buffer) => {
      this.#queue.push(data);
      this.#wake();
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#over = true;
      this.#wake();
    });
  }

  /** @throws KameError ENGINE_FAILED when the connection ends first */
  async read(bytes: number): Promise<Buffer> {
    while (this.#rest.length + this.#queue.length < bytes) {
      if (this.#over || this.#socket.destroyed) throw ended();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#queue.length > 0) this.#rest = Buffer.concat([this.#rest, this.#queue.take()]);
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }
}
