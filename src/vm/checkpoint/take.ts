import { existsSync } from 'node:fs';
import type { Progress } from '../../core/progress.ts';
import { requireFreeSpace } from '../../disk/free-space.ts';
import type { Host } from '../host.ts';
import type { RunningMachine } from '../running.ts';
import { readCheckpointRecord, removeCheckpoint, syncCheckpoint } from '../../store/checkpoint.ts';
import { contentOf, writeMachineFile, type MachineFile } from '../../store/machine-file.ts';
import { checkpointNames, suspendedIn, type CheckpointNames } from '../../store/names.ts';
import {
  removeOperation,
  writeOperation,
  type Operation,
  type SnapshotIntent,
} from '../../store/operation.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { copySparse } from '../../sys/copy-sparse.ts';
import { linkFile } from '../../sys/link.ts';
import type { Snapshot } from '../../vmx/snapshots.ts';
import { nextUid } from '../../vmx/snapshot-tree.ts';
import { diskChains } from '../disks.ts';
import { capture, settleRam, waitingRam, type Captured } from './capture.ts';
import { keepConfig } from './keep-config.ts';
import { createLayers, currentFiles, engineLayers, nameLayers, withLayers } from './layers.ts';
import { refuseBlocked } from './preflight.ts';
import { ramBytes } from './ram-copy.ts';
import { settle } from './settle.ts';
import { listSnapshot } from './snapshot-list.ts';

export interface TakeOptions {
  readonly label: string;
  readonly description: string;
  readonly withMemory: boolean;
  readonly quiesce: boolean;
  /** AutoProtect's, if it takes the snapshot. */
  readonly tiers?: readonly number[];
}

export interface Taken {
  readonly snapshot: Snapshot;
  readonly stoppedMs: number | null;
}

type LayerOperation = Extract<Operation, { kind: 'layer' }>;

/** How long the guest may take to freeze its file systems. */
const freezeMs = 10_000;
/** Device state, tables of layers and the like. */
const smallBytes = 32 * 1024 * 1024;

function intentOf(
  file: MachineFile,
  uid: number,
  parent: number | null,
  options: TakeOptions,
): SnapshotIntent {
  const files = currentFiles(contentOf(file).spec);
  return {
    uid,
    parent,
    displayName: options.label,
    description: options.description,
    withMemory: options.withMemory,
    createdAt: new Date().toISOString(),
    fileName: `${file.names.stem}-Snapshot${uid}.vmsn`,
    disks: [...files].map(([node, fileName]) => ({ node, fileName })),
    clones: [],
    tiers: options.tiers ?? [],
  };
}

/** Freezes the guest's file systems around `work`, so that they are whole on the disks alone. */
async function frozen<T>(machine: RunningMachine, work: () => Promise<T>): Promise<T> {
  await machine.agent.fsfreeze({ deadlineMs: freezeMs });
  try {
    return await work();
  } finally {
    await machine.agent.fsthaw({ deadlineMs: freezeMs });
  }
}

async function captureLive(
  host: Host,
  file: MachineFile,
  machine: RunningMachine,
  operation: LayerOperation,
  options: TakeOptions,
  progress: Progress,
): Promise<Captured> {
  const { snapshot } = operation;
  const checkpoint =
    options.withMemory && snapshot ? checkpointNames(file.names, String(snapshot.uid)) : null;
  const layers = engineLayers(file.names, operation.layers);
  const work = async () =>
    await capture(host, machine, { checkpoint, layers, ramTarget: waitingRam(host, machine) }, progress);
  const captured = await (options.quiesce ? frozen(machine, work) : work());
  if (checkpoint && captured.record) {
    await settleRam(checkpoint, waitingRam(host, machine), captured.record.ram, progress);
    await syncCheckpoint(checkpoint);
  }
  return captured;
}

/** A snapshot of a suspended machine has the memory that the machine is suspended in. */
async function shareMemory(file: MachineFile, checkpoint: CheckpointNames): Promise<void> {
  const suspended = suspendedIn(file.names, contentOf(file).spec.suspendedState);
  if (!suspended) return;
  await readCheckpointRecord(suspended);
  for (const what of ['state', 'ram', 'record'] as const) {
    if (what === 'ram' && !existsSync(suspended.ram)) continue;
    if (await linkFile(suspended[what], checkpoint[what])) continue;
    await copySparse(suspended[what], checkpoint[what]);
  }
}

/** Refuses what can't end well before anything is touched. */
async function check(
  host: Host,
  file: MachineFile,
  machine: RunningMachine | undefined,
  options: TakeOptions,
): Promise<void> {
  const { spec } = contentOf(file);
  await diskChains(host, file, spec, { tables: false });
  if (machine && options.withMemory) await refuseBlocked(file, machine);
  if (machine && options.quiesce) await machine.agent.ping({ deadlineMs: freezeMs });
  const memory = machine && options.withMemory ? await ramBytes(machine) : 0;
  await requireFreeSpace(file.names.directory, memory + smallBytes, file.names.checkpoints);
}

/**
 * Takes a snapshot of a machine that is stopped, running or paused; the caller holds it by `host.operations`. On any
 * failure the machine is as it was, also when this program is killed: see settle.ts.
 * @throws KameError CHECKPOINT_BLOCKED, DISK_FULL, BAD_IMAGE, ENGINE_*, GUEST_*, CANCELLED
 */
export async function take(
  host: Host,
  found: MachineFile,
  options: TakeOptions,
  progress: Progress,
): Promise<Taken> {
  const file = await settle(host, found);
  const machine = host.running.get(file.names.vmx);
  await check(host, file, machine, options);
  const { document, spec } = contentOf(file);
  const { tree } = await readSnapshotFile(file.names);
  const uid = nextUid(tree);
  const layers = await nameLayers(file.names, currentFiles(spec));
  const snapshot = intentOf(file, uid, tree.current, options);
  const { quiesce: quiesced } = options;
  const paused = machine?.state !== 'running';
  const operation: LayerOperation = { kind: 'layer', snapshot, layers, paused, quiesced };
  const checkpoint = checkpointNames(file.names, String(uid));
  await writeOperation(file.names, operation);
  try {
    await removeCheckpoint(checkpoint);
    await keepConfig(file, checkpoint);
    await createLayers(host, file, layers);
    progress.report({ stage: `Taking the snapshot ${options.label} of ${file.name}` });
    const captured = machine ? await captureLive(host, file, machine, operation, options, progress) : null;
    if (!machine && options.withMemory) await shareMemory(file, checkpoint);
    // The layers first: a listed snapshot whose disks were still written to would be worth nothing.
    await writeMachineFile(file.names.vmx, withLayers(document, layers));
    const listed = await listSnapshot(file, snapshot);
    await removeOperation(file.names);
    return { snapshot: listed, stoppedMs: captured?.stoppedMs ?? null };
  } catch (error) {
    await settle(host, file, { failed: true });
    throw error;
  }
}
