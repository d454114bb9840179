/**
 * `./run test`: the check, then rings 1 and 2 with their line coverage, then the attacks, then ring 3; in CI also short runs of the
 * benchmarks, whose figures are only printed. The last line is `N passed, N failed, N skipped`, from the reports of the
 * runner. The check, the coverage and each benchmark count as one test, so that the numbers show the overall result.
 * Arguments, such as paths, are passed to a single run of the tests, without coverage.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { coverageLine, lineCoverage } from './coverage.ts';
import { addResults, countResults, summaryLine, type Results } from './test-results.ts';

/** Benchmarks and the number of runs of each; for `idle`, the number of seconds. */
const shortBenches: readonly (readonly [string, number])[] = [
  ['start', 3],
  ['start-max', 1],
  ['list', 5],
  ['idle', 60],
  ['checkpoint', 1],
  ['clone', 1],
  ['linked', 1],
  ['suspend', 1],
];

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** Runs a Node program on our terminal; returns its exit code, or 1 if a signal ended it. */
async function runNode(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** One run of the test runner. */
async function runTests(name: string, args: readonly string[]): Promise<Results> {
  const report = `test-results/${name}.json`;
  // An old report must not be used for a run that wrote none.
  rmSync(report, { force: true });
  const runner = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json'];
  const exit = await runNode([...runner, `--outputFile=${report}`, ...args]);
  return countResults(readJson(report), exit);
}

const one = (passed: boolean): Results => ({ passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 });

/** Rings 1 and 2, and their line coverage. */
async function runUnits(): Promise<Results> {
  const summary = 'test-results/coverage/coverage-summary.json';
  rmSync(summary, { force: true });
  // The check has run the architecture test: it keeps the compiler in memory, which slows the tests after it down.
  const tests = ['--project', 'unit', '--coverage', '--exclude', 'test/architecture.test.ts'];
  const results = await runTests('unit', tests);
  const coverage = lineCoverage(readJson(summary));
  console.log(coverageLine(coverage));
  return addResults(results, one(coverage.met));
}

async function runBenches(): Promise<Results> {
  let results: Results = { passed: 0, failed: 0, skipped: 0 };
  // A benchmark passes if it can be measured.
  for (const [name, runs] of shortBenches) {
    const exit = await runNode(['--import', 'tsx', 'bench/run.ts', name, '--runs', String(runs)]);
    results = addResults(results, one(exit === 0));
  }
  return results;
}

const given = process.argv.slice(2);
mkdirSync('test-results', { recursive: true });
let results = one((await runNode(['--import', 'tsx', 'scripts/check.ts'])) === 0);
if (given.length > 0) results = addResults(results, await runTests('vitest', given));
else {
  results = addResults(results, await runUnits());
  results = addResults(results, await runTests('attack', ['--project', 'attack']));
  results = addResults(results, await runTests('vm', ['--project', 'vm']));
}
if (process.env['CI'] === 'true') results = addResults(results, await runBenches());
console.log(summaryLine(results));
process.exitCode = results.failed === 0 ? 0 : 1;
