#!/usr/bin/env node
import { pathToFileURL } from 'node:url';
import { version } from '../core/version.ts';
import { daemonFile, daemonProgram } from './daemon-program.ts';

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
      // By its path, so that the daemon is not bundled a second time. It reads its arguments itself.
      process.argv.splice(2, Infinity, ...args);
      await import(pathToFileURL(daemonFile).href);
    },
    exit: (code) => process.exit(code),
  });
}

const argv = process.argv.slice(2);
const only = argv.length === 1 ? argv[0] : undefined;
// The fast path: a version is told without loading anything.
if (only === '--version' || only === '-V' || only === 'version') process.stdout.write(`${version}\n`);
else await run(argv);
