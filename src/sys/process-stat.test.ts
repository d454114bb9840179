import { describe, expect, it } from 'vitest';
import { readProcessStat } from './process-stat.ts';

/** As a kernel of Linux 6 wrote it. */
const stat = (name: string, state: string, threads: number) =>
  `21865 (${name}) ${state} 21835 21835 804 0 -1 4227084 3048 6496 9 0 4 0 3 1 20 0 ${threads} 0 6353630 0 0 18446744073709551615 0 0\n`;

describe('what the kernel says of a process', () => {
  it.each([
    ['S', 4, false],
    ['Z', 1, true],
    ['Z', 2, false],
    ['X', 1, true],
  ])('in state %s with %i threads: that it has ended is %s', (state, threads, hasEnded) => {
    expect(readProcessStat(stat('qemu', state, threads))).toEqual({ startTicks: '6353630', hasEnded });
  });

  it('is found behind any name', () => {
    expect(readProcessStat(stat('a) Z 1 (b', 'S', 1))).toEqual({ startTicks: '6353630', hasEnded: false });
  });
});
