import { deferred } from '../../core/deferred.ts';
import { ByteQueue } from '../../sys/byte-queue.ts';

export type OutputName = 'stdout' | 'stderr';

/** Changes between the two outputs that are kept in order. A command that changes at each byte must not use up memory. */
const maxTurns = 1000;

/** Output that waits for its listener, in order, and in few buffers however small the pieces are. */
export class OutputQueue {
  readonly #deliver: (name: OutputName, chunk: Buffer) => Promise<void>;
  readonly #done = deferred();
  #turns: { readonly name: OutputName; readonly bytes: ByteQueue }[] = [];
  #busy = false;
  #ending = false;

  constructor(deliver: (name: OutputName, chunk: Buffer) => Promise<void>) {
    this.#deliver = deliver;
  }

  /** Resolves when all was delivered after `end`; rejects with the error of the listener. */
  get ended(): Promise<void> {
    return this.#done.promise;
  }

  push(name: OutputName, chunk: Buffer): void {
    const last = this.#turns.at(-1);
    const turn =
      last?.name === name || this.#turns.length < maxTurns
        ? last
        : this.#turns.findLast((each) => each.name === name);
    if (turn?.name === name) turn.bytes.push(chunk);
    else {
      const bytes = new ByteQueue();
      bytes.push(chunk);
      this.#turns.push({ name, bytes });
    }
    if (!this.#busy) void this.#run();
  }

  /** Nothing follows. */
  end(): void {
    this.#ending = true;
    if (!this.#busy) this.#done.resolve();
  }

  /** Forgets what waits. */
  close(): void {
    this.#turns = [];
  }

  async #run(): Promise<void> {
    this.#busy = true;
    try {
      for (let turn = this.#turns.shift(); turn; turn = this.#turns.shift())
        await this.#deliver(turn.name, turn.bytes.take());
      if (this.#ending) this.#done.resolve();
    } catch (error) {
      this.#turns = [];
      this.#done.reject(error);
    } finally {
      this.#busy = false;
    }
  }
}
