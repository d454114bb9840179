/** Numbers of tests. */
export interface Results {
  passed: number;
  failed: number;
  skipped: number;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A file that failed without any failed test: it could not be loaded, or a hook of it threw. It counts as one failure. */
function failedBeforeItsTests(file: unknown): boolean {
  const tests = list(field(file, 'assertionResults'));
  return field(file, 'status') === 'failed' && !tests.some((test) => field(test, 'status') === 'failed');
}

/**
 * Counts a report of vitest's JSON reporter. A runner that crashed (no report, or an exit code that its report does not
 * explain) counts as one failure, and so does a run without any test: silence is no success.
 */
export function countResults(report: unknown, runnerExit: number): Results {
  const results: Results = { passed: 0, failed: 0, skipped: 0 };
  for (const file of list(field(report, 'testResults'))) {
    if (failedBeforeItsTests(file)) results.failed += 1;
    for (const test of list(field(file, 'assertionResults'))) {
      const status = field(test, 'status');
      if (status === 'passed' || status === 'failed') results[status] += 1;
      else results.skipped += 1;
    }
  }
  const silent = results.passed + results.failed + results.skipped === 0;
  if (results.failed === 0 && (runnerExit !== 0 || silent)) results.failed = 1;
  return results;
}

export function summaryLine({ passed, failed, skipped }: Results): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The sum of several runs. */
export function addResults(all: readonly Results[]): Results {
  const sum = (name: keyof Results) => all.reduce((total, results) => total + results[name], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/** Percent of the lines of src/ that the unit and contract tests alone have to run. */
export const coverageBar = 80;

/** Whether a summary of vitest's coverage reaches the bar, and the line that says so. One that is not there does not. */
export function judgeCoverage(summary: unknown): { readonly ok: boolean; readonly line: string } {
  const percent = field(field(field(summary, 'total'), 'lines'), 'pct');
  const what = 'Line coverage of src by unit and contract tests';
  if (typeof percent !== 'number') return { ok: false, line: `${what}: not measured (bar ${coverageBar} %)` };
  return { ok: percent >= coverageBar, line: `${what}: ${percent.toFixed(1)} % (bar ${coverageBar} %)` };
}
