/** `npm run check`: all static checks of the sources, and the architecture test. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { formatDuration } from '../src/core/units.ts';

interface Check {
  readonly name: string;
  readonly args: readonly string[];
}

const { CI: ci, ...withoutCi } = process.env;

const bin = (name: string): string => `node_modules/${name}`;

/** Files that have not changed since they were last checked are not checked again. */
const cached = ['--cache', '--cache-strategy=content', '--cache-location=.cache/prettier'];

/** In CI nothing is skipped. */
const required = ci === undefined ? [] : ['--required'];

/** The slowest come first, so that all finish at about the same time. */
const checks: readonly Check[] = [
  {
    name: 'format',
    args: [bin('prettier/bin/prettier.cjs'), '--check', ...cached, '--log-level', 'warn', '.'],
  },
  { name: 'types', args: [bin('typescript-native/bin/tsc'), '-p', '.'] },
  { name: 'types of the web desktop', args: [bin('typescript-native/bin/tsc'), '-p', 'web'] },
  { name: 'lint', args: [bin('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings', '.'] },
  {
    name: 'architecture',
    args: [bin('vitest/vitest.mjs'), 'run', '--project', 'unit', 'test/architecture.test.ts'],
  },
  { name: 'dead code', args: [bin('knip/bin/knip.js'), '--no-progress', '--no-config-hints'] },
  { name: 'generated files', args: ['--import', 'tsx', 'scripts/generate.ts', '--check'] },
  {
    name: 'shell programs',
    args: ['--import', 'tsx', 'scripts/check-shell.ts', ...required],
  },
  { name: 'Go programs', args: ['--import', 'tsx', 'scripts/check-go.ts', ...required] },
];

/** The exit code of a check that could not run. */
const skipped = 77;

async function runNode(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
    // oxlint prints colours if CI is set, even with NO_COLOR.
    env: { ...withoutCi, NO_COLOR: '1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

async function perform(check: Check): Promise<boolean> {
  const start = performance.now();
  const { code, output } = await runNode(check.args);
  const result = code === 0 ? 'ok' : code === skipped ? 'SKIPPED' : 'FAILED';
  const line = `${result} ${check.name} ${formatDuration(performance.now() - start)}`;
  console.log(code === 0 ? line : `${line}\n${output.trimEnd()}\n`);
  return result !== 'FAILED';
}

const waiting = [...checks];
const failed: string[] = [];

async function worker(): Promise<void> {
  for (let check = waiting.shift(); check; check = waiting.shift()) {
    if (!(await perform(check))) failed.push(check.name);
  }
}

await Promise.all(Array.from({ length: Math.max(2, Math.min(4, availableParallelism())) }, worker));
if (failed.length > 0) {
  console.log(
    `The check failed: ${failed.join(', ')}. \`npm run format\` fixes the format, \`npm run generate\` the generated files.`,
  );
  process.exitCode = 1;
}
