import type { Result } from './result.ts';

export interface BenchContext {
  /** Runs of each kind; the benchmark's own number when it is not given. */
  readonly runs: number | undefined;
  /** Tells how far the benchmark is. */
  readonly say: (text: string) => void;
  /** Fires at Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  /** Why it can't be measured here, and what to do about it; null when it can. */
  missing?(): string | null;
  run(context: BenchContext): Promise<Result>;
}

/** One kind of run; returns its sample. */
export type Run = () => number | Promise<number>;

/**
 * Runs each kind in turn, as often as asked for, so that what else the host does hits all of them alike; every second
 * round goes backwards, so that none always follows the same other one.
 * @returns the samples of each kind
 */
export async function alternate<Name extends string>(
  kinds: Readonly<Record<Name, Run>>,
  rounds: number,
  { say, signal }: BenchContext,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(kinds) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      signal.throwIfAborted();
      say(`${name}, ${round + 1} of ${rounds}`);
      samples[name].push(await kinds[name]());
    }
  }
  return samples;
}
