import { describe, expect, it } from 'vitest';
import type { DirectionShape } from '../model/link-shape.ts';
import { isShaped, Shaper } from './shaper.ts';
import { Timetable } from './timetable.ts';

class Link implements Disposable {
  now = 0;
  random = 0.5;
  readonly arrived: number[] = [];
  readonly timetable = new Timetable(() => this.now);
  readonly shaper: Shaper;

  constructor(shape: Partial<DirectionShape>) {
    const tools = { timetable: this.timetable, now: () => this.now, random: () => this.random };
    this.shaper = new Shaper({ bitsPerSecond: null, lossPerMille: 0, latencyMs: 0, ...shape }, tools);
  }

  [Symbol.dispose](): void {
    this.timetable[Symbol.dispose]();
  }

  pass(bytes: number): boolean {
    return this.shaper.pass(bytes, () => this.arrived.push(this.now));
  }

  /** Lets time pass in steps of a millisecond. */
  runUntil(end: number): void {
    while (this.now < end) {
      this.now += 1;
      this.timetable.runDue();
    }
  }
}

describe('a shaped direction', () => {
  it('is one with a limit, a loss or a latency', () => {
    const none = { bitsPerSecond: null, lossPerMille: 0, latencyMs: 0 };
    expect(isShaped(none)).toBe(false);
    expect(
      [{ bitsPerSecond: 1 }, { lossPerMille: 1 }, { latencyMs: 1 }].every((one) =>
        isShaped({ ...none, ...one }),
      ),
    ).toBe(true);
  });

  it('delays each frame, and keeps their order', () => {
    using link = new Link({ latencyMs: 20 });
    link.pass(100);
    link.runUntil(5);
    link.pass(100);
    link.runUntil(100);
    expect(link.arrived).toEqual([20, 25]);
  });

  it('loses the configured share of frames', () => {
    using link = new Link({ lossPerMille: 10 });
    link.random = 0.0099;
    expect(link.pass(100)).toBe(false);
    link.random = 0.01;
    expect(link.pass(100)).toBe(true);
    using dead = new Link({ lossPerMille: 1000 });
    dead.random = 0.999_999;
    expect(dead.pass(100)).toBe(false);
  });

  it('passes traffic up to its limit, drops what does not fit into its queue, and continues', () => {
    // A thousand bytes a millisecond.
    using link = new Link({ bitsPerSecond: 8_000_000 });
    let lost = 0;
    for (let count = 0; count < 1000; count += 1) if (!link.pass(1000)) lost += 1;
    link.runUntil(10_000);
    expect(link.arrived.length + lost).toBe(1000);
    // 256 KiB wait, and five milliseconds are let through at once.
    expect(link.arrived).toHaveLength(268);
    expect(link.arrived.filter((at) => at > 100 && at <= 200)).toHaveLength(100);
    expect(link.pass(1000)).toBe(true);
  });

  it('keeps a bounded number of frames, however long they wait', () => {
    using link = new Link({ latencyMs: 60_000 });
    let kept = 0;
    for (let count = 0; count < 20_000; count += 1) if (link.pass(60)) kept += 1;
    expect(kept).toBe(16_384);
  });

  it('delivers nothing after its port is gone', () => {
    using link = new Link({ latencyMs: 20 });
    link.pass(100);
    link.shaper.close();
    link.runUntil(50);
    expect(link.arrived).toEqual([]);
  });
});
