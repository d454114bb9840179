import type { Result } from './result.ts';

export interface BenchContext {
  /** Number of runs of each kind; by default, each benchmark has its own number. */
  readonly runs: number | undefined;
  /** Reports the progress of the benchmark. */
  readonly say: (text: string) => void;
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  /** Why it cannot be measured on this host, and what to do about it; null if it can. */
  missing?(): string | null;
  run(context: BenchContext): Promise<Result>;
}

/** One kind of run; returns its sample. */
export type Run = () => number | Promise<number>;

/**
 * Runs all kinds in turn, `rounds` times, so that other activity of the host affects all of them alike. Every second
 * round is in reverse order, so that no kind always follows the same other one.
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
