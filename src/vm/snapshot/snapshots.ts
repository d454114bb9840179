import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  DeletedSnapshots,
  EditSnapshot,
  Snapshot as SnapshotReply,
  SnapshotDetails,
  TakenSnapshot,
  TakeSnapshot,
} from '../../api/checkpoint.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { readCheckpointRecord, readWaitingRecord } from '../../store/checkpoint.ts';
import { checkpointNames, suspendedIn, type CheckpointNames, resolveIn } from '../../store/names.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { allocatedBytes } from '../../sys/files.ts';
import {
  ancestors,
  childrenOf,
  describe as describeIn,
  nextUid,
  pathOf,
  rename,
  subtreeOf,
} from '../../vmx/snapshot-tree.ts';
import type { Snapshot, SnapshotTree } from '../../vmx/snapshots.ts';
import { keptScreen } from '../host/checkpoint-screen.ts';
import { bundleEvent } from '../host/events.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { layerDirectories, snapshotChain } from '../layers/chains.ts';
import { linkedClonesOf, noClones, type LinkedClones } from '../layers/linked-clones.ts';
import { deleteListed, refuseDelete } from './delete.ts';
import { checkLabel, snapshotOf } from './snapshot-list.ts';
import { take } from './take.ts';

/** The state of the machine after a revert to a snapshot. */
async function stateIn(checkpoint: CheckpointNames, withMemory: boolean): Promise<SnapshotReply['state']> {
  if (!withMemory) return 'stopped';
  const record = await readWaitingRecord(checkpoint).catch(() => undefined);
  return record?.wasRunning === false ? 'paused' : 'running';
}

async function replyOf(
  bundle: Bundle,
  tree: SnapshotTree,
  snapshot: Snapshot,
  linked: LinkedClones,
): Promise<SnapshotReply> {
  const { uid, displayName, description, parent, createdAt, withMemory, tiers } = snapshot;
  const checkpoint = checkpointNames(bundle.names, String(uid));
  return {
    uid,
    label: displayName,
    description,
    parent,
    path: pathOf(tree, uid),
    depth: ancestors(tree, uid).length,
    current: tree.current === uid,
    createdAt: createdAt.toISOString(),
    state: await stateIn(checkpoint, withMemory),
    memory: withMemory,
    screen: existsSync(checkpoint.screen),
    autoProtect: tiers.length > 0,
    clones: linked.ofSnapshot(uid).map(({ vmx }) => vmx),
  };
}

/** Parents before their children, siblings by uid. */
function inTreeOrder(tree: SnapshotTree, parent: number | null = null): Snapshot[] {
  const siblings = [...childrenOf(tree, parent)].sort((a, b) => a.uid - b.uid);
  return siblings.flatMap((snapshot) => [snapshot, ...inTreeOrder(tree, snapshot.uid)]);
}

/** All snapshots of a machine. @throws KameError NO_SUCH_MACHINE, BROKEN_MACHINE */
export async function listSnapshots(host: Host, reference: string): Promise<SnapshotReply[]> {
  const bundle = await findBundle(host, reference);
  const { tree } = await readSnapshotFile(bundle.names);
  const linked = await linkedClonesOf(host, bundle);
  return await Promise.all(inTreeOrder(tree).map(async (each) => await replyOf(bundle, tree, each, linked)));
}

async function bytesOf(path: string): Promise<number> {
  return (await allocatedBytes(path)) ?? 0;
}

async function diskOf(bundle: Bundle, inside: readonly string[], slot: string, fileName: string) {
  const path = resolveIn(bundle.names, fileName);
  try {
    const { virtualSize, allocatedBytes } = await snapshotChain(bundle, fileName, { inside });
    return { disk: { slot, path, sizeBytes: virtualSize, allocatedBytes }, problem: null };
  } catch (error) {
    return { disk: { slot, path, sizeBytes: null, allocatedBytes: null }, problem: messageOf(error) };
  }
}

/**
 * What was on the display when a snapshot was taken, as PNG.
 * @throws KameError NO_SUCH_MACHINE, NO_SUCH_SNAPSHOT, WRONG_STATE if no picture was kept with it, FILE_ACCESS
 */
export async function snapshotScreen(host: Host, reference: string, which: string): Promise<Buffer> {
  const bundle = await findBundle(host, reference);
  const { tree } = await readSnapshotFile(bundle.names);
  const { uid, displayName } = snapshotOf(bundle, tree, which);
  const picture = await keptScreen(checkpointNames(bundle.names, String(uid)));
  if (picture) return picture;
  throw new KameError(
    'WRONG_STATE',
    `No picture was kept with the snapshot ${displayName} of ${bundle.name}.`,
    {
      next: 'One is kept when the machine runs and has a display.',
    },
  );
}

/** The details of a snapshot. @throws KameError NO_SUCH_MACHINE, NO_SUCH_SNAPSHOT */
export async function showSnapshot(host: Host, reference: string, which: string): Promise<SnapshotDetails> {
  const bundle = await findBundle(host, reference);
  const { tree } = await readSnapshotFile(bundle.names);
  const snapshot = snapshotOf(bundle, tree, which);
  const checkpoint = checkpointNames(bundle.names, String(snapshot.uid));
  const inside = await layerDirectories(host, bundle);
  const disks = await Promise.all(
    snapshot.disks.map(async ({ slot, fileName }) => await diskOf(bundle, inside, slot, fileName)),
  );
  const memory = snapshot.withMemory
    ? await readCheckpointRecord(checkpoint).then(
        (record) => ({ record, problem: null }),
        (error: unknown) => ({ record: null, problem: messageOf(error) }),
      )
    : { record: null, problem: null };
  const sizes = await Promise.all(
    [checkpoint.ram, checkpoint.state, checkpoint.nvram].map(async (path) => await bytesOf(path)),
  );
  const engine = memory.record?.engine;
  return {
    ...(await replyOf(bundle, tree, snapshot, await linkedClonesOf(host, bundle))),
    bytes:
      sizes.reduce((sum, size) => sum + size, 0) +
      disks.reduce((sum, { disk }) => sum + (disk.allocatedBytes ?? 0), 0),
    engine: engine
      ? {
          version: engine.version,
          machineType: engine.machineType,
          cpu: engine.cpu,
          accelerator: engine.accelerator,
        }
      : null,
    disks: disks.map(({ disk }) => disk),
    problems: [memory.problem, ...disks.map(({ problem }) => problem)].filter((each) => each !== null),
  };
}

