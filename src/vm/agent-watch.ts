import { poll } from '../core/deadline.ts';
import { messageOf } from '../core/errors.ts';
import type { GuestInterface } from '../guest/agent/facts.ts';
import type { Host } from './host.ts';
import type { RunningMachine } from './running.ts';
import { recordTiming } from './track.ts';

/** The id of the agent's port in the launch plan. */
const agentPort = 'agent0';
const agentChardev = 'qga';
/** An agent that has opened its port answers soon, also on a loaded host. */
const firstReplyMs = 60_000;
/** How long a guest may take from the agent's first reply to an address. */
const addressMs = 120_000;

/** Learns when the agent answers, from the port's own events; and then, once, the machine's address. */
export function watchAgent(host: Host, machine: RunningMachine): void {
  const ended = new AbortController();
  void machine.ended.then(() => ended.abort());
  let asking: Promise<void> | undefined;
  const ask = () => {
    asking ??= greet(host, machine, ended.signal).finally(() => (asking = undefined));
    asking.catch((error: unknown) =>
      host.log('Guest agent', { machine: machine.name, reason: messageOf(error) }),
    );
  };
  machine.engine.qmp.on('VSERPORT_CHANGE', (port) => {
    if (port.id !== agentPort) return;
    if (port.open) ask();
    else {
      machine.agentAnswers = false;
      emit(host, machine, `The guest agent of ${machine.name} has gone.`);
    }
  });
  // The port may have been opened before we listened: an adopted machine.
  void portIsOpen(machine).then(
    (open) => open && ask(),
    () => undefined,
  );
}

/** Whether something in the guest has the agent's port open. */
async function portIsOpen(machine: RunningMachine): Promise<boolean> {
  const chardevs = await machine.engine.qmp.execute('query-chardev');
  return chardevs.some((chardev) => chardev.label === agentChardev && chardev['frontend-open']);
}

function emit(host: Host, machine: RunningMachine, message: string): void {
  host.events.emit({
    type: 'machine.agent',
    machine: machine.name,
    id: machine.id,
    state: machine.state,
    message,
  });
}

async function greet(host: Host, machine: RunningMachine, signal: AbortSignal): Promise<void> {
  await machine.agent.waitReady({ deadlineMs: firstReplyMs, signal });
  machine.agentAnswers = true;
  const sinceStart = Date.now() - Date.parse(machine.record.startedAt);
  await recordTiming(machine, 'agentMs', sinceStart);
  machine.markAnswered();
  emit(host, machine, `The guest agent of ${machine.name} answers.`);
  await poll(async () => (await refreshAddress(machine)) ?? undefined, {
    deadlineMs: addressMs,
    signal,
    stepMs: 200,
    maxStepMs: 5000,
  });
}

/** Addresses that lead nowhere from here: loopback, link-local. */
function isUsable(address: string): boolean {
  return !/^(127\.|169\.254\.|::1$|fe80:)/i.test(address);
}

/** The address a person would use: the first IPv4 one, else the first IPv6 one. */
export function primaryAddress(interfaces: readonly GuestInterface[]): string | null {
  const usable = interfaces.flatMap((each) => each.addresses.filter(({ address }) => isUsable(address)));
  return (usable.find(({ address }) => !address.includes(':')) ?? usable[0])?.address ?? null;
}

/** Asks the agent for the machine's address and remembers it. */
export async function refreshAddress(machine: RunningMachine): Promise<string | null> {
  machine.ip = primaryAddress(await machine.agent.networkInterfaces());
  return machine.ip;
}
