/**
 * `./run test`: the check, then all tests; in CI then short runs of the benchmarks, whose figures are printed, not judged.
 * Real guests run after the others, so that the coverage is that of the unit and contract tests alone. The last line is
 * `N passed, N failed, N skipped`, from the runner's own reports. The check, the coverage and each benchmark count as one
 * test, so that the numbers say whether all is well. With arguments it is one run, which gets them; no coverage then.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addResults, countResults, judgeCoverage, summaryLine, type Results } from './test-results.ts';

const coverageSummary = 'test-results/coverage/coverage-summary.json';
/** Benchmarks and how often each measures; for `idle` the seconds. */
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

/** Runs a program of Node with our terminal; its exit code, or 1 when a signal ended it. */
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

/** Runs tests; an old report does not speak for a run that wrote none. */
async function runTests(name: string, args: readonly string[]): Promise<Results> {
  const report = `test-results/${name}.json`;
  rmSync(report, { force: true });
  const runner = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json'];
  const exit = await runNode([...runner, `--outputFile=${report}`, ...args]);
  return countResults(readJson(report), exit);
}

/** One more test, which has passed or not. */
function one(ok: boolean): Results {
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

const given = process.argv.slice(2);
const all: Results[] = [one((await runNode(['--import', 'tsx', 'scripts/check.ts'])) === 0)];
mkdirSync('test-results', { recursive: true });
if (given.length > 0) {
  all.push(await runTests('vitest', given));
} else {
  rmSync(coverageSummary, { force: true });
  all.push(await runTests('unit', ['--project', 'unit', '--coverage']));
  const { ok, line } = judgeCoverage(readJson(coverageSummary));
  console.log(line);
  all.push(one(ok), await runTests('vm', ['--project', 'vm']));
}
if (process.env['CI'] === 'true') {
  // What counts is that each one can be measured.
  for (const [name, runs] of shortBenches) {
    const exit = await runNode(['--import', 'tsx', 'bench/run.ts', name, '--runs', String(runs)]);
    all.push(one(exit === 0));
  }
}
const results = addResults(all);
console.log(summaryLine(results));
process.exitCode = results.failed === 0 ? 0 : 1;
