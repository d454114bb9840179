import { array, assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timetable } from './timetable.ts';

describe('a timetable', () => {
  it('runs everything in order of time, and then in the order in which it was added', () => {
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

  it('has its own timer', async () => {
    using timetable = new Timetable(() => performance.now());
    const begin = performance.now();
    await new Promise<void>((resolve) => timetable.add(begin + 5, resolve));
    expect(performance.now()).toBeGreaterThanOrEqual(begin + 5);
  });
});
