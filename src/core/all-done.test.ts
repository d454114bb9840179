import { expect, it } from 'vitest';
import { allDone } from './all-done.ts';

it('returns all results in order', async () => {
  expect(await allDone([Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two']);
});

it('throws the first failure after the last promise has settled', async () => {
  let ended = false;
  const slow = new Promise<void>((resolve) => setImmediate(resolve)).then(() => (ended = true));
  const works = [Promise.reject(new Error('first')), slow, Promise.reject(new Error('second'))];
  await expect(allDone(works)).rejects.toThrow('first');
  expect(ended).toBe(true);
});
