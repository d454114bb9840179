import type { Bundle } from '../../store/bundle.ts';
import { readJournal, removeJournal, type Journal } from '../../store/journal.ts';
import { runNames } from '../../store/names.ts';
import { removeCheckpointRam } from '../../store/ram-place.ts';
import type { Host, JournalOf, Recover, SettleOptions } from './host.ts';
import { hasEnded } from './living-engine.ts';
import type { Running } from './running.ts';

/** Milliseconds that an engine has to answer before an operation that has failed or was cancelled is undone. */
const undoAnswerMs = 2000;

async function recover<Kind extends Journal['kind']>(
  host: Host,
  bundle: Bundle,
  journal: JournalOf<Kind>,
  options: SettleOptions,
): Promise<void> {
  // The table's type guarantees a function for that kind; the compiler cannot follow it through the index.
  const recoverKind = host.recovery[journal.kind] as unknown as Recover<Kind>;
  await recoverKind(host, bundle, journal, options);
}

/** Refuses at once if the engine is silent: every step would wait for it. */
async function requireAnswer({ engine }: Running, { failed = false }: SettleOptions): Promise<void> {
  // Whoever waits after a failure has waited long enough.
  if (failed && engine.qmp.silent) throw engine.unresponsive();
  await engine.requireAnswer(failed ? undoAnswerMs : undefined);
}

/**
 * Settles an unfinished operation on a machine's files: the daemon or the engine was killed, or the operation failed.
 * It is finished if possible, and undone otherwise; every step can be repeated. No other operation starts before that.
 * @returns the machine as it is now
 * @throws KameError the reason why it cannot be settled; the machine stays as it is, and the next call tries again
 */
export async function settle(host: Host, found: Bundle, options: SettleOptions = {}): Promise<Bundle> {
  const journal = await readJournal(host.names, found.names);
  if (!journal) return found;
  const bundle = await host.bundles.read(found.names.vmx);
  const machine = host.running.get(bundle.names.vmx);
  try {
    if (machine) await requireAnswer(machine, options);
    await recover(host, bundle, journal, options);
  } catch (error) {
    if (!machine || !(await hasEnded(machine))) throw error;
    // The engine died in the meantime: without it the files alone decide.
    await recover(host, await host.bundles.read(bundle.names.vmx), journal, options);
  }
  await removeCheckpointRam(host.names, runNames(host.names, bundle.names.vmx));
  await removeJournal(host.names, bundle.names);
  host.log('An operation was settled', { machine: bundle.name, kind: journal.kind });
  return await host.bundles.read(bundle.names.vmx);
}
