import { inspect } from 'node:util';
import fc from 'fast-check';
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

type Parse = (input: Buffer) => unknown;

/** Gives inputs to a parser, and counts what it does. */
class Tally {
  read = 0;
  readonly refused = new Map<string, number>();
  readonly #parse: Parse;
  readonly #begun = process.cpuUsage();

  constructor(parse: Parse) {
    this.#parse = parse;
  }

  /** @throws Error unless the parser reads the input, or refuses it */
  async give(seed: number, input: Buffer): Promise<void> {
    try {
      const result = this.#parse(input);
      if (result instanceof Promise) await result;
      this.read += 1;
    } catch (error) {
      if (!(error instanceof KameError) || error.code === 'INTERNAL')
        throw Object.assign(report(seed, input, inspect(error)), { cause: error });
      this.refused.set(error.code, (this.refused.get(error.code) ?? 0) + 1);
    }
  }

  print(runs: number, kind: string): void {
    const codes = [...this.refused].map(([code, count]) => `${count} ${code}`);
    const { user, system } = process.cpuUsage(this.#begun);
    const counts = [`${this.read} read`, ...codes].join(', ');
    process.stdout.write(
      `${runs} ${kind} inputs: ${counts}; ${Math.round((user + system) / runs)} µs each\n`,
    );
  }
}

function checkMemory(seed: number, input: Buffer): void {
  // In KiB on every system of Node.
  const peak = process.resourceUsage().maxRSS * 1024;
  if (peak > maxMemoryBytes) throw report(seed, input, `The process took ${peak} bytes of memory.`);
}

/** Gives a parser what fast-check makes, which shrinks an input that fails. */
async function fuzzGenerated(inputs: fc.Arbitrary<Buffer>, parse: Parse, range: FuzzRange): Promise<Tally> {
  const tally = new Tally(parse);
  const { firstSeed: seed, runs: numRuns } = range;
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => await tally.give(seed, input)),
    { seed, numRuns },
  );
  checkMemory(seed, Buffer.alloc(0));
  tally.print(numRuns, 'generated');
  return tally;
}

/**
 * Gives a parser mutated inputs and then generated ones, the same in each run. It may read them or throw a KameError that is not
 * INTERNAL.
 * @throws Error with the seed and the input of the first one on which it does anything else, or takes too much memory
 */
export async function fuzz(from: Corpus, parse: Parse, range: FuzzRange = usualRange): Promise<FuzzResult> {
  const { firstSeed, runs } = range;
  const tally = new Tally(parse);
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const input = mutated(seed, from);
    await tally.give(seed, input);
    if (seed % 1000 === 0) checkMemory(seed, input);
  }
  tally.print(runs, 'mutated');
  if (!from.generated) return tally;
  const generated = await fuzzGenerated(from.generated, parse, range);
  const codes = new Map(tally.refused);
  for (const [code, count] of generated.refused) codes.set(code, (codes.get(code) ?? 0) + count);
  return { read: Math.min(tally.read, generated.read), refused: codes };
}
