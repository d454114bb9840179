import { KameError } from '../../core/errors.ts';
import { readBundle, type Bundle } from '../../store/bundle.ts';
import { machineNames } from '../../store/names.ts';
import { hasSnapshotFile, readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { exists } from '../../sys/files.ts';
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

/** Records a linked clone in the snapshot that it depends on, in the parent's `.vmsd`, as VMware does. This locks the snapshot. */
export async function registerClone(
  parentVmx: string,
  cloneVmx: string,
  fits: (snapshot: Snapshot) => boolean,
): Promise<void> {
  const names = machineNames(parentVmx);
  const found = await readSnapshotFile(names);
  await writeSnapshotTree(names, found, withClone(found.tree, cloneVmx, fits));
}

/** The parents of a linked clone; empty for any other machine. */
export async function parentsOf(bundle: Bundle): Promise<readonly string[]> {
  if (!(await hasSnapshotFile(bundle.names))) return [];
  return (await readSnapshotFile(bundle.names)).tree.cloneOf;
}

/** Records a new clone in the parents of its source, since it depends on them too. Returns these parents. */
export async function registerWithParents(bundle: Bundle, cloneVmx: string): Promise<readonly string[]> {
  const parents = await parentsOf(bundle);
  for (const parent of parents) {
    await registerClone(parent, cloneVmx, ({ clones }) => clones.includes(bundle.names.vmx));
  }
  return parents;
}

/** Whether a `.vmx` is of a linked clone of a machine. An unreadable one counts, since its disks may be intact. */
async function isCloneOf(vmx: string, parent: Bundle): Promise<boolean> {
  const clone = await readBundle(vmx);
  if (!clone.content) return await exists(vmx).catch(() => true);
  const { tree } = await readSnapshotFile(clone.names);
  return tree.cloneOf.includes(parent.names.vmx);
}

/** The linked clones of a snapshot that still exist, as paths of their `.vmx`. VMware never removes one from the list. */
export async function existingClones(bundle: Bundle, snapshot: Snapshot): Promise<string[]> {
  const found = await Promise.all(snapshot.clones.map(async (vmx) => await isCloneOf(vmx, bundle)));
  return snapshot.clones.filter((_, at) => found[at]);
}

/** @throws KameError HAS_CLONES naming the linked clones that depend on the machine's disks */
export async function refuseLinkedClones(bundle: Bundle, verb: Verb): Promise<void> {
  if (!(await hasSnapshotFile(bundle.names))) return;
  const { tree } = await readSnapshotFile(bundle.names);
  const clones = new Set<string>();
  for (const snapshot of tree.snapshots) {
    for (const vmx of await existingClones(bundle, snapshot)) clones.add(vmx);
  }
  if (clones.size === 0) return;
  throw new KameError(
    'HAS_CLONES',
    `${cannot(verb, bundle.name)}: these linked clones depend on its disks: ${[...clones].join(', ')}.`,
    { details: { machine: bundle.name } },
  );
}
