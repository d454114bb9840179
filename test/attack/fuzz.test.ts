import { describe, expect, it } from 'vitest';
import { KameError } from '../../src/core/errors.ts';
import { fuzz } from './fuzz.ts';
import { mutated, type Corpus } from './mutation.ts';

const corpus: Corpus = { samples: [Buffer.from('key = "value"')], pieces: [Buffer.from('=')] };

describe('an attack', () => {
  it('makes the same inputs from the same seed, and different ones from another', () => {
    const inputs = Array.from({ length: 200 }, (_none, seed) => mutated(seed, corpus).toString('hex'));
    expect(inputs).toEqual(
      Array.from({ length: 200 }, (_none, seed) => mutated(seed, corpus).toString('hex')),
    );
    expect(new Set(inputs).size).toBeGreaterThan(150);
  });

  it.each([
    ['is no KameError', new TypeError('x is undefined'), 'TypeError: x is undefined'],
    ['says that Kame has a bug', new KameError('INTERNAL', 'No such layer.'), 'KameError: No such layer.'],
  ])('stops at an error that %s, and reports seed and input', async (_what, error, text) => {
    const parse = (): never => {
      throw error;
    };
    const input = mutated(1, corpus);
    const run = fuzz(corpus, parse, { firstSeed: 1, runs: 3 });
    await expect(run).rejects.toMatchObject({ cause: error });
    await expect(run).rejects.toThrow(text);
    await expect(run).rejects.toThrow('seed: KAME_TEST_SEED=1 KAME_FUZZ_RUNS=1');
    await expect(run).rejects.toThrow(`(${input.length} bytes, base64): ${input.toString('base64')}`);
  });

  it('counts what was read and what was refused', async () => {
    const parse = (input: Buffer): void => {
      if (input.length % 2 === 0) throw new KameError('BAD_IMAGE', 'It is even.');
    };
    const { read, refused } = await fuzz(corpus, parse, { firstSeed: 1, runs: 50 });
    expect(read).toBeGreaterThan(0);
    expect(refused.get('BAD_IMAGE')).toBe(50 - read);
  });
});
