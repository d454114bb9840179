import { KameError } from '../../core/errors.ts';
import { suggest } from '../../core/suggest.ts';
import type { Bundle } from '../../store/bundle.ts';
import type { SnapshotIntent } from '../../store/journal.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { add, findSnapshot, looksLikeReference, pathOf, sameName } from '../../vmx/snapshot-tree.ts';
import type { Snapshot, SnapshotTree } from '../../vmx/snapshots.ts';

/** Adds a snapshot to the `.vmsd`, if it is not there yet. */
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
 * Finds a snapshot by label, `/a/b` path or `#uid`.
 * @throws KameError NO_SUCH_SNAPSHOT with a suggestion, or with the candidates when several match
 */
export function snapshotOf(bundle: Bundle, tree: SnapshotTree, reference: string): Snapshot {
  const found = findSnapshot(tree, reference);
  if (found.kind === 'found') return found.snapshot;
  const details = { machine: bundle.name, snapshot: reference };
  if (found.kind === 'several') {
    const references = found.candidates.map(({ uid }) => {
      // A label of another program can look like a uid, which is no way out then.
      const [byUid, byPath] = [`#${uid}`, pathOf(tree, uid)];
      return findSnapshot(tree, byUid).kind === 'found' ? `${byUid} (${byPath})` : byPath;
    });
    throw new KameError(
      'NO_SUCH_SNAPSHOT',
      `${reference} could mean ${found.candidates.length} snapshots of ${bundle.name}.`,
      {
        next: `Use one of these references: ${references.join(', ')}`,
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
    next: `kame snapshot list ${bundle.name} shows its snapshots.`,
    details,
  });
}

/**
 * Checks a new label: labels identify snapshots.
 * @throws KameError INVALID_NAME when it looks like a uid or a path, ALREADY_EXISTS when another snapshot has it
 */
export async function checkLabel(bundle: Bundle, label: string, except?: number): Promise<void> {
  if (looksLikeReference(label)) {
    throw new KameError(
      'INVALID_NAME',
      `The label ${label} looks like the ${label.startsWith('#') ? 'uid' : 'path'} of a snapshot.`,
      {
        next: 'Choose a label that does not start with / and is not # and a number.',
        details: { machine: bundle.name, snapshot: label },
      },
    );
  }
  const { tree } = await readSnapshotFile(bundle.names);
  if (!tree.snapshots.some(({ displayName, uid }) => sameName(displayName, label) && uid !== except)) return;
  throw new KameError('ALREADY_EXISTS', `${bundle.name} already has a snapshot ${label}.`, {
    next: `Choose another label; kame snapshot list ${bundle.name} shows those in use.`,
    details: { machine: bundle.name, snapshot: label },
  });
}
