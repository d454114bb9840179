import { describe, expect, it } from 'vitest';
import { processUsage, usageIn, usageInPs } from './process-usage.ts';

const stat = '7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 1 0 100 1000 10 18446744073709551615';
const status = 'Name:\ta\nVmRSS:\t    2048 kB\nRssAnon:\t 1 kB\n';

describe('what a process uses', () => {
  it('is read from /proc, whatever its program is called', () => {
    const rollup = 'Rss: 2048 kB\nPrivate_Clean:        8 kB\nPrivate_Dirty:     1000 kB\n';
    expect(usageIn(stat, rollup, status)).toEqual({
      cpuMs: 2000,
      residentBytes: 2048 * 1024,
      privateBytes: 1008 * 1024,
    });
    expect(usageIn(stat, undefined, status)?.privateBytes).toBeNull();
  });

  it('is not known of a process that ends, whose memory is gone', () => {
    expect(usageIn(stat, undefined, 'Name:\ta\n')).toBeUndefined();
  });

  it('is read from ps, where there is no /proc', () => {
    const text = '  12  2048 1-02:03:04\n 13 10   0:01.50\n\nnot a line\n';
    expect([...usageInPs(text)]).toEqual([
      [12, { cpuMs: ((26 * 60 + 3) * 60 + 4) * 1000, residentBytes: 2048 * 1024, privateBytes: null }],
      [13, { cpuMs: 1500, residentBytes: 10 * 1024, privateBytes: null }],
    ]);
  });

  it('is found for this process, and not for one that is gone', async () => {
    const found = await processUsage([process.pid, 2 ** 30]);
    expect([...found.keys()]).toEqual([process.pid]);
    expect(found.get(process.pid)?.cpuMs).toBeGreaterThan(0);
    expect(found.get(process.pid)?.residentBytes).toBeGreaterThan(1024 * 1024);
  });
});