/** "Snapshot 1" and so on, as in Fusion, with the next unused number. */
function defaultLabel(tree: SnapshotTree): string {
  const taken = new Set(tree.snapshots.map(({ displayName }) => displayName));
  let number = nextUid(tree);
  while (taken.has(`Snapshot ${number}`)) number += 1;
  return `Snapshot ${number}`;
}

/**
 * Takes a snapshot of a machine in any state.
 * @throws KameError INVALID_NAME, ALREADY_EXISTS, CHECKPOINT_BLOCKED, DISK_FULL, BAD_IMAGE, GUEST_*, ENGINE_*, CANCELLED
 */
export async function takeSnapshot(
  host: Host,
  reference: string,
  body: TakeSnapshot,
  progress: Progress,
): Promise<TakenSnapshot> {
  return await hold(host, reference, 'snapshot', async ({ bundle, machine: running }) => {
    const { tree } = await readSnapshotFile(bundle.names);
    const label = body.label ?? defaultLabel(tree);
    await checkLabel(bundle, label);
    const suspended = suspendedIn(bundle.names, contentOf(bundle).model.suspendedState) !== undefined;
    const withMemory = (running !== undefined || suspended) && !body.diskOnly;
    const notes =
      withMemory && body.quiesce
        ? ['The snapshot includes the memory, so the file systems were not frozen.']
        : [];
    const quiesce = running !== undefined && !withMemory && body.quiesce;
    const description = body.description ?? '';
    const taken = await take(host, bundle, { label, description, withMemory, quiesce }, progress);
    const after = await readSnapshotFile(bundle.names);
    emitChanged(host, bundle, `The snapshot ${label} of ${bundle.name} was taken.`);
    const { snapshot, stoppedMs } = taken;
    return {
      ...(await replyOf(bundle, after.tree, snapshot, noClones)),
      stoppedMs,
      notes: [...notes, ...taken.notes],
    };
  });
}

function emitChanged(host: Host, bundle: Bundle, message: string): void {
  host.events.emit(bundleEvent('machine.changed', bundle, message));
}

/** Changes the label or the description of a snapshot. @throws KameError NO_SUCH_SNAPSHOT, INVALID_NAME, ALREADY_EXISTS */
export async function editSnapshot(
  host: Host,
  reference: string,
  which: string,
  body: EditSnapshot,
): Promise<SnapshotReply> {
  return await hold(host, reference, 'edit snapshots', async ({ bundle }) => {
    const snapshots = await readSnapshotFile(bundle.names);
    const { uid } = snapshotOf(bundle, snapshots.tree, which);
    if (body.label !== undefined) await checkLabel(bundle, body.label, uid);
    let { tree } = snapshots;
    if (body.label !== undefined) tree = rename(tree, uid, body.label);
    if (body.description !== undefined) tree = describeIn(tree, uid, body.description);
    await writeSnapshotTree(bundle.names, snapshots, tree);
    const edited = tree.snapshots.find((each) => each.uid === uid) as Snapshot;
    emitChanged(host, bundle, `The snapshot ${edited.displayName} of ${bundle.name} was changed.`);
    return await replyOf(bundle, tree, edited, await linkedClonesOf(host, bundle));
  });
}

async function usedBytes(bundle: Bundle): Promise<number> {
  const names = await readdir(bundle.names.directory, { recursive: true }).catch(() => [] as string[]);
  const sizes = await Promise.all(
    names.map(async (name) => await bytesOf(join(bundle.names.directory, name))),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * Deletes a snapshot, and on request its descendants; all others stay as they are, even while the machine is running. It
 * can be cancelled only before the deletion starts.
 * @throws KameError NO_SUCH_SNAPSHOT, HAS_CLONES, WRONG_STATE, DISK_FULL, ENGINE_*
 */
export async function deleteSnapshot(
  host: Host,
  reference: string,
  which: string,
  options: { readonly children: boolean },
  progress: Progress,
): Promise<DeletedSnapshots> {
  return await hold(host, reference, 'edit snapshots', async ({ bundle }) => {
    const snapshots = await readSnapshotFile(bundle.names);
    const snapshot = snapshotOf(bundle, snapshots.tree, which);
    const targets = options.children ? subtreeOf(snapshots.tree, snapshot.uid) : [snapshot];
    await refuseDelete(host, bundle, targets);
    if (progress.signal.aborted) throw new KameError('CANCELLED', 'Nothing was deleted.');
    const before = await usedBytes(bundle);
    const notes = await deleteListed(host, bundle, targets, progress);
    const labels = targets.map(({ displayName }) => displayName);
    emitChanged(host, bundle, `Snapshots of ${bundle.name} were deleted: ${labels.join(', ')}.`);
    return { deleted: labels, bytesFreed: before - (await usedBytes(bundle)), notes };
  });
}
