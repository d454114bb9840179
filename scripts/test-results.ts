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

/** Whether a file failed without a failed test: it could not be loaded, or a hook threw. That counts as one failure. */
function failedBeforeItsTests(file: unknown): boolean {
  const tests = list(field(file, 'assertionResults'));
  return field(file, 'status') === 'failed' && !tests.some((test) => field(test, 'status') === 'failed');
}

/**
 * Counts the tests in a report of vitest's JSON reporter. A runner that crashed (no report, or an exit code that the
 * report does not explain) counts as one failure, as does a run without any tests.
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

/** The sum of two runs. */
export function addResults(a: Results, b: Results): Results {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

export function summaryLine({ passed, failed, skipped }: Results): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
