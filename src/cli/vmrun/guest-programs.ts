import type { ExecRequest } from '../../api/generated/shapes.ts';
import type { ExecEnd } from '../../client/core/guest-channels.ts';
import type { Call, Run } from './command.ts';
import { asUser } from './guest-user.ts';
import { NegativeAnswer, VmrunError } from './vmrun-error.ts';

/** What a shell says of a command that a signal has ended: 128 and its number. */
const signalBase = 128;

function exitCodeOf({ exitCode, signal }: ExecEnd): number {
  return exitCode ?? signalBase + (signal ?? 0);
}

/** Runs a program to its end, or only starts it. Its output is not shown: vmrun prints nothing of it. */
async function run(call: Call, program: Pick<ExecRequest, 'command' | 'script'>): Promise<readonly string[]> {
  const { client, machine, words, signal } = call;
  const as = await asUser(call);
  if (words.has('-nowait')) {
    await client.guestProcesses.start(machine, { ...program, ...as }, { signal });
    return [];
  }
  const output = async () => await Promise.resolve();
  const code = exitCodeOf(await client.machines.exec(machine, { ...program, ...as }, { signal, output }));
  if (code === 0) return [];
  throw new NegativeAnswer(`Guest program exited with non-zero exit code: ${code}`, code);
}

export const runProgramInGuest: Run = async (call) => await run(call, { command: [...call.args] });

/** Without an interpreter it is the shell of the system. It may have options, as in `/usr/bin/perl -w`. */
export const runScriptInGuest: Run = async (call) => {
  const [interpreter = '', text = ''] = call.args;
  const command = interpreter.trim() === '' ? ['/bin/sh'] : interpreter.trim().split(/\s+/u);
  return await run(call, { command, script: { text, arguments: [] } });
};

export const listProcessesInGuest: Run = async (call) => {
  const { client, machine, signal } = call;
  await asUser(call);
  const { processes } = await client.guestProcesses.list(machine, { signal });
  return [
    `Process list: ${processes.length}`,
    ...processes.map(
      ({ pid, user, name, command }) =>
        `pid=${pid}, owner=${user}, cmd=${command === null || command === '' ? name : command}`,
    ),
  ];
};

export const killProcessInGuest: Run = async (call) => {
  const [text = ''] = call.args;
  if (!/^[1-9]\d{0,9}$/u.test(text)) throw new VmrunError('No such process');
  const as = await asUser(call);
  await call.client.guestProcesses.kill(call.machine, { pid: Number(text), ...as }, { signal: call.signal });
  return [];
};
