/** The minimum line coverage by rings 1 and 2, in percent. */
export const barPercent = 80;

export interface Coverage {
  /** Percentage of the lines in src/; undefined if the runner wrote no report. */
  readonly percent: number | undefined;
  readonly met: boolean;
}

/** The line coverage in `coverage-summary.json` of the runner. */
export function lineCoverage(summary: unknown): Coverage {
  const { total } = (summary ?? {}) as { total?: { lines?: { pct?: unknown } } };
  const percent = total?.lines?.pct;
  return typeof percent === 'number' && Number.isFinite(percent)
    ? { percent, met: percent >= barPercent }
    : { percent: undefined, met: false };
}

/** The coverage for people, in one line. */
export function coverageLine({ percent, met }: Coverage): string {
  const what = percent === undefined ? 'unknown: the runner wrote no report' : `${percent.toFixed(1)} %`;
  return `Line coverage of src/ by unit and contract tests: ${what} (bar ${barPercent} %, ${met ? 'met' : 'MISSED'})`;
}
