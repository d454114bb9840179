import { deferred, type Deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import { cannot, underWay, type Verb } from './verbs.ts';

/** The machine that an operation works on, and the verb for messages. */
export interface Subject {
  /** Path of the `.vmx`, or `name:NAME` for a machine that does not exist yet. */
  readonly key: string;
  readonly machine: string;
  readonly verb: Verb;
}

/** Allows one operation at a time on each machine. A second one is refused; it does not wait. */
export class Operations {
  readonly #verbs = new Map<string, Verb>();
  readonly #waiting = new Map<string, Deferred<void>>();

  /** The use case in progress on a machine, or undefined. */
  verbOf(key: string): Verb | undefined {
    return this.#verbs.get(key);
  }

  /** Resolves when no use case is in progress on a machine. Another may begin at once, so be ready to wait again. */
  async whenFree(key: string): Promise<void> {
    if (!this.#verbs.has(key)) return;
    const waiting = this.#waiting.get(key) ?? deferred();
    this.#waiting.set(key, waiting);
    await waiting.promise;
  }

  /** @throws KameError BUSY naming the operation in progress */
  async exclusive<T>({ key, machine, verb }: Subject, work: () => Promise<T>): Promise<T> {
    const current = this.#verbs.get(key);
    if (current !== undefined) {
      throw new KameError('BUSY', `${cannot(verb, machine)}: ${underWay(current)}.`, {
        next: `Wait until that has finished; kame show ${machine} shows the state.`,
        details: { machine },
      });
    }
    this.#verbs.set(key, verb);
    try {
      return await work();
    } finally {
      this.#verbs.delete(key);
      this.#waiting.get(key)?.resolve();
      this.#waiting.delete(key);
    }
  }
}
