import { describe, expect, it } from 'vitest';
import { localTime } from './local-time.ts';

describe('a time in a table', () => {
  it('is the local time of the host; what is not a time is left as it is', () => {
    expect(localTime('2026-11-24T01:35:33.644Z')).toMatch(/^2026-11-2[345] \d\d:\d[05]$/);
    expect(localTime(new Date(2026, 0, 2, 3, 4).toISOString())).toBe('2026-01-02 03:04');
    expect(localTime('yesterday')).toBe('yesterday');
  });
});
