#!/usr/bin/env node
import { main } from '../cli/vmrun/main.ts';
import { daemonProgram } from './daemon-program.ts';
import { end } from './end.ts';

async function run(): Promise<void> {
  const code = await main(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
    daemon: daemonProgram(),
    exit: (status) => process.exit(status),
  });
  end(code);
}

void run();
