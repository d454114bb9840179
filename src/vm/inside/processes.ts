import type {
  GuestEnvironment,
  GuestProcesses,
  KillInGuest,
  SetGuestVariable,
  StartedInGuest,
  StartInGuest,
} from '../../api/guest-processes.ts';
import { Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { wordsByAgent } from '../guest/exec-by-agent.ts';
import { beyondAgent } from '../guest/exec.ts';
import { commandOf } from '../guest/exec-by-tools.ts';
import { refuseOlderTools, toolsOrAgent } from '../guest/tools-state.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';
import { processesOf, variablesOf } from './agent-replies.ts';
import { operate } from './operate.ts';
import { readProcesses, readVariables } from './replies.ts';

/** All of these throw KameErrors as `operate` does. */

/** Milliseconds for the start of a command. */
const startMs = 60_000;

/** The processes of a guest. */
export async function listProcesses(
  host: Host,
  reference: string,
  signal: AbortSignal,
): Promise<GuestProcesses> {
  const byAgent = { words: ['processes'], read: processesOf };
  const { items, more } = readProcesses(
    await operate(host, reference, { operation: 'processes' }, byAgent, { signal }),
  );
  return { processes: items.sort((a, b) => a.pid - b.pid), more };
}

/** Sends a signal to a process of a guest. */
export async function killProcess(
  host: Host,
  reference: string,
  { pid, signal: number, user }: KillInGuest,
  signal: AbortSignal,
): Promise<{ ok: true }> {
  const byAgent = { words: ['kill', String(pid), String(number)], read: () => undefined };
  await operate(host, reference, { operation: 'kill', pid, signal: number }, byAgent, { signal, user });
  return { ok: true };
}

/** The environment of commands that kame-tools, or else the guest agent, run. */
export async function showEnvironment(
  host: Host,
  reference: string,
  user: string | undefined,
  signal: AbortSignal,
): Promise<GuestEnvironment> {
  const byAgent = { words: ['environment'], read: variablesOf };
  const reply = await operate(host, reference, { operation: 'environment' }, byAgent, { signal, user });
  return { variables: readVariables(reply) };
}

/** Sets or removes a variable for all later commands, until kame-tools in the guest are started again. */
export async function setVariable(
  host: Host,
  reference: string,
  { name, value }: SetGuestVariable,
  signal: AbortSignal,
): Promise<{ ok: true }> {
  const byAgent = { needsTools: 'Setting a variable', words: [], read: () => undefined };
  await operate(host, reference, { operation: 'setEnvironment', name, value }, byAgent, { signal });
  return { ok: true };
}

async function startByTools(machine: Running, request: StartInGuest, deadline: Deadline): Promise<number> {
  const command = { ...commandOf({ ...request, stdin: false }), detached: true };
  const limits = deadline.step(Infinity);
  const { pid } = await machine.channels.tools.run(command, limits);
  if (pid !== undefined) return pid;
  throw new KameError('GUEST_FAILED', 'kame-tools in the guest did not tell the number of the process.');
}

async function startByAgent(
  machine: Running,
  { command, script, env = {} }: StartInGuest,
  deadline: Deadline,
): Promise<number> {
  const words = wordsByAgent({ command, script }, machine.name);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const all = variables.length === 0 ? words : ['/usr/bin/env', ...variables, ...words];
  return await machine.channels.agent.start(all, deadline.step(Infinity));
}

/**
 * Starts a command in a guest without waiting for its end. Through the guest agent it may end when the agent is started again.
 */
export async function startProcess(
  host: Host,
  reference: string,
  request: StartInGuest,
  signal: AbortSignal,
): Promise<StartedInGuest> {
  const machine = await runningMachine(host, reference);
  const deadline = new Deadline(startMs, silentProgress(signal));
  // The same check of variables and words for both ways.
  commandOf({ ...request, stdin: false });
  const wish = beyondAgent(request);
  const hello = await toolsOrAgent(host, machine, wish, deadline);
  if (!hello) return { pid: await startByAgent(machine, request, deadline), through: 'agent' };
  refuseOlderTools(machine, hello, wish ?? 'A command that nobody waits for');
  return { pid: await startByTools(machine, request, deadline), through: 'tools' };
}
