import { nicsIn, removeBackend, setLink } from '../../qemu/live-nics.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import type { Host, JournalOf } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { forgetNic, recordNic, writeNics } from '../running/nics.ts';

/** Brings the engine to what the `.vmx` says. */
async function settleSet(machine: Running, bundle: Bundle, index: number): Promise<void> {
  const nic = contentOf(bundle).model.nics.find((each) => each.index === index);
  if (!nic) return;
  await setLink(machine.engine, index, nic.startConnected);
  if (machine.record.networks.some((port) => port.index === index)) await recordNic(machine, nic);
}

/** Writes an adapter that the engine has got; of one that it has not, nothing may be left. */
async function settleAdd(
  machine: Running,
  bundle: Bundle,
  { index, nic }: Extract<JournalOf<'nic'>, { change: 'add' }>,
  isThere: boolean,
): Promise<void> {
  const { nics } = contentOf(bundle).model;
  const others = nics.filter((each) => each.index !== index);
  if (isThere) {
    await writeNics(bundle, [...others, nic]);
    await recordNic(machine, nic);
    return;
  }
  await removeBackend(machine.engine, index);
  if (others.length < nics.length) await writeNics(bundle, others);
}

/**
 * Makes the engine and the `.vmx` of a running machine agree after a change of an adapter was interrupted. Which adapters
 * there are, the engine tells; how they are connected, the `.vmx`. Without an engine there is nothing to agree with.
 */
export async function recoverNic(host: Host, bundle: Bundle, journal: JournalOf<'nic'>): Promise<void> {
  const machine = host.running.get(bundle.names.vmx);
  if (!machine) return;
  const isThere = (await nicsIn(machine.engine)).has(journal.index);
  if (journal.change === 'add') await settleAdd(machine, bundle, journal, isThere);
  else if (!isThere) await forgetNic(host, machine, journal.index);
  else if (journal.change === 'set') await settleSet(machine, bundle, journal.index);
  await host.networks.machineChanged(machine);
}
