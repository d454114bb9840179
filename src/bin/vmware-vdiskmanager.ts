#!/usr/bin/env node
import { main } from '../cli/vdiskmanager/main.ts';
import { daemonProgram } from './daemon-program.ts';

async function run(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    daemon: daemonProgram(),
  });
}

void run();
