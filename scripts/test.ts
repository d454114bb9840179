/**
 * `./run test`: the check, then all tests. The last line is `N passed, N failed, N skipped`, from the runner's own report.
 * The check counts as one test, so that the numbers say whether all is well. Arguments are passed on to the runner.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { countResults, summaryLine } from './test-results.ts';

const report = 'test-results/vitest.json';

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
console.log(summaryLine(results));
process.exitCode = results.failed === 0 ? 0 : 1;
