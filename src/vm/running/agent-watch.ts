import { poll } from '../../core/deadline.ts';
import { messageOf } from '../../core/errors.ts';
import type { GuestInterface } from '../../guest/agent/facts.ts';
import { agentPort } from '../../qemu/plan/channels.ts';
import { setClock } from '../../guest/identity/clock.ts';
import { appendLog } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { recordTiming } from './timing.ts';

/** An agent that has opened its port answers soon, also on a loaded host. */
const firstReplyMs = 60_000;
/** How long a guest may take from the agent's first reply to an address. */
const addressMs = 120_000;

/** Learns when the agent answers, from the port's own events; and then, once, the machine's address. */
export function watchAgent(host: Host, machine: Running): void {
  const ended = new AbortController();
  void machine.ended.then(() => ended.abort());
  let greeting: Promise<void> | undefined;
  const greetOnce = (openedAt: Date | null) => {
    greeting ??= greet(host, machine, openedAt, ended.signal)
      .catch((error: unknown) => host.log('Guest agent', { machine: machine.name, reason: messageOf(error) }))
      .finally(() => (greeting = undefined));
  };
  machine.engine.qmp.on('VSERPORT_CHANGE', (port, at) => {
    if (port.id !== agentPort.id) return;
    if (port.open) greetOnce(at);
    else {
      machine.agentAnswers = false;
      emit(host, machine, `The guest agent of ${machine.name} has gone.`);
    }
  });
  // The port may have been opened before we listened: an adopted machine. When, nobody knows.
  void portIsOpen(machine).then(
    (open) => open && greetOnce(null),
    () => undefined,
  );
}

/** Whether something in the guest has the agent's port open. */
async function portIsOpen(machine: Running): Promise<boolean> {
  const chardevs = await machine.engine.qmp.execute('query-chardev');
  return chardevs.some((chardev) => chardev.label === agentPort.chardev && chardev['frontend-open']);
}

function emit(host: Host, machine: Running, message: string): void {
  host.events.emit({
    type: 'machine.agent',
    machine: machine.name,
    id: machine.id,
    state: machine.state,
    message,
  });
}

/** Waits for the agent behind an open port, however long it takes to say something sensible. */
async function greet(
  host: Host,
  machine: Running,
  openedAt: Date | null,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await machine.channels.agent.waitReady({ deadlineMs: firstReplyMs, signal });
      break;
    } catch (error) {
      if (signal.aborted || !(await portIsOpen(machine))) throw error;
    }
  }
  machine.agentAnswers = true;
  const sinceStart = Date.now() - Date.parse(machine.record.startedAt);
  const written = openedAt ? recordTiming(machine, 'agentMs', sinceStart) : undefined;
  machine.markAnswered();
  // A restored guest has the time of its checkpoint.
  if (machine.record.restored === 'yes') await setTheClock(host, machine);
  emit(host, machine, `The guest agent of ${machine.name} answers.`);
  learnAddress(machine, signal).catch((error: unknown) => {
    host.log('The address could not be learnt', { machine: machine.name, reason: messageOf(error) });
  });
  await written;
}

/** Gives the guest the host's time; a failure is told in the log. */
export async function setTheClock(host: Host, machine: Running): Promise<void> {
  try {
    await setClock(machine.channels.agent);
  } catch (error) {
    host.log('The clock could not be set', { machine: machine.name, reason: messageOf(error) });
    await appendLog(machine.names, `the guest's clock could not be set: ${messageOf(error)}`);
  }
}

/** Asks until the guest has an address: it comes some time after the agent's first reply. */
async function learnAddress(machine: Running, signal: AbortSignal): Promise<void> {
  await poll(async () => (machine.agentAnswers ? ((await refreshAddress(machine)) ?? undefined) : null), {
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
export async function refreshAddress(machine: Running): Promise<string | null> {
  machine.ip = primaryAddress(await machine.channels.agent.networkInterfaces());
  return machine.ip;
}
