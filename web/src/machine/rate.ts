import type { ProgressReport } from '../../../src/core/progress.ts';

/** Milliseconds over which a rate is measured: long enough to be calm, short enough to be true. */
const spanMs = 5000;
/** Before so much time has passed, a rate would be a guess. */
const leastMs = 500;

interface Sample {
  readonly atMs: number;
  readonly done: number;
}

/** How fast a stage of a task is. */
export class Rate {
  #stage = '';
  #samples: Sample[] = [];

  /** @returns bytes a second over the last seconds; undefined as long as that is not known */
  add({ stage, done, unit }: ProgressReport, atMs = performance.now()): number | undefined {
    if (unit !== 'bytes' || done === undefined) return undefined;
    // What was there before does not count: an upload that goes on has not sent it now.
    if (stage !== this.#stage || done < (this.#samples.at(-1)?.done ?? 0)) this.#samples = [];
    this.#stage = stage;
    this.#samples = [...this.#samples.filter((sample) => atMs - sample.atMs <= spanMs), { atMs, done }];
    const [first] = this.#samples;
    const passedMs = atMs - (first?.atMs ?? atMs);
    return first && passedMs >= leastMs ? (1000 * (done - first.done)) / passedMs : undefined;
  }
}
