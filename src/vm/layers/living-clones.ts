import type { Bundle } from '../../store/bundle.ts';
import { readBundle } from '../../store/bundle.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import type { Snapshot } from '../../vmx/snapshots.ts';

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
