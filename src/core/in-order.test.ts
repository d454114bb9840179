import { describe, expect, it } from 'vitest';
import { deferred } from './deferred.ts';
import { inOrder } from './in-order.ts';

async function* upTo(count: number): AsyncGenerator<number> {
  for (let item = 0; item < count; item += 1) yield await Promise.resolve(item);
}

describe('work in order', () => {
  it('yields in the order of the items, whichever is done first, and never has more than the width in progress', async () => {
    const gates = [deferred<void>(), deferred<void>(), deferred<void>(), deferred<void>()];
    let begun = 0;
    const results = inOrder(upTo(4), 2, async (item) => {
      begun += 1;
      await gates[item]?.promise;
      return item * 10;
    });
    gates[1]?.resolve();
    const first = results.next();
    gates[0]?.resolve();
    expect([await first, begun]).toEqual([{ done: false, value: 0 }, 2]);
    gates[3]?.resolve();
    gates[2]?.resolve();
    expect([await results.next(), await results.next(), await results.next()]).toEqual(
      [10, 20, 30].map((value) => ({ done: false, value })),
    );
    expect((await results.next()).done).toBe(true);
  });

  it('ends with the first failure, after what was begun has settled', async () => {
    const settled: number[] = [];
    const all = async () => {
      const seen: number[] = [];
      for await (const item of inOrder(upTo(9), 3, async (each) => {
        await Promise.resolve();
        settled.push(each);
        if (each === 1) throw new Error('one');
        return each;
      }))
        seen.push(item);
      return seen;
    };
    await expect(all()).rejects.toThrow('one');
    expect(settled).toEqual([0, 1, 2, 3].slice(0, settled.length));
  });
});
