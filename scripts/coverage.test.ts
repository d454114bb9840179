import { describe, expect, it } from 'vitest';
import { coverageLine, lineCoverage } from './coverage.ts';

describe('line coverage', () => {
  it.each([
    [{ total: { lines: { pct: 84.26 } } }, '84.3 % (bar 80 %, met)'],
    [{ total: { lines: { pct: 80 } } }, '80.0 % (bar 80 %, met)'],
    [{ total: { lines: { pct: 79.99 } } }, '80.0 % (bar 80 %, MISSED)'],
    [{ total: { lines: { pct: 'Unknown' } } }, 'unknown: the runner wrote no report (bar 80 %, MISSED)'],
    [undefined, 'unknown: the runner wrote no report (bar 80 %, MISSED)'],
  ])('of %j is %s', (summary, text) => {
    expect(coverageLine(lineCoverage(summary))).toBe(
      `Line coverage of src/ by unit and contract tests: ${text}`,
    );
  });
});
