import { describe, expect, it } from 'vitest';
import { deferred } from './deferred.ts';
import { Turns } from './turns.ts';

describe('Turns', () => {
  it('does one thing after the other, also after a failure, and others meanwhile', async () => {
    const turns = new Turns();
    const done: string[] = [];
    const gate = deferred();
    const first = turns.take('a', async () => {
      await gate.promise;
      done.push('first');
      throw new Error('failed');
    });
    const second = turns.take('a', async () => await Promise.resolve(done.push('second')));
    await turns.take('b', async () => await Promise.resolve(done.push('other')));
    gate.resolve();
    await expect(first).rejects.toThrow('failed');
    await second;
    expect(done).toEqual(['other', 'first', 'second']);
  });
});
