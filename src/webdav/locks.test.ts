import { describe, expect, it } from 'vitest';
import { Locks, secondsOf } from './locks.ts';

const status = (expected: number) => expect.objectContaining({ status: expected }) as Error;
const lock = { exclusive: true, deep: false, owner: '', seconds: 60 };
const none: ReadonlySet<string> = new Set();

describe('locks', () => {
  it('let only who knows the token change what is locked, and what is in a folder that is locked deeply', () => {
    const locks = new Locks();
    const { token } = locks.add({ ...lock, names: ['w', 'a'], deep: true });
    const known = new Set([token]);
    for (const names of [
      ['w', 'a'],
      ['w', 'a', 'b', 'c'],
    ]) {
      expect(() => locks.requireFree(names, none, false)).toThrow(status(423));
      locks.requireFree(names, known, false);
    }
    locks.requireFree(['w'], none, false);
    locks.requireFree(['w', 'ab'], none, true);
    expect(() => locks.requireFree(['w'], none, true)).toThrow(status(423));
    expect(() => locks.add({ ...lock, names: ['w', 'a', 'b'] })).toThrow(status(423));
    expect(() => locks.add({ ...lock, names: ['w'], deep: true })).toThrow(status(423));
    locks.remove(['w', 'a'], token);
    locks.requireFree(['w', 'a'], none, false);
    expect(() => locks.remove(['w', 'a'], token)).toThrow(status(409));
  });

  it('are shared among those who ask for that', () => {
    const locks = new Locks();
    const shared = { ...lock, exclusive: false, names: ['w', 'a'] };
    const { token } = locks.add(shared);
    locks.add(shared);
    expect(() => locks.add({ ...shared, exclusive: true })).toThrow(status(423));
    locks.requireFree(['w', 'a'], new Set([token]), false);
    expect(() => locks.requireFree(['w', 'a'], none, false)).toThrow(status(423));
  });

  it('end after their time, unless they are refreshed, and with what they are on', () => {
    let now = 0;
    const locks = new Locks(() => now);
    const { token } = locks.add({ ...lock, names: ['w', 'a'] });
    now = 50_000;
    expect(locks.refresh(['w', 'a'], new Set([token]), 30).seconds).toBe(30);
    now = 79_000;
    expect(locks.on(['w', 'a'])).toHaveLength(1);
    now = 80_000;
    expect(locks.on(['w', 'a'])).toEqual([]);
    expect(() => locks.refresh(['w', 'a'], new Set([token]), 30)).toThrow(status(412));
    locks.add({ ...lock, names: ['w', 'a', 'b'] });
    locks.forget(['w', 'a']);
    expect(locks.on(['w', 'a', 'b'])).toEqual([]);
  });

  it('are refused in a flood, and come back when they have ended', () => {
    let now = 0;
    const locks = new Locks(() => now);
    for (let count = 0; count < 1000; count += 1) locks.add({ ...lock, names: ['w', `f${count}`] });
    expect(() => locks.add({ ...lock, names: ['w', 'one more'] })).toThrow(status(507));
    now = 61_000;
    locks.add({ ...lock, names: ['w', 'one more'] });
  });
});

describe('Timeout', () => {
  it.each([
    [undefined, 600],
    ['Infinite', 600],
    ['Second-5', 5],
    ['Second-4100000000', 3600],
    ['Second-0', 1],
    ['Infinite, Second-5', 600],
  ])('%s means %i s', (header, seconds) => {
    expect(secondsOf(header)).toBe(seconds);
  });
});
