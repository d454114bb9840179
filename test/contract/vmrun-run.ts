import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { main } from '../../src/cli/vmrun/main.ts';

export interface VmrunRan {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line of vmrun in this process. No daemon can be started. */
export async function vmrun(
  home: string,
  argv: readonly string[],
  options: { readonly env?: Record<string, string>; readonly signals?: EventEmitter } = {},
): Promise<VmrunRan> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = { stdout: '', stderr: '' };
  stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  const code = await main(argv, {
    env: { KAME_HOME: home, ...options.env },
    cwd: home,
    stdout,
    stderr,
    signals: options.signals ?? new EventEmitter(),
    daemon: { command: '/no/such/program', args: [] },
    exit: () => undefined,
  });
  return { code, ...texts };
}
