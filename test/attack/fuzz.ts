import { inspect } from 'node:util';
import { KameError } from '../../src/core/errors.ts';
import { mutated, type Corpus } from './mutation.ts';

/** Which inputs a parser gets. */
interface FuzzRange {
  readonly firstSeed: number;
  readonly runs: number;
}

/** Every run is the same. `KAME_FUZZ_RUNS` and `KAME_TEST_SEED` look further, or at the input that failed alone. */
const usualRange: FuzzRange = {
  firstSeed: Number(process.env['KAME_TEST_SEED'] ?? 1),
  runs: Number(process.env['KAME_FUZZ_RUNS'] ?? 100_000),
};

/** A tenth of that, for parsers of which there are many. */
export const shortRange: FuzzRange = {
  ...usualRange,
  runs: Math.ceil(usualRange.runs / 10),
};

/** The memory that the whole process may have used at its peak. */
const maxMemoryBytes = 300 * 1024 ** 2;

/** What the inputs came to: an attack that never gets past the first check, or is never refused, proves little. */
export interface FuzzResult {
  /** Inputs that were read. */
  readonly read: number;
  /** Codes of the errors, and how often each was thrown. */
  readonly refused: ReadonlyMap<string, number>;
}

function report(seed: number, input: Buffer, what: string): Error {
  const shown = input.length <= 4096 ? input : input.subarray(0, 4096);
  return new Error(
    `${what}\nseed: KAME_TEST_SEED=${seed} KAME_FUZZ_RUNS=1\ninput (${input.length} bytes, base64): ${shown.toString('base64')}`,
  );
}

function checkMemory(seed: number, input: Buffer): void {
  // In KiB on every system of Node.
  const peak = process.resourceUsage().maxRSS * 1024;
  if (peak > maxMemoryBytes) throw report(seed, input, `The process took ${peak} bytes of memory.`);
}

/**
 * Gives a parser mutated inputs, the same ones in each run. It may read them or throw a KameError that is not INTERNAL.
 * @throws Error with the seed and the input of the first one on which it does anything else, or takes too much memory
 */
export async function fuzz(
  from: Corpus,
  parse: (input: Buffer) => unknown,
  { firstSeed, runs }: FuzzRange = usualRange,
): Promise<FuzzResult> {
  const refused = new Map<string, number>();
  let read = 0;
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const input = mutated(seed, from);
    try {
      const result = parse(input);
      if (result instanceof Promise) await result;
      read += 1;
    } catch (error) {
      if (!(error instanceof KameError) || error.code === 'INTERNAL')
        throw Object.assign(report(seed, input, inspect(error)), { cause: error });
      refused.set(error.code, (refused.get(error.code) ?? 0) + 1);
    }
    if (seed % 1000 === 0) checkMemory(seed, input);
  }
  const codes = [...refused].map(([code, count]) => `${count} ${code}`);
  process.stdout.write(`${runs} inputs: ${[`${read} read`, ...codes].join(', ')}\n`);
  return { read, refused };
}
