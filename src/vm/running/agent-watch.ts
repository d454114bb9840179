import { aborted, poll } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { GuestInterface } from '../../guest/agent/facts.ts';
import { agentPort } from '../../qemu/plan/channels.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { portIsOpen } from './guest-port.ts';
import { checkTime } from './guest-time.ts';
import { reach } from './stages.ts';

/** Milliseconds that an agent has to answer once it has opened its port, even on a loaded host. */
const firstReplyMs = 60_000;
/** Milliseconds from the agent's first reply until its address is no longer waited for. */
const addressMs = 300_000;
/** Milliseconds that a clone has to get an address of its own; then one like its source's is taken for its own, such as a fixed one. */
const foreignMs = 60_000;

/** Waits for the agent whenever the guest opens its port, and then for the machine's address. */
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
      emit(host, machine, `The guest agent of ${machine.name} has stopped.`);
    }
  });
  // An adopted machine may have opened the port before, at an unknown time.
  void portIsOpen(machine, agentPort).then(
    (open) => open && greetOnce(null),
    () => undefined,
  );
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

/** Waits for the agent's first reply for as long as the port stays open. */
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
      if (signal.aborted || !(await portIsOpen(machine, agentPort))) throw error;
    }
  }
  machine.agentAnswers = true;
  reach(host, machine, 'agent', openedAt !== null);
  emit(host, machine, `The guest agent of ${machine.name} answers.`);
  // What is asked for now would only hold up the work on clones.
  await Promise.race([machine.newClone?.identityGiven, aborted(signal)]);
  if (signal.aborted) return;
  // The clock of a restored guest shows the time of its checkpoint.
  if (machine.record.restored === 'yes') void checkTime(host, machine, 'changed');
  waitForAddress(host, machine, { signal, timed: openedAt !== null }).catch((error: unknown) => {
    host.log('Could not get the address of the guest', { machine: machine.name, reason: messageOf(error) });
  });
}

/**
 * Whether the guest has the network adapters of its machine. A clone that has just been restored from its source's memory
 * still has the source's.
 */
function hasOwnAdapters({ record }: Running, interfaces: readonly GuestInterface[]): boolean {
  const own = record.networks.map(({ mac }) => mac.toLowerCase());
  if (record.restored !== 'yes' || own.length === 0) return true;
  return interfaces.some(({ mac }) => mac !== undefined && own.includes(mac));
}

/**
 * Whether an address is that of the guest itself. The foreign one stays for a moment after the adapter has changed, and until the DHCP
 * server has answered, there may be none but one of IPv6.
 */
function isOwn(address: string | null, foreign: string | null): boolean {
  if (address === null || foreign === null) return true;
  return address !== foreign && (foreign.includes(':') || !address.includes(':'));
}

/** Queries the agent until the guest has an address of its own, which takes some time after the agent's first reply. */
async function waitForAddress(
  host: Host,
  machine: Running,
  { signal, timed }: { readonly signal: AbortSignal; readonly timed: boolean },
): Promise<void> {
  const began = performance.now();
  let foreign = machine.newClone?.sourceAddress ?? null;
  const ownAddress = async (): Promise<string | null> => {
    const interfaces = await machine.channels.agent.networkInterfaces();
    const address = primaryAddress(interfaces);
    if (performance.now() - began > foreignMs) return address;
    if (!hasOwnAdapters(machine, interfaces)) foreign = address;
    return isOwn(address, foreign) ? address : null;
  };
  const look = async (): Promise<string | null | undefined> => {
    if (!machine.agentAnswers) return null;
    try {
      machine.ip = await ownAddress();
      return machine.ip ?? undefined;
    } catch (error) {
      // It may be too busy for one question, or its file systems frozen.
      if (signal.aborted || !(error instanceof KameError)) throw error;
      return undefined;
    }
  };
  const address = await poll(look, {
    deadlineMs: addressMs,
    signal,
    stepMs: 200,
    maxStepMs: 5000,
  });
  if (typeof address !== 'string') return;
  reach(host, machine, 'network', timed);
  emit(host, machine, `The address of ${machine.name} is ${address}.`);
}

/** Excludes addresses that the host cannot reach: loopback and link-local. */
function isUsable(address: string): boolean {
  return !/^(127\.|169\.254\.|::1$|fe80:)/i.test(address);
}

/** The address to show: the first IPv4 address, or else the first IPv6 address. */
export function primaryAddress(interfaces: readonly GuestInterface[]): string | null {
  const usable = interfaces.flatMap((each) => each.addresses.filter(({ address }) => isUsable(address)));
  return (usable.find(({ address }) => !address.includes(':')) ?? usable[0])?.address ?? null;
}
