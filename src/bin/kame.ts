#!/usr/bin/env node
import { pathToFileURL } from 'node:url';
import { version } from '../core/version.ts';
import { daemonFile, daemonProgram } from './daemon-program.ts';
import { end } from './end.ts';
import { standIns } from './stand-ins.ts';

async function run(argv: string[]): Promise<void> {
  const { main } = await import('../cli/kame/main.ts');
  const code = await main(argv, {
    env: process.env,
    cwd: process.cwd(),
    // Opened only when a command reads it: opening standard input takes time.
    get stdin() {
      return process.stdin;
    },
    stdinFile: 0,
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
    daemon: daemonProgram(),
    standIns,
    runDaemon: async (args) => {
      // Imported by its path, so that the daemon is not bundled twice. It parses its own arguments.
      process.argv.splice(2, Infinity, ...args);
      await import(pathToFileURL(daemonFile).href);
    },
    exit: (status) => process.exit(status),
  });
  end(code);
}

const argv = process.argv.slice(2);
const only = argv.length === 1 ? argv[0] : undefined;
// The fast path: printing the version loads nothing else.
if (only === '--version' || only === '-V' || only === 'version') process.stdout.write(`${version}\n`);
else void run(argv);
