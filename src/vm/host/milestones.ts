import { deferred, type Deferred } from '../../core/deferred.ts';

/** What a starting guest can be waited for. */
export type Milestone = 'boot' | 'firmware' | 'kernel' | 'agent' | 'network' | 'login' | 'desktop';

/** What a guest has reached since its engine runs, for those who wait for it. */
export class Milestones {
  readonly #all = new Map<Milestone, Deferred<void>>();

  #of(milestone: Milestone): Deferred<void> {
    const known = this.#all.get(milestone) ?? deferred();
    this.#all.set(milestone, known);
    return known;
  }

  mark(milestone: Milestone): void {
    this.#of(milestone).resolve();
  }

  /** Resolves when the guest has reached it, which may never happen. */
  async reached(milestone: Milestone): Promise<void> {
    await this.#of(milestone).promise;
  }
}
