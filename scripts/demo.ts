/**
 * `./run demo`: creates the machine `demo` from the tiny image if it does not exist, boots it, and prints how long that
 * took. It uses the command line like any other script: `kame … --json` for facts, with its progress on the terminal.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { demoSummary, stateIn, stepsFor } from './demo-text.ts';

const kame = fileURLToPath(new URL('../dist/kame.cjs', import.meta.url));

/** Runs kame with standard error on the terminal. If it fails, exits with its exit code. */
async function runKame(args: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, [kame, ...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve(exit ?? 1));
  });
  if (code !== 0) {
    console.error(`The demo failed: \`kame ${args.join(' ')}\` exited with code ${code}.`);
    process.exit(code);
  }
  return output.trim() === '' ? undefined : JSON.parse(output);
}

let answer: unknown;
for (const { say, args } of stepsFor(stateIn(await runKame(['list'])))) {
  console.error(say);
  answer = await runKame(args);
}
console.log(demoSummary(answer, await runKame(['open'])));
