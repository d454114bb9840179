import { describe, expect, it } from 'vitest';
import { LearningTable } from './learning-table.ts';

describe('the table of learned addresses', () => {
  it('finds the port that an address was last seen at, until the entry expires', () => {
    const table = new LearningTable<string>();
    expect(table.learn(7, 'a', 0)).toBe('known');
    expect([table.find(7, 300_000), table.find(8, 0)]).toEqual(['a', undefined]);
    expect(table.find(7, 300_001)).toBeUndefined();
    expect(table.size).toBe(0);
  });

  it('does not let another port take an address that is in use', () => {
    const table = new LearningTable<string>();
    table.learn(7, 'a', 0);
    expect(table.learn(7, 'b', 1000)).toBe('elsewhere');
    expect(table.find(7, 1000)).toBe('a');
    expect(table.learn(7, 'b', 1001)).toBe('known');
    expect(table.find(7, 1001)).toBe('b');
  });

  it('has at most 64 addresses for a port, and room again when some expire', () => {
    const table = new LearningTable<string>();
    for (let mac = 1; mac <= 64; mac += 1) expect(table.learn(mac, 'a', 0)).toBe('known');
    expect(table.learn(65, 'a', 10)).toBe('full');
    expect(table.learn(66, 'b', 10)).toBe('known');
    table.learn(1, 'a', 200_000);
    expect(table.learn(65, 'a', 300_001)).toBe('known');
    expect(table.size).toBe(3);
  });

  it('forgets a port', () => {
    const table = new LearningTable<string>();
    table.learn(1, 'a', 0);
    table.learn(2, 'b', 0);
    table.forgetPort('a');
    table.forget(2);
    expect([table.find(1, 0), table.find(2, 0), table.size]).toEqual([undefined, undefined, 0]);
  });
});
