import { KameError } from '../../core/errors.ts';
import { networkNamed, type NicNetwork } from '../../model/device-settings.ts';
import { firstHardware } from '../../model/hardware.ts';
import type { Nic } from '../../model/machine.ts';
import { networkOf } from '../../model/network.ts';
import { appendLog, contentOf, type Bundle } from '../../store/bundle.ts';
import { removeJournal, writeJournal, type Journal } from '../../store/journal.ts';
import { bundleEvent } from '../host/events.ts';
import { hold, withLock } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { settle } from '../host/settle.ts';
import { refuseSuspended } from '../host/state.ts';
import { cannot } from '../host/verbs.ts';

/**
 * Opens a use case that changes the adapters of a machine that runs or is stopped.
 * @throws KameError NO_SUCH_MACHINE, BUSY, WRONG_STATE when it is suspended, BROKEN_MACHINE, and what `work` throws
 */
export async function changeNics<T>(
  host: Host,
  reference: string,
  work: (bundle: Bundle, machine: Running | undefined) => Promise<T>,
): Promise<T> {
  return await hold(host, reference, 'change', async ({ bundle, machine }) => {
    refuseSuspended(bundle, 'network adapters');
    if (!machine) return await withLock(bundle, async () => await work(bundle, undefined));
    await machine.engine.requireAnswer();
    return await work(bundle, machine);
  });
}

/** The adapter of that number. @throws KameError NO_SUCH_NIC naming those there are */
export function chosenNic(bundle: Bundle, index: number): Nic {
  const { nics } = contentOf(bundle).model;
  const found = nics.find((nic) => nic.index === index);
  if (found) return found;
  const there = nics.map((nic) => nic.index).join(', ');
  throw new KameError('NO_SUCH_NIC', `${bundle.name} has no network adapter ${index}.`, {
    next:
      there === ''
        ? `kame nic add ${bundle.name} adds one.`
        : `kame nic list ${bundle.name} shows those that it has: ${there}.`,
    details: { machine: bundle.name, nic: index },
  });
}

/**
 * The network that a text names, which exists. A bridged one must wait for a cold start, since the engine of a running
 * machine listens for a switch.
 * @throws KameError INVALID_VALUE, NO_SUCH_NETWORK; WRONG_STATE for a bridged network while the machine runs
 */
export async function checkedNetwork(
  host: Host,
  bundle: Bundle,
  text: string,
  machine: Running | undefined,
): Promise<NicNetwork> {
  const network = networkNamed('network', text);
  const isBridged =
    network.connection === 'bridged' ||
    (network.connection === 'custom' && (await typeOf(host, network)) === 'bridged');
  if (machine && isBridged) throw refusedLive(bundle, 'an adapter gets a bridged network when it starts');
  return network;
}

async function typeOf(host: Host, network: NicNetwork) {
  const named = networkOf({ ...network } as Nic);
  return named && 'name' in named ? (await host.networkStore.get(named.name)).type : undefined;
}

/** The refusal of a change that the running engine cannot make. */
export function refusedLive(bundle: Bundle, reason: string): KameError {
  const message = `${cannot('change', bundle.name)} while it is running: ${reason}.`;
  return new KameError('WRONG_STATE', message, {
    next: `Stop it with kame stop ${bundle.name}, and then try again.`,
    details: { machine: bundle.name },
  });
}

/** @throws KameError WRONG_STATE for a machine that was restored with hardware that has no such ports */
export function requirePorts(bundle: Bundle, machine: Running): void {
  if (machine.record.hardware > firstHardware) return;
  throw refusedLive(bundle, 'it was started by an older version of Kame, or restored from a state of one');
}

type NicJournal = Extract<Journal, { kind: 'nic' }>;

/** Runs `work` under a journal: recoverNic makes engine and `.vmx` agree after a failure, now or after a kill. */
export async function journaled(
  host: Host,
  bundle: Bundle,
  journal: NicJournal,
  work: () => Promise<void>,
): Promise<void> {
  await writeJournal(host.names, bundle.names, journal);
  try {
    await work();
  } catch (error) {
    await settle(host, bundle, { failed: true });
    throw error;
  }
  await removeJournal(host.names, bundle.names);
}

/** Reports a change of an adapter as an event and in the machine’s log. */
export async function emitChange(host: Host, bundle: Bundle, message: string): Promise<void> {
  await appendLog(bundle.names, message);
  host.events.emit(bundleEvent('machine.changed', bundle, message));
}
