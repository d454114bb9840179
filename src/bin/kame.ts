#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { version } from '../core/version.ts';

/** How the daemon beside this program is started: built, or from the sources. */
function daemonProgram(): { command: string; args: string[] } {
  const command = process.execPath;
  if (!import.meta.url.endsWith('.ts')) {
    return { command, args: [fileURLToPath(new URL('kamed.mjs', import.meta.url))] };
  }
  const loader = import.meta.resolve('tsx');
  return { command, args: ['--import', loader, fileURLToPath(new URL('kamed.ts', import.meta.url))] };
}

async function run(argv: string[]): Promise<void> {
  const { main } = await import('../cli/kame/main.ts');
  process.exitCode = await main(argv, {
    env: process.env,
    cwd: process.cwd(),
    // Touched only when a command reads it: opening standard input costs time.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
    daemon: daemonProgram(),
    runDaemon: async (args) => {
      const { main: daemon } = await import('../daemon/main.ts');
      process.exit(await daemon(args));
    },
    exit: (code) => process.exit(code),
  });
}

const argv = process.argv.slice(2);
const only = argv.length === 1 ? argv[0] : undefined;
// The fast path: a version is told without loading anything.
if (only === '--version' || only === '-V' || only === 'version') process.stdout.write(`${version}\n`);
else await run(argv);
