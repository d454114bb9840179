/**
 * `./run test`: the check, then all tests; in CI then short runs of the benchmarks, whose figures are printed, not judged.
 * The last line is `N passed, N failed, N skipped`, from the runner's own report. The check and each benchmark count as
 * one test, so that the numbers say whether all is well. Arguments are passed on to the runner.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { countResults, summaryLine } from './test-results.ts';

const report = 'test-results/vitest.json';
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

function readReport(): unknown {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return undefined;
  }
}

const checkExit = await runNode(['--import', 'tsx', 'scripts/check.ts']);
// An old report must not speak for a run that wrote none.
rmSync(report, { force: true });
mkdirSync('test-results', { recursive: true });
const runnerExit = await runNode([
  'node_modules/vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile=${report}`,
  ...process.argv.slice(2),
]);
const results = countResults(readReport(), runnerExit);
results[checkExit === 0 ? 'passed' : 'failed'] += 1;
if (process.env['CI'] === 'true') {
  // What counts is that each one can be measured.
  for (const [name, runs] of shortBenches) {
    const exit = await runNode(['--import', 'tsx', 'bench/run.ts', name, '--runs', String(runs)]);
    results[exit === 0 ? 'passed' : 'failed'] += 1;
  }
}
console.log(summaryLine(results));
process.exitCode = results.failed === 0 ? 0 : 1;
