import type { Bundle } from '../../store/bundle.ts';
import { readJournal, removeJournal, type Journal } from '../../store/journal.ts';
import { runNames } from '../../store/names.ts';
import { removeCheckpointRam } from '../../store/ram-place.ts';
import type { Host, JournalOf, Recover, SettleOptions } from './host.ts';
import { hasEnded } from './living-engine.ts';

async function recover<Kind extends Journal['kind']>(
  host: Host,
  bundle: Bundle,
  journal: JournalOf<Kind>,
  options: SettleOptions,
): Promise<void> {
  // The table's type says that each kind has the function of that kind; the compiler can't follow it through the index.
  const recoverKind = host.recovery[journal.kind] as unknown as Recover<Kind>;
  await recoverKind(host, bundle, journal, options);
}

/**
 * Ends what was begun with a machine's files and not ended: a daemon or an engine was killed in the middle, or an
 * operation failed. It is finished when that is possible, else undone; every step can be done again. Nothing else is begun
 * with a machine before this is done.
 * @returns the machine as it is now
 * @throws KameError what stands in the way; the machine stays as it is, and the next call tries again
 */
export async function settle(host: Host, found: Bundle, options: SettleOptions = {}): Promise<Bundle> {
  const journal = await readJournal(found.names);
  if (!journal) return found;
  const bundle = await host.bundles.read(found.names.vmx);
  const machine = host.running.get(bundle.names.vmx);
  try {
    await recover(host, bundle, journal, options);
  } catch (error) {
    if (!machine || !(await hasEnded(machine))) throw error;
    // The engine died under it: without the engine the files alone decide.
    await recover(host, await host.bundles.read(bundle.names.vmx), journal, options);
  }
  await removeCheckpointRam(host.names, runNames(host.names, bundle.names.vmx));
  await removeJournal(bundle.names);
  host.log('An operation was settled', { machine: bundle.name, kind: journal.kind });
  return await host.bundles.read(bundle.names.vmx);
}
