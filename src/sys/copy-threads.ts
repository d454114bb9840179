import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { allDone } from '../core/all-done.ts';
import { KameError, messageOf } from '../core/errors.ts';
import { extentBytes, splitExtents, type Extent } from './extents.ts';
import { fileError } from './files.ts';
import { serveOrders, startThreads, type OrderThread } from './order-thread.ts';

interface CopyOrder {
  readonly from: string;
  readonly to: string;
  readonly extents: readonly Extent[];
}

/** How an order ended. Errors lose their class in transit. */
type CopyReply =
  { readonly ok: true } | { readonly ok: false; readonly code?: string; readonly message: string };

/** How much a thread copies between two checks for cancellation. */
const stepBytes = 64 * 1024 * 1024;
/** Small enough to stay in the CPU cache between reading and writing. */
const bufferBytes = 1024 * 1024;

type CopyThread = OrderThread<CopyOrder, CopyReply>;

async function order(thread: CopyThread, copy: CopyOrder): Promise<void> {
  const said = await thread.ask(copy);
  if (!said.ok) throw fileError(Object.assign(new Error(said.message), { code: said.code }), copy.to);
}

/**
 * Threads that copy parts of a file on a memory file system as fast as memory allows. There, handing each step to the
 * thread pool and back, as copyExtents does, takes half as long as the copy itself. Start them before they are needed.
 */
export class CopyThreads implements Disposable {
  readonly #threads: readonly CopyThread[];

  private constructor(threads: readonly CopyThread[]) {
    this.#threads = threads;
  }

  /** @param file a module that calls serveCopies */
  static async start(file: URL, count: number): Promise<CopyThreads> {
    return new CopyThreads(await startThreads(file, count, 'copies memory'));
  }

  /**
   * Copies extents to the same offsets of an existing file. Only one call at a time.
   * @throws KameError DISK_FULL, FILE_ACCESS, CANCELLED
   */
  async copy(from: string, to: string, extents: readonly Extent[], signal?: AbortSignal): Promise<void> {
    const parts = splitExtents(extents, this.#threads.length);
    await allDone(
      this.#threads.map(async (thread, at) => {
        const part = parts[at] ?? [];
        for (const step of splitExtents(part, Math.ceil(extentBytes(part) / stepBytes))) {
          if (signal?.aborted) throw new KameError('CANCELLED', `Copying to ${to} was cancelled.`);
          await order(thread, { from, to, extents: step });
        }
      }),
    );
  }

  /** Does not wait for the threads to end. */
  [Symbol.dispose](): void {
    for (const thread of this.#threads) thread[Symbol.dispose]();
  }
}

function copyNow({ from, to, extents }: CopyOrder, buffer: Buffer): void {
  const source = openSync(from, 'r');
  const target = openSync(to, 'r+');
  try {
    for (const [start, length] of extents) {
      for (let at = start; at < start + length;) {
        const wanted = Math.min(buffer.length, start + length - at);
        const read = readSync(source, buffer, 0, wanted, at);
        // The source reads as zeros beyond its end.
        buffer.fill(0, read, wanted);
        for (let written = 0; written < wanted;) {
          written += writeSync(target, buffer, written, wanted - written, at + written);
        }
        at += wanted;
      }
    }
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** The thread's side of CopyThreads: serves orders until the thread is terminated. */
export function serveCopies(): void {
  const buffer = Buffer.allocUnsafe(bufferBytes);
  serveOrders((copy: CopyOrder): CopyReply => {
    try {
      copyNow(copy, buffer);
      return { ok: true };
    } catch (error) {
      return { ok: false, code: (error as NodeJS.ErrnoException).code ?? '', message: messageOf(error) };
    }
  });
}
