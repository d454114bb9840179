import { KameError } from '../../core/errors.ts';
import { suggest } from '../../core/suggest.ts';
import type { Bundle } from '../../store/bundle.ts';
import type { SnapshotIntent } from '../../store/journal.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { add, findSnapshot, pathOf } from '../../vmx/snapshot-tree.ts';
import type { Snapshot, SnapshotTree } from '../../vmx/snapshots.ts';

/** Adds the snapshot to the `.vmsd`, once. */
export async function listSnapshot(bundle: Bundle, intent: SnapshotIntent): Promise<Snapshot> {
  const found = await readSnapshotFile(bundle.names);
  const listed = found.tree.snapshots.find(({ uid }) => uid === intent.uid);
  if (listed) return listed;
  const { uid: _uid, parent: _parent, ...rest } = intent;
  const tree = add(found.tree, { ...rest, createdAt: new Date(intent.createdAt) });
  await writeSnapshotTree(bundle.names, found, tree);
  return tree.snapshots.at(-1) as Snapshot;
}

/**
 * The snapshot that a person names: by label, `/a/b` path or `#uid`.
 * @throws KameError NO_SUCH_SNAPSHOT with what was perhaps meant, or the candidates when several fit
 */
export function snapshotOf(bundle: Bundle, tree: SnapshotTree, reference: string): Snapshot {
  const found = findSnapshot(tree, reference);
  if (found.kind === 'found') return found.snapshot;
  const details = { machine: bundle.name, snapshot: reference };
  if (found.kind === 'several') {
    const ways = found.candidates.map(({ uid }) => `#${uid} (${pathOf(tree, uid)})`).join(', ');
    throw new KameError(
      'NO_SUCH_SNAPSHOT',
      `${found.candidates.length} snapshots of ${bundle.name} are called ${reference}.`,
      {
        next: `Name one of them: ${ways}`,
        details,
      },
    );
  }
  const meant = suggest(
    reference,
    tree.snapshots.map(({ displayName }) => displayName),
  );
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw new KameError('NO_SUCH_SNAPSHOT', `${bundle.name} has no snapshot ${reference}.${hint}`, {
    next: `kame snapshot list ${bundle.name} shows those there are.`,
    details,
  });
}

/** @throws KameError ALREADY_EXISTS when a snapshot has that label: it could not be told from it */
export async function refuseTakenLabel(bundle: Bundle, label: string, except?: number): Promise<void> {
  const { tree } = await readSnapshotFile(bundle.names);
  if (!tree.snapshots.some(({ displayName, uid }) => displayName === label && uid !== except)) return;
  throw new KameError('ALREADY_EXISTS', `${bundle.name} has a snapshot ${label} already.`, {
    next: 'Choose another label; kame snapshot list shows those there are.',
    details: { machine: bundle.name, snapshot: label },
  });
}
