import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { Deadline, settledWithin } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Layer } from '../../disk/chain.ts';
import { within } from '../../guest/agent/wait.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import {
  readCheckpointRecord,
  removeCheckpoint,
  syncCheckpoint,
  writeCheckpointRecord,
} from '../../store/checkpoint.ts';
import { removeJournal, writeJournal, type Journal, type SnapshotIntent } from '../../store/journal.ts';
import { checkpointNames, suspendedIn, type CheckpointNames } from '../../store/names.ts';
import { waitingRam } from '../../store/ram-place.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { copySparse } from '../../sys/copy-sparse.ts';
import { requireFreeSpace } from '../../sys/free-space.ts';
import { linkFile } from '../../sys/link.ts';
import { nextUid } from '../../vmx/snapshot-tree.ts';
import type { Snapshot } from '../../vmx/snapshots.ts';
import { keepScreen } from '../host/checkpoint-screen.ts';
import type { Host } from '../host/host.ts';
import { requireAnswer } from '../host/living-engine.ts';
import type { Running } from '../host/running.ts';
import { settle } from '../host/settle.ts';
import { undo } from '../host/undo.ts';
import { diskChains } from '../layers/chains.ts';
import { createLayers, currentFiles, engineLayers, nameLayers, withLayers } from '../layers/layers.ts';
import { capture, type Captured } from '../memory/capture.ts';
import { keepConfig } from '../memory/keep-config.ts';
import { persistRam } from '../memory/lasting-ram.ts';
import { refuseBlocked, refuseDeepChains, refuseIndependentDisks } from '../memory/preflight.ts';
import { copyPlace, isRamFull, ramBytes, RamCopy } from '../memory/ram-copy.ts';
import { listSnapshot } from './snapshot-list.ts';

export interface TakeOptions {
  readonly label: string;
  readonly description: string;
  readonly withMemory: boolean;
  readonly quiesce: boolean;
  /** AutoProtect's tiers, if it takes the snapshot. */
  readonly tiers?: readonly number[];
}

export interface Taken {
  readonly snapshot: Snapshot;
  readonly stoppedMs: number | null;
  /** What the user should know. */
  readonly notes: readonly string[];
}

type LayerOperation = Extract<Journal, { kind: 'layer' }>;

/** Milliseconds that the guest has to freeze its file systems. */
const freezeMs = 10_000;
/** Milliseconds that the agent has to answer before anything is changed. */
const agentPingMs = 5000;
/** Milliseconds to wait for a guest to thaw its file systems after a cancellation. */
const cancelledThawMs = 2000;
/** Space for everything but RAM: device state, the tables of new layers. */
const smallBytes = 32 * 1024 * 1024;

function intentOf(bundle: Bundle, uid: number, parent: number | null, options: TakeOptions): SnapshotIntent {
  const files = currentFiles(contentOf(bundle).model);
  return {
    uid,
    parent,
    displayName: options.label,
    description: options.description,
    withMemory: options.withMemory,
    createdAt: new Date().toISOString(),
    fileName: `${bundle.names.stem}-Snapshot${uid}.vmsn`,
    disks: [...files].map(([slot, fileName]) => ({ slot, fileName })),
    clones: [],
    tiers: options.tiers ?? [],
  };
}

function notThawed(): KameError {
  return new KameError('GUEST_TIMEOUT', 'The guest did not thaw its file systems in time.');
}

/** Freezes the guest's file systems, so that they are consistent on the disks without the memory. */
async function freeze({ channels }: Running, progress: Progress): Promise<AsyncDisposable> {
  const { signal } = progress;
  await channels.agent.fsfreeze(new Deadline(freezeMs, progress).step(freezeMs));
  const thaw = async () => {
    const thawed = channels.agent.fsthaw({ deadlineMs: freezeMs });
    // Nobody who has cancelled waits for a silent agent: `undo` asks it once more.
    if (signal.aborted) await settledWithin(thawed, cancelledThawMs);
    else
      await within(thawed, { ms: freezeMs, signal, what: 'Thawing the file systems', onTimeout: notThawed });
  };
  return { [Symbol.asyncDispose]: thaw };
}

/** One attempt to take a snapshot. */
interface Attempt extends TakeOptions {
  /** The memory file system became full in the attempt before. */
  readonly ramFull: boolean;
}

interface LiveTake {
  readonly journal: LayerOperation;
  readonly options: Attempt;
  readonly makeLayers: () => Promise<void>;
}

async function captureLive(
  host: Host,
  bundle: Bundle,
  machine: Running,
  { journal, options, makeLayers }: LiveTake,
  progress: Progress,
): Promise<Captured & { readonly note: string | null }> {
  const { snapshot } = journal;
  const checkpoint =
    options.withMemory && snapshot ? checkpointNames(bundle.names, String(snapshot.uid)) : null;
  const layers = engineLayers(bundle.names, journal.layers);
  const place = checkpoint && (await copyPlace(host, machine, options.ramFull));
  const copy = checkpoint && (await beginCopy(host, machine, checkpoint, place?.toDisk ?? false));
  using ram = copy && copy.ram;
  const quiesce = options.quiesce ? { freeze: async () => await freeze(machine, progress) } : {};
  const captured = await capture(
    host,
    machine,
    { checkpoint, ram, layers, makeLayers, once: place?.toDisk ?? false, ...quiesce },
    progress,
  );
  if (checkpoint && copy && captured.record) {
    // The record says that the memory is complete, or waits to be moved: RAM that is on the disk gets its name before.
    if (copy.part !== null) await rename(copy.part, checkpoint.ram);
    await writeCheckpointRecord(checkpoint, captured.record);
    if (copy.part === null)
      await persistRam(checkpoint, waitingRam(host.names, machine.run), captured.record.ram, progress);
    await syncCheckpoint(checkpoint);
  }
  return { ...captured, note: place?.note ?? null };
}

