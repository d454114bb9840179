import { basename } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Layer } from '../../disk/chain.ts';
import { appendLog, type Bundle } from '../../store/bundle.ts';
import { removeJournal, writeJournal, type Journal } from '../../store/journal.ts';
import { bundleEvent } from '../host/events.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { settle } from '../host/settle.ts';
import { refuseSuspended } from '../host/state.ts';
import { isReadBy } from '../layers/layer-graph.ts';
import { isOwnFile } from '../layers/layers.ts';
import { hasClones, linkedClonesOf } from '../layers/linked-clones.ts';
import { recoverDisk } from './recover-disk.ts';

export type DiskOperation = Extract<Journal, { kind: 'disk' }>;

/**
 * Opens a use case that changes the disks of a stopped machine: holds the machine and refuses a suspended one.
 * @throws KameError NO_SUCH_MACHINE, BUSY, WRONG_STATE unless it is stopped, BROKEN_MACHINE, and what `work` throws
 */
export async function changeDisks<T>(
  host: Host,
  reference: string,
  work: (bundle: Bundle) => Promise<T>,
): Promise<T> {
  return await hold(host, reference, { verb: 'change', needs: 'stopped' }, async ({ bundle }) => {
    refuseSuspended(bundle, 'disks');
    return await work(bundle);
  });
}

/**
 * Runs `work` under a journal: recoverDisk finishes or undoes it, now or after a kill, however far it got.
 */
export async function journaled(
  host: Host,
  bundle: Bundle,
  journal: DiskOperation,
  work: () => Promise<void>,
): Promise<void> {
  const { names } = bundle;
  await writeJournal(host.names, names, journal);
  try {
    await work();
  } catch (error) {
    await settle(host, bundle, { failed: true });
    throw error;
  }
  await recoverDisk(host, await host.bundles.read(names.vmx), journal);
  await removeJournal(host.names, names);
}

/** The journal of an operation that rewrites a disk’s file: recovery removes a temporary copy. */
export function rewriting(bundle: Bundle, top: Layer): DiskOperation {
  return { kind: 'disk', files: isOwnFile(bundle.names, top.path) ? [basename(top.path)] : [], kept: null };
}

/**
 * @param verb what is refused, such as "compact"
 * @throws KameError HAS_CLONES when the file has several hard links, so that it is also a layer of an instant clone, or when
 * linked clones build on it
 */
export async function refuseShared(host: Host, bundle: Bundle, layer: Layer, verb: string): Promise<void> {
  if (layer.links !== 1) {
    throw new KameError(
      'HAS_CLONES',
      `Cannot ${verb} ${layer.path}: other machines share this file (it has ${layer.links} hard links).`,
      {
        next: 'Take a snapshot: from then on the machine writes to a file of its own.',
        details: { machine: bundle.name, path: layer.path },
      },
    );
  }
  await refuseBases(host, bundle, [layer.path], verb);
}

/** @throws KameError HAS_CLONES when linked clones build on one of the files */
export async function refuseBases(
  host: Host,
  bundle: Bundle,
  paths: readonly string[],
  verb: string,
): Promise<void> {
  const clones = await linkedClonesOf(host, bundle);
  for (const path of paths) {
    if (await isReadBy(clones, path))
      throw hasClones(bundle, `Cannot ${verb} ${path}: linked clones depend on it`, clones.all);
  }
}

/** Reports a change of a disk as an event and in the machine’s log. */
export async function emitChange(host: Host, bundle: Bundle, message: string): Promise<void> {
  await appendLog(bundle.names, message);
  host.events.emit(bundleEvent('machine.changed', bundle, message));
}
