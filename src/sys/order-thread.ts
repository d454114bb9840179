import { parentPort, Worker } from 'node:worker_threads';
import { KameError } from '../core/errors.ts';
import { deferred, type Deferred } from '../core/deferred.ts';

/** A thread that carries out orders, one after the other, and answers each. */
export class OrderThread<Order, Answer> implements Disposable {
  readonly #worker: Worker;
  readonly #waiting: Deferred<Answer>[] = [];
  readonly #started = deferred();
  #failure: Error | undefined;

  /**
   * @param file a module that calls serveOrders
   * @param work what the thread does, for messages: `copies memory`
   */
  constructor(file: URL, work: string) {
    this.#worker = new Worker(file);
    // Whoever asks is told; a thread that nobody asks fails silently.
    this.#started.promise.catch(() => undefined);
    this.#worker.once('message', () => {
      this.#started.resolve();
      this.#worker.on('message', (answer: Answer) => this.#waiting.shift()?.resolve(answer));
    });
    this.#worker.once('error', (error: Error) => this.#fail(error));
    this.#worker.once('exit', (code) =>
      this.#fail(new KameError('HOST_PROBLEM', `A thread that ${work} ended with code ${code}.`)),
    );
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#started.reject(this.#failure);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }

  /** Waits until the thread serves orders. @throws the reason why it cannot start */
  async ready(): Promise<void> {
    await this.#started.promise;
  }

  /**
   * Gives an order; further ones may follow before its answer.
   * @param memory that goes to the thread with the order instead of being copied
   * @throws KameError HOST_PROBLEM if the thread ends first
   */
  async ask(order: Order, memory: readonly ArrayBuffer[] = []): Promise<Answer> {
    if (this.#failure) throw this.#failure;
    const answer = deferred<Answer>();
    this.#waiting.push(answer);
    this.#worker.postMessage(order, memory);
    return await answer.promise;
  }

  /** Does not wait for the thread to end. */
  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }
}

/** Starts threads for the same work. They end again if one of them cannot start. @throws the reason for that */
export async function startThreads<Order, Answer>(
  file: URL,
  count: number,
  work: string,
): Promise<OrderThread<Order, Answer>[]> {
  const threads = Array.from({ length: count }, () => new OrderThread<Order, Answer>(file, work));
  try {
    for (const thread of threads) await thread.ready();
    return threads;
  } catch (error) {
    for (const thread of threads) thread[Symbol.dispose]();
    throw error;
  }
}

/**
 * The thread's side of OrderThread: answers orders until the thread is terminated. An order that throws ends it.
 * @param work takes the orders that the other side gives
 * @param memoryOf the memory that goes back with an answer
 */
export function serveOrders<Answer>(
  work: (order: never) => Answer,
  memoryOf: (answer: Answer) => readonly ArrayBuffer[] = () => [],
): void {
  parentPort?.on('message', (order: unknown) => {
    const answer = work(order as never);
    parentPort?.postMessage(answer, memoryOf(answer));
  });
  // It has started.
  parentPort?.postMessage(null);
}
