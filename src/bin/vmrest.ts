#!/usr/bin/env node
import { main } from '../cli/vmrest/main.ts';
import { daemonProgram } from './daemon-program.ts';

async function run(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
    daemon: daemonProgram(),
  });
}

void run();