interface Copy {
  readonly ram: RamCopy | null;
  /** The unfinished file, if RAM goes straight to the disk. */
  readonly part: string | null;
}

async function beginCopy(
  host: Host,
  machine: Running,
  checkpoint: CheckpointNames,
  toDisk: boolean,
): Promise<Copy> {
  if (!toDisk) {
    const path = waitingRam(host.names, machine.run);
    return { ram: await RamCopy.begin(host, machine, { path }), part: null };
  }
  const part = `${checkpoint.ram}.part`;
  await mkdir(checkpoint.directory, { recursive: true, mode: 0o700 });
  return { ram: await RamCopy.begin(host, machine, { path: part, lasting: true }), part };
}

/** Gives a snapshot of a suspended machine the memory of its suspended state. */
async function shareMemory(bundle: Bundle, checkpoint: CheckpointNames): Promise<void> {
  const suspended = suspendedIn(bundle.names, contentOf(bundle).model.suspendedState);
  if (!suspended) return;
  await readCheckpointRecord(suspended);
  for (const what of ['screen', 'state', 'ram', 'record'] as const) {
    if (['ram', 'screen'].includes(what) && !existsSync(suspended[what])) continue;
    if (await linkFile(suspended[what], checkpoint[what])) continue;
    await copySparse(suspended[what], checkpoint[what]);
  }
}

/** Refuses a snapshot that would fail, before anything is changed. Returns the chains of the disks. */
async function check(
  host: Host,
  bundle: Bundle,
  machine: Running | undefined,
  options: TakeOptions,
  progress: Progress,
): Promise<Map<string, Layer>> {
  await requireAnswer(machine, progress);
  const { model } = contentOf(bundle);
  const chains = await diskChains(host, bundle, model, { tables: false });
  refuseDeepChains(bundle, chains);
  if (options.withMemory) refuseIndependentDisks(bundle);
  if (machine && options.withMemory) await refuseBlocked(machine, progress);
  if (machine && options.quiesce) {
    await machine.channels.agent.ping(new Deadline(agentPingMs, progress).step(agentPingMs));
  }
  const memory = machine && options.withMemory ? await ramBytes(machine) : 0;
  await requireFreeSpace(bundle.names.directory, memory + smallBytes, bundle.names.checkpoints);
  return chains;
}

/**
 * Takes a snapshot of a machine in any state; the caller holds the machine. After any failure, even a kill of this process,
 * the machine is as it was before: see settle.ts.
 * @throws KameError CHECKPOINT_BLOCKED, DISK_FULL, BAD_IMAGE, ENGINE_*, GUEST_*, CANCELLED
 */
export async function take(
  host: Host,
  found: Bundle,
  options: TakeOptions,
  progress: Progress,
): Promise<Taken> {
  try {
    return await attempt(host, found, { ...options, ramFull: false }, progress);
  } catch (error) {
    // Other programs can fill it at any time, although there was room for the copy. The disk has room.
    if (!isRamFull(host, error)) throw error;
    return await attempt(host, found, { ...options, ramFull: true }, progress);
  }
}

async function attempt(host: Host, found: Bundle, options: Attempt, progress: Progress): Promise<Taken> {
  const bundle = await settle(host, found);
  const machine = host.running.get(bundle.names.vmx);
  const chains = await check(host, bundle, machine, options, progress);
  const { document, model } = contentOf(bundle);
  const { tree } = await readSnapshotFile(bundle.names);
  const uid = nextUid(tree);
  const layers = await nameLayers(bundle.names, currentFiles(model), machine?.engine.for(progress));
  const snapshot = intentOf(bundle, uid, tree.current, options);
  const { quiesce: quiesced } = options;
  const paused = machine?.state !== 'running';
  const journal: LayerOperation = { kind: 'layer', snapshot, layers, paused, quiesced };
  const checkpoint = checkpointNames(bundle.names, String(uid));
  await writeJournal(host.names, bundle.names, journal);
  try {
    await removeCheckpoint(checkpoint);
    progress.report({ stage: `Taking the snapshot ${options.label} of ${bundle.name}` });
    if (machine) await keepScreen(bundle, machine, checkpoint, progress);
    const makeLayers = async () => {
      await keepConfig(bundle, checkpoint);
      await createLayers(bundle.names, layers, chains);
    };
    const live = { journal, options, makeLayers };
    const captured = machine && (await captureLive(host, bundle, machine, live, progress));
    if (!machine) {
      await makeLayers();
      if (options.withMemory) await shareMemory(bundle, checkpoint);
    }
    // Layers first: a listed snapshot whose disks are still written to would be useless.
    await writeVmx(bundle.names.vmx, withLayers(document, layers));
    const listed = await listSnapshot(bundle, snapshot);
    await removeJournal(host.names, bundle.names);
    const notes = captured?.note ? [captured.note] : [];
    return { snapshot: listed, stoppedMs: captured?.stoppedMs ?? null, notes };
  } catch (error) {
    throw await undo(host, bundle, error);
  }
}
