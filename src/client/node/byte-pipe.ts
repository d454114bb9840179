import { deferred } from '../../core/deferred.ts';

/** Hands bytes from one that pushes them to one that pulls them; the former waits until the latter wants more. */
export class BytePipe {
  #part: Uint8Array | undefined;
  #ended = false;
  #filled = deferred();
  #emptied = deferred();

  /** Resolves when the part was taken, or nobody wants it. */
  async push(part: Uint8Array): Promise<void> {
    if (this.#ended) return;
    this.#part = part;
    this.#emptied = deferred();
    this.#filled.resolve();
    await this.#emptied.promise;
  }

  /** Nothing more comes, or nothing more is wanted. */
  end(): void {
    this.#ended = true;
    this.#filled.resolve();
    this.#emptied.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      await this.#filled.promise;
      const part = this.#part;
      if (part === undefined) {
        if (this.#ended) return;
        continue;
      }
      this.#part = undefined;
      if (!this.#ended) this.#filled = deferred();
      yield part;
      this.#emptied.resolve();
    }
  }
}
