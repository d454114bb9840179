import type { GuestAgentState, GuestTools } from '../../api/tools-operations.ts';
import { Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { shellQuote } from '../../core/shell-word.ts';
import type { GuestOsInfo } from '../../guest/agent/facts.ts';
import { installCommand } from '../../guest/agent/packages.ts';
import { desktopAgentPort } from '../../qemu/plan/channels.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';
import { portIsOpen } from '../running/guest-port.ts';
import { answeringTools, hasToolsPort } from './tools-state.ts';

/** Milliseconds for an answer of a program in the guest. */
const answerMs = 5000;

/** What a program in the guest adds, in the words of messages. */
const adds = {
  'qemu-guest-agent':
    'commands, addresses, orderly shutdown, the right time after resuming, quiet file systems for snapshots',
  'kame-tools': 'terminals (kame shell), input of any length, signals, other users, shared folders',
  'spice-vdagent': 'the clipboard and the size of the display, on a desktop',
} as const;

interface Found {
  readonly answers: boolean;
  readonly version: string | null;
}

const missing: Found = { answers: false, version: null };

async function toolsOf(machine: Running, signal: AbortSignal): Promise<Found> {
  const hello = await answeringTools(machine, new Deadline(answerMs, silentProgress(signal)));
  return hello ? { answers: true, version: hello.program } : missing;
}

interface AgentFacts extends Found {
  readonly os: GuestOsInfo | undefined;
}

async function agentOf({ agentAnswers, channels }: Running, signal: AbortSignal): Promise<AgentFacts> {
  if (!agentAnswers) return { ...missing, os: undefined };
  const options = { deadlineMs: answerMs, signal };
  try {
    const version = (await channels.agent.version(options)) ?? null;
    return { answers: true, version, os: await channels.agent.osInfo(options).catch(() => undefined) };
  } catch (error) {
    if (!(error instanceof KameError) || error.code === 'CANCELLED') throw error;
    return { ...missing, os: undefined };
  }
}

function noteOf(machine: Running): string | null {
  if (hasToolsPort(machine)) return null;
  const { name } = machine;
  return `${name} runs with older virtual hardware, which has a port for the guest agent only; kame restart ${shellQuote(name)} gives it the others.`;
}

/**
 * Which agents answer in the guest of a machine, and what each would add.
 * @throws KameError NO_SUCH_MACHINE, WRONG_STATE when it does not run or is paused, CANCELLED
 */
export async function describeTools(host: Host, reference: string, signal: AbortSignal): Promise<GuestTools> {
  const machine = await runningMachine(host, reference);
  const tools = await toolsOf(machine, signal);
  const { os, ...agent } = await agentOf(machine, signal);
  // This agent says hello only to whoever begins to use it.
  const desktop = { answers: await portIsOpen(machine, desktopAgentPort), version: null };
  const row = (name: keyof typeof adds, found: Found, command: string | null): GuestAgentState => ({
    name,
    ...found,
    adds: adds[name],
    install: found.answers ? null : command,
    installOn: name === 'kame-tools' ? 'host' : 'guest',
  });
  return {
    machine: machine.name,
    system: os?.prettyName ?? os?.name ?? null,
    agents: [
      row('qemu-guest-agent', agent, installCommand(os?.id, 'qemu-guest-agent')),
      row('kame-tools', tools, `kame tools install ${shellQuote(machine.name)}`),
      row('spice-vdagent', desktop, installCommand(os?.id, 'spice-vdagent')),
    ],
    note: noteOf(machine),
  };
}
