import { lstat } from 'node:fs/promises';
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

/** Replaces the `.vmsd` atomically. @throws KameError DISK_FULL, FILE_ACCESS */
export async function writeSnapshotTree(
  names: MachineNames,
  file: SnapshotFile,
  tree: SnapshotTree,
): Promise<void> {
  await writeFileAtomic(names.snapshots, printVmx(writeSnapshots(file.document, tree)), 0o644);
}

/** Whether a machine has a `.vmsd`, which exists if it ever had a snapshot or is a linked clone. */
export async function hasSnapshotFile(names: MachineNames): Promise<boolean> {
  return await lstat(names.snapshots).then(
    (found) => found.size > 0,
    () => false,
  );
}
