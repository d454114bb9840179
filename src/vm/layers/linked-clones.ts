import { KameError } from '../../core/errors.ts';
import { readBundle, type Bundle } from '../../store/bundle.ts';
import { machineNames } from '../../store/names.ts';
import { hasSnapshotFile, readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import type { Snapshot, SnapshotTree } from '../../vmx/snapshots.ts';
import { cannot, type Verb } from '../host/verbs.ts';

function withClone(tree: SnapshotTree, vmx: string, fits: (snapshot: Snapshot) => boolean): SnapshotTree {
  const snapshots = tree.snapshots.map((snapshot) =>
    fits(snapshot) && !snapshot.clones.includes(vmx)
      ? { ...snapshot, clones: [...snapshot.clones, vmx] }
      : snapshot,
  );
  return { ...tree, snapshots };
}

/** Writes into a machine's `.vmsd` that a linked clone builds on a snapshot, as VMware does: the snapshot is locked then. */
export async function registerClone(
  parentVmx: string,
  cloneVmx: string,
  fits: (snapshot: Snapshot) => boolean,
): Promise<void> {
  const names = machineNames(parentVmx);
  const found = await readSnapshotFile(names);
  await writeSnapshotTree(names, found, withClone(found.tree, cloneVmx, fits));
}

/** The machines that a linked clone builds on; empty for one that is none. */
export async function parentsOf(bundle: Bundle): Promise<readonly string[]> {
  if (!(await hasSnapshotFile(bundle.names))) return [];
  return (await readSnapshotFile(bundle.names)).tree.cloneOf;
}

/** Whatever builds on a clone's source builds on the source's own parents too. */
export async function inheritParents(bundle: Bundle, cloneVmx: string): Promise<readonly string[]> {
  const parents = await parentsOf(bundle);
  for (const parent of parents) {
    await registerClone(parent, cloneVmx, ({ clones }) => clones.includes(bundle.names.vmx));
  }
  return parents;
}

/** Whether a `.vmx` is that of a linked clone of a machine. One that can't be read counts: its disks may still be good. */
async function isCloneOf(vmx: string, parent: Bundle): Promise<boolean> {
  const clone = await readBundle(vmx);
  if (!clone.content) return clone.broken?.includes('is not there') !== true;
  const { tree } = await readSnapshotFile(clone.names);
  return tree.cloneOf.includes(parent.names.vmx);
}

/** The `.vmx` of the linked clones of a snapshot that are still there: VMware never takes one off the list. */
export async function livingClones(bundle: Bundle, snapshot: Snapshot): Promise<string[]> {
  const living = await Promise.all(snapshot.clones.map(async (vmx) => await isCloneOf(vmx, bundle)));
  return snapshot.clones.filter((_, at) => living[at]);
}

/** @throws KameError HAS_CLONES naming the linked clones that build on the machine's disks */
export async function refuseClonedFrom(bundle: Bundle, verb: Verb): Promise<void> {
  if (!(await hasSnapshotFile(bundle.names))) return;
  const { tree } = await readSnapshotFile(bundle.names);
  const clones = new Set<string>();
  for (const snapshot of tree.snapshots) {
    for (const vmx of await livingClones(bundle, snapshot)) clones.add(vmx);
  }
  if (clones.size === 0) return;
  throw new KameError(
    'HAS_CLONES',
    `${cannot(verb, bundle.name)}: these linked clones build on its disks: ${[...clones].join(', ')}.`,
    { details: { machine: bundle.name } },
  );
}
