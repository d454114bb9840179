import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { parentPort, Worker } from 'node:worker_threads';
import { allDone } from '../core/all-done.ts';
import { KameError, messageOf } from '../core/errors.ts';
import { extentBytes, splitExtents, type Extent } from './extents.ts';
import { fileError } from './files.ts';

interface CopyOrder {
  readonly from: string;
  readonly to: string;
  readonly extents: readonly Extent[];
}

/**
 * A thread's message: it has started or finished an order (`ok`), or has failed. Errors lose their class in transit.
 */
type CopyReply =
  { readonly ok: true } | { readonly ok: false; readonly code?: string; readonly message: string };

/** How much a thread copies between two checks for cancellation. */
const stepBytes = 64 * 1024 * 1024;
/** Small enough to stay in the CPU cache between reading and writing. */
const bufferBytes = 1024 * 1024;

async function replyOf(thread: Worker): Promise<CopyReply> {
  return await new Promise<CopyReply>((resolve, reject) => {
    const ended = (code: number) =>
      reject(new KameError('HOST_PROBLEM', `A thread that copies memory ended with code ${code}.`));
    thread.once('message', (reply: CopyReply) => {
      thread.off('error', reject).off('exit', ended);
      resolve(reply);
    });
    thread.once('error', reject).once('exit', ended);
  });
}

async function order(thread: Worker, copy: CopyOrder): Promise<void> {
  const reply = replyOf(thread);
  thread.postMessage(copy);
  const said = await reply;
  if (!said.ok) throw fileError(Object.assign(new Error(said.message), { code: said.code }), copy.to);
}

/**
 * Threads that copy parts of a file on a memory file system as fast as memory allows. There, handing each step to the
 * thread pool and back, as copyExtents does, takes half as long as the copy itself. Start them before they are needed.
 */
export class CopyThreads implements Disposable {
  readonly #threads: readonly Worker[];

  private constructor(threads: readonly Worker[]) {
    this.#threads = threads;
  }

  /** @param file a module that calls serveCopies */
  static async start(file: URL, count: number): Promise<CopyThreads> {
    const threads = new CopyThreads(Array.from({ length: count }, () => new Worker(file)));
    try {
      await allDone(threads.#threads.map(replyOf));
      return threads;
    } catch (error) {
      threads[Symbol.dispose]();
      throw error;
    }
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
    for (const thread of this.#threads) void thread.terminate();
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
  const reply = (message: CopyReply) => parentPort?.postMessage(message);
  parentPort?.on('message', (copy: CopyOrder) => {
    try {
      copyNow(copy, buffer);
      reply({ ok: true });
    } catch (error) {
      reply({ ok: false, code: (error as NodeJS.ErrnoException).code ?? '', message: messageOf(error) });
    }
  });
  reply({ ok: true });
}
