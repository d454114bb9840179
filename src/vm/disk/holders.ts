import { KameError } from '../../core/errors.ts';
import { type Layer, layersOf, readChain } from '../../disk/chain.ts';
import { stemOf } from '../../disk/layer-name.ts';
import { readBundle, type Bundle } from '../../store/bundle.ts';
import { checkpointNames, resolveIn } from '../../store/names.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import type { Snapshot, SnapshotDisk } from '../../vmx/snapshots.ts';
import type { Host } from '../host/host.ts';
import { layerDirectories } from '../layers/chains.ts';

/** A disk of the machine with all its layers. */
export interface DiskLayers {
  readonly slot: string;
  readonly layers: readonly Layer[];
}

function pathsOf({ layers }: DiskLayers): Set<string> {
  return new Set(layers.map(({ path }) => path));
}

/** Whether a snapshot's disk uses a file of this disk. If its layers cannot be read, the slot and the file name decide. */
async function isOn(
  disk: DiskLayers,
  { slot, fileName }: SnapshotDisk,
  path: string,
  inside: readonly string[],
): Promise<boolean> {
  const paths = pathsOf(disk);
  if (paths.has(path)) return true;
  try {
    return layersOf(await readChain(path, { inside, tables: false })).some((layer) => paths.has(layer.path));
  } catch {
    return slot === disk.slot || disk.layers.some((layer) => stemOf(layer.path) === stemOf(fileName));
  }
}

/** The snapshots that refer to a file directly. */
export async function snapshotsNaming(bundle: Bundle, path: string): Promise<Snapshot[]> {
  const { tree } = await readSnapshotFile(bundle.names);
  return tree.snapshots.filter(({ disks }) =>
    disks.some(({ fileName }) => resolveIn(bundle.names, fileName) === path),
  );
}

/** The snapshots whose disks use any of this disk's files. */
export async function snapshotsOn(host: Host, bundle: Bundle, disk: DiskLayers): Promise<Snapshot[]> {
  const { tree } = await readSnapshotFile(bundle.names);
  const inside = await layerDirectories(host, bundle);
  const holding: Snapshot[] = [];
  for (const snapshot of tree.snapshots) {
    for (const each of snapshot.disks) {
      if (!(await isOn(disk, each, resolveIn(bundle.names, each.fileName), inside))) continue;
      holding.push(snapshot);
      break;
    }
  }
  return holding;
}

/** The snapshots that need this disk's files for a revert, including those that have it as an independent disk. */
export async function snapshotsNeeding(host: Host, bundle: Bundle, disk: DiskLayers): Promise<Snapshot[]> {
  const { tree } = await readSnapshotFile(bundle.names);
  const uids = new Set((await snapshotsOn(host, bundle, disk)).map(({ uid }) => uid));
  const paths = pathsOf(disk);
  for (const { uid } of tree.snapshots) {
    const { content } = await readBundle(checkpointNames(bundle.names, String(uid)).config);
    const named = (content?.model.disks ?? []).map(({ fileName }) => resolveIn(bundle.names, fileName));
    if (named.some((path) => paths.has(path))) uids.add(uid);
  }
  return tree.snapshots.filter(({ uid }) => uids.has(uid));
}

/** The labels of snapshots for a message: at most ten of them. */
function labelsOf(snapshots: readonly Snapshot[]): string {
  const shown = snapshots.slice(0, 10).map(({ displayName }) => displayName);
  const more = snapshots.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** @throws KameError WRONG_STATE naming the snapshots */
export function refuseHeld(bundle: Bundle, snapshots: readonly Snapshot[], what: string, next: string): void {
  if (snapshots.length === 0) return;
  const labels = labelsOf(snapshots);
  const holders = snapshots.length === 1 ? `the snapshot ${labels}` : `the snapshots ${labels}`;
  const verb = snapshots.length === 1 ? 'uses' : 'use';
  throw new KameError('WRONG_STATE', `${what}: ${holders} of ${bundle.name} ${verb} it.`, {
    next,
    details: { machine: bundle.name, snapshots: snapshots.length },
  });
}
