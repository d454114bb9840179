/** The least share of lines that rings 1 and 2 must run, in percent. */
export const barPercent = 80;

export interface Coverage {
  /** Percent of the lines of src/; undefined when the runner wrote no report. */
  readonly percent: number | undefined;
  readonly met: boolean;
}

/** The line coverage in the runner's `coverage-summary.json`. */
export function lineCoverage(summary: unknown): Coverage {
  const { total } = (summary ?? {}) as { total?: { lines?: { pct?: unknown } } };
  const percent = total?.lines?.pct;
  return typeof percent === 'number' && Number.isFinite(percent)
    ? { percent, met: percent >= barPercent }
    : { percent: undefined, met: false };
}

/** The coverage for a person, on one line. */
export function coverageLine({ percent, met }: Coverage): string {
  const what = percent === undefined ? 'unknown: the runner wrote no report' : `${percent.toFixed(1)} %`;
  return `Line coverage of src/ by unit and contract tests: ${what} (bar ${barPercent} %, ${met ? 'met' : 'MISSED'})`;
}
