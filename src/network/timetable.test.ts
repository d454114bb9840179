import { array, assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timetable } from './timetable.ts';

describe('a timetable', () => {
  it('runs everything in the order of its time, and of its addition', () => {
    assert(
      property(array(integer({ min: 0, max: 20 })), (times) => {
        let now = 0;
        using timetable = new Timetable(() => now);
        const done: (readonly [number, number])[] = [];
        times.forEach((at, index) => timetable.add(at, () => done.push([at, index])));
        now = 10;
        timetable.runDue();
        const expected = times.map((at, index) => [at, index] as const).sort(([a], [b]) => a - b);
        expect(done).toEqual(expected.filter(([at]) => at <= 10));
        now = 20;
        timetable.runDue();
        expect(done).toEqual(expected);
        expect(timetable.size).toBe(0);
      }),
    );
  });

  it('has a timer of its own', async () => {
    using timetable = new Timetable(() => performance.now());
    const begin = performance.now();
    await new Promise<void>((resolve) => timetable.add(begin + 5, resolve));
    expect(performance.now()).toBeGreaterThanOrEqual(begin + 5);
  });
});
