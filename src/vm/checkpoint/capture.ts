import { rename, rm } from 'node:fs/promises';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { requireFreeSpace } from '../../disk/free-space.ts';
import { closeLayers, openLayers, pushLayers, type NewLayer } from '../../qemu/disk-layers.ts';
import { saveState } from '../../qemu/migration.ts';
import { writeCheckpointRecord, type CheckpointRecord, type SavedRam } from '../../store/checkpoint.ts';
import type { CheckpointNames } from '../../store/names.ts';
import { ramFileOf } from '../../store/ram-place.ts';
import { copyExtents, extentBytes } from '../../sys/extents.ts';
import { hostOs } from '../engine.ts';
import type { Host } from '../host.ts';
import type { RunningMachine } from '../running.ts';
import { hasRamFile, RamCopy } from './ram-copy.ts';

export interface CaptureOptions {
  /** Where the memory goes; its directory is there. Null for the disks alone. */
  readonly checkpoint: CheckpointNames | null;
  /** Where the RAM goes first. */
  readonly ramTarget: string;
  /** New layers, made and not opened; the present ones are frozen. */
  readonly layers: readonly NewLayer[];
  /** The guest stays as it is afterwards, as for a suspend. */
  readonly stayStopped?: boolean;
  /** Copies RAM only while the guest stands still: ready sooner, at the price of a longer pause. */
  readonly once?: boolean;
}

export interface Captured {
  readonly record: CheckpointRecord | null;
  /** Milliseconds that the guest stood still; null when it did before. */
  readonly stoppedMs: number | null;
}

/** Where a checkpoint's RAM waits until it has its lasting place. */
export function waitingRam(host: Host, machine: RunningMachine): string {
  return ramFileOf(host.names, machine.run, 'taken');
}

async function saveMemory(
  machine: RunningMachine,
  checkpoint: CheckpointNames,
  copy: RamCopy | null,
  progress: Progress,
): Promise<{ ram: SavedRam; stateBytes: number }> {
  // RAM is what it is while devices are saved: QEMU's own migration sends the last of it before them too.
  const [stateBytes, ram] = await Promise.all([
    saveState(machine.engine, {
      file: checkpoint.state,
      socket: `${machine.run.directory}/state`,
      withRam: copy === null,
      signal: progress.signal,
      onBytes: (done) => {
        if (copy === null)
          progress.report({ stage: 'Writing memory through the engine', done, unit: 'bytes' });
      },
    }),
    copy?.copy() ?? ({ kind: 'stream' } as const),
  ]);
  return { ram, stateBytes };
}

/** Takes what a checkpoint is made of at one instant: memory, devices, disks. On failure the guest goes on as before. */
export async function capture(
  host: Host,
  machine: RunningMachine,
  options: CaptureOptions,
  progress: Progress,
): Promise<Captured> {
  const { checkpoint, layers } = options;
  const { engine } = machine;
  const wasRunning = (await engine.status()) === 'running';
  const copy = checkpoint && hasRamFile(machine) ? new RamCopy(machine, options.ramTarget) : null;
  if (checkpoint && !copy) {
    progress.report({
      stage: 'Writing memory through the engine; this takes longer, since no file holds the RAM',
    });
  }
  await copy?.prepare(options.once ?? false, progress.signal);
  await openLayers(engine, layers, hostOs());
  let begun: number | undefined;
  let pushed = false;
  using stops = engine.qmp.on('STOP', () => (begun ??= performance.now()));
  try {
    // With RAM in the stream the guest runs until nearly all of it is sent.
    if (wasRunning && (copy || !checkpoint)) {
      begun = performance.now();
      await engine.pause();
    }
    const memory = checkpoint ? await saveMemory(machine, checkpoint, copy, progress) : null;
    const record = checkpoint && memory ? await recordOf(machine, checkpoint, memory, wasRunning) : null;
    // Nothing can be cancelled from here on: the disks have their new layers, and the state is complete.
    await pushLayers(engine, layers);
    pushed = true;
    if (wasRunning && !options.stayStopped) await engine.resume();
    const stoppedMs = wasRunning && begun !== undefined ? performance.now() - begun : null;
    return { record, stoppedMs };
  } catch (error) {
    if (!pushed) await closeLayers(engine, layers);
    if (wasRunning)
      await engine
        .resume()
        .catch((reason: unknown) =>
          host.log('The guest could not go on', { machine: machine.name, reason: messageOf(reason) }),
        );
    throw error;
  } finally {
    void stops;
  }
}

async function recordOf(
  machine: RunningMachine,
  checkpoint: CheckpointNames,
  { ram, stateBytes }: { ram: SavedRam; stateBytes: number },
  wasRunning: boolean,
): Promise<CheckpointRecord> {
  const record: CheckpointRecord = {
    format: 1,
    engine: machine.record.fingerprint,
    ram,
    stateBytes,
    wasRunning,
    takenAt: new Date().toISOString(),
  };
  await writeCheckpointRecord(checkpoint, record);
  return record;
}

/**
 * Brings a checkpoint's RAM from the memory file system to its lasting place, where it outlives a restart of the host.
 * `ram` is there complete or not at all.
 * @throws KameError DISK_FULL with the bytes needed, CANCELLED, FILE_ACCESS
 */
export async function settleRam(
  checkpoint: CheckpointNames,
  waiting: string,
  ram: SavedRam,
  progress: Progress,
): Promise<void> {
  if (ram.kind !== 'file') return;
  const part = `${checkpoint.ram}.part`;
  const total = extentBytes(ram.extents);
  const stage = 'Writing memory';
  try {
    await requireFreeSpace(checkpoint.directory, total, checkpoint.ram);
    await copyExtents(waiting, part, ram.extents, {
      size: ram.size,
      sync: true,
      skipZeros: true,
      signal: progress.signal,
      onBytes: (done) => progress.report({ stage, done, total, unit: 'bytes' }),
    });
    await rename(part, checkpoint.ram);
    await rm(waiting, { force: true });
  } catch (error) {
    await rm(part, { force: true });
    if (
      !(error instanceof KameError) ||
      error.code !== 'DISK_FULL' ||
      error.details['bytesNeeded'] !== undefined
    )
      throw error;
    throw new KameError('DISK_FULL', `${error.message} ${total} bytes are needed for the memory.`, {
      cause: error,
      details: { ...error.details, bytesNeeded: total },
    });
  }
}
