import { expect, it } from 'vitest';
import { addResults, countResults, summaryLine } from './test-results.ts';

function file(status: string, ...tests: string[]): object {
  return { status, assertionResults: tests.map((each) => ({ status: each })) };
}

it('counts passed, failed, skipped and todo tests of every file', () => {
  const report = {
    testResults: [file('passed', 'passed', 'skipped', 'todo'), file('failed', 'failed', 'passed')],
  };
  expect(countResults(report, 1)).toEqual({ passed: 2, failed: 1, skipped: 2 });
});

it('counts a file that could not be loaded, and one with a hook that threw after its tests passed', () => {
  const report = { testResults: [file('failed'), file('failed', 'passed'), file('passed', 'passed')] };
  expect(countResults(report, 1)).toEqual({ passed: 2, failed: 2, skipped: 0 });
});

it.each([undefined, null, 'text', {}, { testResults: 7 }])('counts the report %j as a crash', (report) => {
  expect(countResults(report, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countResults(report, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

it('counts an exit code that the report does not explain as a failure', () => {
  expect(countResults({ testResults: [file('passed', 'passed')] }, 1)).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
  });
  expect(countResults({ testResults: [file('passed', 'passed')] }, 0)).toEqual({
    passed: 1,
    failed: 0,
    skipped: 0,
  });
});

it('prints one plain line', () => {
  expect(summaryLine({ passed: 12, failed: 0, skipped: 3 })).toBe('12 passed, 0 failed, 3 skipped');
});

it('adds up runs', () => {
  const sum = addResults({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 });
  expect(summaryLine(sum)).toBe('11 passed, 22 failed, 33 skipped');
});
