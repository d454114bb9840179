import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { removeJournal, writeJournal } from '../../store/journal.ts';
import { suspendedIn } from '../../store/names.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { remove } from '../../vmx/snapshot-tree.ts';
import type { Snapshot } from '../../vmx/snapshots.ts';
import type { Host } from '../host/host.ts';
import { requireAnswer } from '../host/living-engine.ts';
import { settle } from '../host/settle.ts';
import { hasClones, linkedClonesOf } from '../layers/linked-clones.ts';
import { tidy } from '../layers/tidy.ts';

/** @throws KameError HAS_CLONES, WRONG_STATE naming the first snapshot that cannot be deleted */
export async function refuseDelete(
  host: Host,
  bundle: Bundle,
  snapshots: readonly Snapshot[],
): Promise<void> {
  const suspended = suspendedIn(bundle.names, contentOf(bundle).model.suspendedState)?.id;
  const linked = await linkedClonesOf(host, bundle);
  for (const snapshot of snapshots) {
    const clones = linked.ofSnapshot(snapshot.uid);
    if (clones.length > 0) {
      const what = `Cannot delete the snapshot ${snapshot.displayName} of ${bundle.name}: these linked clones depend on it`;
      throw hasClones(bundle, what, clones);
    }
    if (suspended === String(snapshot.uid)) {
      throw new KameError(
        'WRONG_STATE',
        `Cannot delete the snapshot ${snapshot.displayName}: ${bundle.name} is suspended in it.`,
        {
          next: `Resume the machine with kame start ${bundle.name}, or start it from its disks with --discard-state; then delete the snapshot.`,
          details: { machine: bundle.name, snapshot: snapshot.displayName },
        },
      );
    }
  }
}

/**
 * Deletes snapshots of a machine that the caller holds, after refuseDelete. Once they are deleted, only the merging of layers
 * can be cancelled: a merge that was, or that failed, is reported and repeated later.
 * @returns what remains to be done; empty when everything is done
 * @throws KameError DISK_FULL, FILE_ACCESS, ENGINE_*
 */
export async function deleteListed(
  host: Host,
  bundle: Bundle,
  gone: readonly Snapshot[],
  progress: Progress,
): Promise<string[]> {
  await requireAnswer(host.running.get(bundle.names.vmx), progress);
  const snapshots = await readSnapshotFile(bundle.names);
  const paused = host.running.get(bundle.names.vmx)?.state !== 'running';
  await writeJournal(host.names, bundle.names, { kind: 'tidy', paused });
  const uids = new Set(gone.map(({ uid }) => uid));
  try {
    const tree = gone.reduce((left, { uid }) => remove(left, uid, { children: false }), snapshots.tree);
    await writeSnapshotTree(bundle.names, snapshots, tree);
    const notes = await tidy(host, bundle, progress);
    await removeJournal(host.names, bundle.names);
    return notes;
  } catch (error) {
    // The engine may have died: the rest is then done without it.
    await settle(host, bundle, { failed: true });
    const { tree } = await readSnapshotFile(bundle.names);
    if (tree.snapshots.some(({ uid }) => uids.has(uid))) throw error;
    host.log('A deletion was finished after a failure', { machine: bundle.name, reason: messageOf(error) });
    return [];
  }
}
