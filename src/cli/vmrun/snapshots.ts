import type { Snapshot } from '../../api/generated/shapes.ts';
import type { Run } from './command.ts';
import { VmrunError } from './vmrun-error.ts';

/** A line for each snapshot; as a tree, each level is one tab deeper. Pure. */
export function snapshotLines(
  snapshots: readonly Pick<Snapshot, 'label' | 'depth'>[],
  tree: boolean,
): string[] {
  const lines = snapshots.map(({ label, depth }) => `${'\t'.repeat(tree ? depth : 0)}${label}`);
  return [`Total snapshots: ${snapshots.length}`, ...lines];
}

export const listSnapshots: Run = async ({ client, machine, words, signal }) =>
  snapshotLines(await client.snapshots.list(machine, { signal }), words.has('showtree'));

/** Kame allows two snapshots of one name; vmrun does not. */
export const snapshot: Run = async ({ client, machine, args, signal }) => {
  const [label = ''] = args;
  const snapshots = await client.snapshots.list(machine, { signal });
  if (snapshots.some((other) => other.label === label))
    throw new VmrunError('A snapshot with the name already exists');
  await client.snapshots.take(machine, { label }, { signal });
  return [];
};

export const deleteSnapshot: Run = async ({ client, machine, args, words, signal }) => {
  const children = words.has('anddeletechildren');
  await client.snapshots.delete(machine, args[0] ?? '', { children }, { signal });
  return [];
};

/** Leaves the machine stopped, or suspended if the snapshot has memory: `vmrun start` resumes it, as with VMware. */
export const revertToSnapshot: Run = async ({ client, machine, args, signal }) => {
  await client.snapshots.revert(machine, args[0] ?? '', { start: false }, { signal });
  return [];
};
