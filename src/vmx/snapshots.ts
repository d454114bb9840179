import type { VmxDocument } from './document.ts';
import type { SnapshotProblem, SnapshotTree } from './snapshot-model.ts';
import { readVmsd } from './snapshot-read.ts';

export type { RollingTier, Snapshot, SnapshotDisk, SnapshotProblem, SnapshotTree } from './snapshot-model.ts';
export { writeSnapshots } from './snapshot-write.ts';

/**
 * Reads a `.vmsd`, also one of 0 bytes. Never throws for what stands in it: what is odd is a problem that names the
 * key. A snapshot without a uid of its own is left out, and writing keeps its keys; one whose parent is not there, or
 * is below itself, is taken for a root.
 *
 * The keys are those that VMware’s products write; what is there counts, not the counts beside it.
 */
export function readSnapshots(document: VmxDocument): {
  tree: SnapshotTree;
  problems: readonly SnapshotProblem[];
} {
  const { tree, problems } = readVmsd(document);
  return { tree, problems };
}
