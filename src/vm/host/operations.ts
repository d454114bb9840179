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

  /** The use case in progress on a machine, or undefined. */
  verbOf(key: string): Verb | undefined {
    return this.#verbs.get(key);
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
    }
  }
}
