import { inflateSync } from 'node:zlib';
import { messageOf } from '../core/errors.ts';
import { serveOrders, startThreads, type OrderThread } from './order-thread.ts';

/** Memory of a batch, which goes to a thread with an order and comes back with its answer, so that nothing is copied. */
export interface BatchMemory {
  /** Compressed pieces, one after the other. */
  readonly packed: ArrayBuffer;
  /** What the pieces expand to, each at a multiple of `pieceBytes`. */
  readonly plain: ArrayBuffer;
}

/** Pieces of compressed data (zlib). */
export interface PackedBatch extends BatchMemory {
  /** Compressed bytes of each piece. */
  readonly sizes: readonly number[];
  /** The most that a piece may expand to. */
  readonly pieceBytes: number;
}

/** The bytes that each piece expanded to. */
export interface InflatedBatch extends BatchMemory {
  /** Of the pieces before the first that could not be decompressed. */
  readonly lengths: readonly number[];
  /** Why that piece could not. */
  readonly failure?: string;
}

/** What decompresses pieces away from the main thread. */
export interface Inflater extends Disposable {
  /** Takes the memory of the batch, and gives it back with the result. @throws KameError HOST_PROBLEM */
  inflate(batch: PackedBatch): Promise<InflatedBatch>;
}

/** With room for one byte more than it may have, zlib sees the end of a piece without asking for a second buffer. */
const endBytes = 1;

/** Decompresses the pieces of a batch, here and now. None gets more than its room, whatever it expands to. */
export function inflateBatch({ packed, plain, sizes, pieceBytes }: PackedBatch): InflatedBatch {
  const lengths: number[] = [];
  let at = 0;
  for (const size of sizes) {
    const place = Buffer.from(plain, lengths.length * pieceBytes, pieceBytes);
    try {
      const options = { maxOutputLength: pieceBytes, chunkSize: pieceBytes + endBytes };
      lengths.push(inflateSync(Buffer.from(packed, at, size), options).copy(place));
    } catch (error) {
      return { packed, plain, lengths, failure: messageOf(error) };
    }
    at += size;
  }
  return { packed, plain, lengths };
}

/**
 * Threads that decompress. The thread pool of Node does it too, but a trip there and back for each piece of 64 KiB, and new buffers
 * that the garbage collector must take away again, cost more than the work itself.
 */
export class InflateThreads implements Inflater {
  readonly #threads: readonly OrderThread<PackedBatch, InflatedBatch>[];
  #next = 0;

  private constructor(threads: readonly OrderThread<PackedBatch, InflatedBatch>[]) {
    this.#threads = threads;
  }

  /** @param file a module that calls serveInflating @throws the reason why a thread cannot start */
  static async start(file: URL, count: number): Promise<InflateThreads> {
    return new InflateThreads(await startThreads(file, count, 'decompresses'));
  }

  async inflate(batch: PackedBatch): Promise<InflatedBatch> {
    const thread = this.#threads[this.#next];
    if (!thread) throw new RangeError('There is no thread to decompress with.');
    this.#next = (this.#next + 1) % this.#threads.length;
    return await thread.ask(batch, [batch.packed, batch.plain]);
  }

  /** Does not wait for the threads to end. */
  [Symbol.dispose](): void {
    for (const thread of this.#threads) thread[Symbol.dispose]();
  }
}

/** The thread's side of InflateThreads. */
export function serveInflating(): void {
  serveOrders(inflateBatch, ({ packed, plain }) => [packed, plain]);
}
