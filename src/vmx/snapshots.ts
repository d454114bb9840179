import type { VmxDocument } from './document.ts';
import type { SnapshotProblem, SnapshotTree } from './snapshot-model.ts';
import { readVmsd } from './snapshot-read.ts';

export type {
  BaseFile,
  RelatedMachine,
  RollingTier,
  Snapshot,
  SnapshotDisk,
  SnapshotProblem,
  SnapshotTree,
} from './snapshot-model.ts';
export { writeSnapshots } from './snapshot-write.ts';

/**
 * Reads a `.vmsd`, which may be empty. Never throws because of its content: anything odd becomes a problem that names
 * the key. A snapshot without a unique uid is ignored, but writing keeps its keys; one with a missing parent, or in a
 * cycle of parents, becomes a root.
 *
 * The keys are those that VMware’s products write. The snapshots found in the file matter, not the counts in it.
 */
export function readSnapshots(document: VmxDocument): {
  tree: SnapshotTree;
  problems: readonly SnapshotProblem[];
} {
  const { tree, problems } = readVmsd(document);
  return { tree, problems };
}
