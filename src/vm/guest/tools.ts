import type { GuestAgentState, GuestTools } from '../../api/tools-operations.ts';
import { Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { shellQuote } from '../../core/shell-word.ts';
import type { GuestOsInfo } from '../../guest/agent/facts.ts';
import { installCommand } from '../../guest/agent/packages.ts';
import type { ToolsHello } from '../../guest/tools/messages.ts';
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
  'kame-tools-session':
    'on a desktop: the clipboard with HTML and all other types, also on Wayland; its size on Wayland desktops of wlroots',
  'spice-vdagent': 'the clipboard and the size of the display, on a desktop',
} as const;

interface Found {
  readonly answers: boolean;
  readonly version: string | null;
}

const missing: Found = { answers: false, version: null };

/** What the helper in the session of a desktop can do, in words. */
function reachOf({ clipboard, outputs }: ToolsHello): string | null {
  const parts = [
    ...(clipboard === undefined ? [] : [`the clipboard by ${clipboard}`]),
    ...(outputs === undefined ? [] : [`the display by ${outputs}`]),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}

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
  const helper = machine.channels.sessionHelper.hello;
  const row = (name: keyof typeof adds, found: Found, command: string | null): GuestAgentState => ({
    name,
    ...found,
    adds: adds[name],
    reaches: name === 'kame-tools-session' && helper ? reachOf(helper) : null,
    install: found.answers ? null : command,
    installOn: name.startsWith('kame-tools') ? 'host' : 'guest',
  });
  const install = `kame tools install ${shellQuote(machine.name)}`;
  return {
    machine: machine.name,
    system: os?.prettyName ?? os?.name ?? null,
    agents: [
      row('qemu-guest-agent', agent, installCommand(os?.id, 'qemu-guest-agent')),
      row('kame-tools', tools, install),
      row(
        'kame-tools-session',
        helper ? { answers: true, version: helper.program } : missing,
        `${install}, and then log in to the desktop of the guest`,
      ),
      row('spice-vdagent', desktop, installCommand(os?.id, 'spice-vdagent')),
    ],
    note: noteOf(machine),
  };
}
