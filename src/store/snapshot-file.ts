import { lstat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { Turns } from '../core/turns.ts';
import { writeFileAtomic } from '../sys/files.ts';
import { readOwnIfThere } from '../sys/own-file.ts';
import { emptyDocument, parseVmx, printVmx, vmxLimits, type VmxDocument } from '../vmx/document.ts';
import { readSnapshots, writeSnapshots, type SnapshotProblem, type SnapshotTree } from '../vmx/snapshots.ts';
import type { MachineNames } from './names.ts';

/** The `.vmsd` of a machine on disk. */
export interface SnapshotFile {
  readonly document: VmxDocument;
  readonly tree: SnapshotTree;
  readonly problems: readonly SnapshotProblem[];
}

/** Reads the snapshots of a machine; a missing or empty file has none. @throws KameError BROKEN_MACHINE, FILE_ACCESS */
export async function readSnapshotFile(names: MachineNames): Promise<SnapshotFile> {
  const bytes = await readOwnIfThere(names.snapshots, { maxBytes: vmxLimits.bytes });
  const document =
    bytes === undefined || bytes.length === 0 ? emptyDocument() : parseVmx(bytes, names.snapshots);
  return { document, ...readSnapshots(document) };
}

/** Writes in progress, by the path of the `.vmsd`. */
const writing = new Turns();

async function write(names: MachineNames, document: VmxDocument, tree: SnapshotTree): Promise<void> {
  await writeFileAtomic(names.snapshots, printVmx(writeSnapshots(document, tree)), 0o644);
}

/** The tree with the linked clones that were recorded or removed since the caller read the file. */
function withLatestClones(tree: SnapshotTree, read: SnapshotTree, now: SnapshotTree): SnapshotTree {
  const clonesIn = (of: SnapshotTree, uid: number) => of.snapshots.find((each) => each.uid === uid)?.clones;
  const snapshots = tree.snapshots.map((snapshot) => {
    const latest = clonesIn(now, snapshot.uid);
    const isUntouched = isDeepStrictEqual(snapshot.clones, clonesIn(read, snapshot.uid));
    return latest && isUntouched ? { ...snapshot, clones: latest } : snapshot;
  });
  return { ...tree, snapshots, related: tree.related === read.related ? now.related : tree.related };
}

/**
 * Replaces the `.vmsd` of a machine that the caller holds, atomically. What changeSnapshotTree has changed since `file` was
 * read is kept.
 * @throws KameError DISK_FULL, FILE_ACCESS
 */
export async function writeSnapshotTree(
  names: MachineNames,
  file: SnapshotFile,
  tree: SnapshotTree,
): Promise<void> {
  await writing.take(names.snapshots, async () => {
    const now = await readSnapshotFile(names).catch(() => file);
    await write(names, file.document, withLatestClones(tree, file.tree, now.tree));
  });
}

/**
 * Changes what the `.vmsd` of a machine says of its relatives; the caller need not hold the machine, such as a parent that
 * gets a clone. Without a difference nothing is written.
 * @throws KameError BROKEN_MACHINE, DISK_FULL, FILE_ACCESS
 */
export async function changeSnapshotTree(
  names: MachineNames,
  change: (tree: SnapshotTree) => SnapshotTree,
): Promise<void> {
  await writing.take(names.snapshots, async () => {
    const { document, tree } = await readSnapshotFile(names);
    const changed = change(tree);
    if (!isDeepStrictEqual(changed, tree)) await write(names, document, changed);
  });
}

/** Whether a machine has a `.vmsd`, which exists if it ever had a snapshot or is a linked clone. */
export async function hasSnapshotFile(names: MachineNames): Promise<boolean> {
  return await lstat(names.snapshots).then(
    (found) => found.size > 0,
    () => false,
  );
}
