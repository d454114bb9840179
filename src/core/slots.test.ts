import { describe, expect, it } from 'vitest';
import { deferred } from './deferred.ts';
import { Slots } from './slots.ts';

describe('Slots', () => {
  it('let only a few run at a time, and the next when one has ended, even by an error', async () => {
    const slots = new Slots(2);
    const ends = [deferred(), deferred(), deferred()];
    const begun: number[] = [];
    const works = ends.map(
      async ({ promise }, index) =>
        await slots.run(async () => {
          begun.push(index);
          await promise;
          return index;
        }),
    );
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    ends[1]?.reject(new Error('no'));
    await expect(works[1]).rejects.toThrow('no');
    expect(begun).toEqual([0, 1, 2]);
    ends[0]?.resolve();
    ends[2]?.resolve();
    expect(await Promise.all([works[0], works[2]])).toEqual([0, 2]);
    expect(await slots.run(async () => await Promise.resolve('free'))).toBe('free');
  });
});
