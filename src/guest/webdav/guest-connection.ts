import { Duplex } from 'node:stream';

/** Bytes that may wait here until they are read. */
const highWater = 128 * 1024;
/** A piece is short, so that few requests can be in it. */
const pieceBytes = 16 * 1024;

export interface GuestConnectionOptions {
  /** Sends bytes to the guest; `done` when the engine has taken them. */
  readonly send: (data: Buffer, done: (error?: Error | null) => void) => void;
  /** Ends the connection in the guest. */
  readonly end: () => void;
  /** Less waits here than before. */
  readonly onRead: () => void;
}

/** A connection that a program in the guest has made, as a stream. */
export class GuestConnection extends Duplex {
  readonly #options: GuestConnectionOptions;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #ended = false;
  #wanted = false;
  /** The time of its last use, to choose one that is given up. */
  usedAt: number;

  constructor(options: GuestConnectionOptions) {
    super({ readableHighWaterMark: pieceBytes, writableHighWaterMark: highWater });
    this.#options = options;
    this.usedAt = performance.now();
    this.on('error', () => undefined);
  }

  /** Whether so much waits that nothing more should come. */
  get isFull(): boolean {
    return this.#waitingBytes > highWater;
  }

  /** Takes bytes of the guest. */
  receive(data: Buffer): void {
    this.usedAt = performance.now();
    this.#waiting.push(data);
    this.#waitingBytes += data.length;
    this.#pass();
  }

  /** The guest has ended the connection. */
  receiveEnd(): void {
    this.#ended = true;
    this.#pass();
  }

  override _read(): void {
    this.#wanted = true;
    this.#pass();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.usedAt = performance.now();
    this.#options.send(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#options.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (!this.writableFinished) this.#options.end();
    this.#options.onRead();
    done(error);
  }

  #pass(): void {
    while (this.#wanted && !this.destroyed) {
      const first = this.#waiting[0];
      if (!first) break;
      const piece = first.subarray(0, pieceBytes);
      if (piece.length === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(pieceBytes);
      this.#waitingBytes -= piece.length;
      this.#wanted = this.push(piece);
    }
    if (this.#ended && this.#waiting.length === 0 && !this.readableEnded) this.push(null);
    this.#options.onRead();
  }
}
