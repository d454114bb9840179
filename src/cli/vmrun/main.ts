import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createNodeClient, type KameClient } from '../../client/node/client.ts';
import { KameError } from '../../core/errors.ts';
import type { CliContext } from '../context.ts';
import { visible, visibleLines } from '../text.ts';
import type { Call, Invocation } from './command.ts';
import { commands, groups } from './commands.ts';
import { failureOf } from './failure.ts';
import { parse } from './parse.ts';
import { usageText } from './usage.ts';
import { VmrunError } from './vmrun-error.ts';

/** What vmrun uses of the process it runs in. */
export type VmrunContext = Pick<
  CliContext,
  'env' | 'cwd' | 'stdout' | 'stderr' | 'signals' | 'daemon' | 'exit'
>;

const interrupts = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The exit code of vmrun without a command. */
const usageExit = 255;

/** A line of output. Tabs at its beginning show depth; no other control character reaches a terminal or begins another line. */
function lineOf(text: string): string {
  const depth = /^\t*/u.exec(text)?.[0] ?? '';
  return `${depth}${visible(text.slice(depth.length))}\n`;
}

/** The absolute path of a machine. @throws VmrunError unless it is a .vmx, or a bundle */
function machinePath(text: string, cwd: string): string {
  if (!/\.(?:vmx|vmwarevm)\/?$/iu.test(text))
    throw new VmrunError(`Cannot open VM: ${text}, unknown file suffix`);
  return resolve(cwd, text);
}

/**
 * Does what a command line says. A machine that is not in the list is added to it, if its file is there: vmrun works on any.
 * The daemon refuses an unknown machine before anything is done, so that the command can begin again.
 */
async function perform({ command }: Invocation, call: Call): Promise<readonly string[]> {
  const run = await command.load();
  try {
    return await run(call);
  } catch (error) {
    const isUnknown = error instanceof KameError && error.code === 'NO_SUCH_MACHINE';
    if (!isUnknown || call.machine === '' || !existsSync(call.machine)) throw error;
    await call.client.machines.register({ path: call.machine, sameName: true }, { signal: call.signal });
    return await run(call);
  }
}

/**
 * Runs one command line of vmrun, without the program's name. Errors go to standard output, as those of vmrun; what is for
 * people only goes to standard error.
 * @returns the exit code
 */
export async function main(argv: readonly string[], context: VmrunContext): Promise<number> {
  const { stdout, stderr, signals, cwd } = context;
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) =>
      context.exit(error.code === 'EPIPE' ? 0 : usageExit),
    );
  }
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  for (const name of interrupts) signals.on(name, interrupt);
  let client: KameClient | undefined;
  let vmx = '';
  try {
    const invocation = parse(argv, commands);
    if (!invocation) {
      stdout.write(usageText(groups));
      return usageExit;
    }
    vmx = invocation.vmx ?? '';
    const machine = invocation.vmx === undefined ? '' : machinePath(invocation.vmx, cwd);
    client = createNodeClient({ env: context.env, daemon: context.daemon });
    const lines = await perform(invocation, {
      ...invocation,
      client,
      machine,
      signal: interrupted.signal,
      path: (text) => resolve(cwd, text),
    });
    stdout.write(lines.map(lineOf).join(''));
    return 0;
  } catch (error) {
    const { line, notes, exitCode } = failureOf(error, vmx);
    stdout.write(`${visible(line)}\n`);
    stderr.write(notes.map((note) => `vmrun: ${visibleLines(note)}\n`).join(''));
    return exitCode;
  } finally {
    for (const name of interrupts) signals.off(name, interrupt);
    await client?.[Symbol.asyncDispose]();
  }
}
