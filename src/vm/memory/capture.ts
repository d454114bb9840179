import { allDone } from '../../core/all-done.ts';
import { messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { closeLayers, openLayers, preparePush, type NewLayer } from '../../qemu/disk-layers.ts';
import { prepareSave, type StateSave } from '../../qemu/migration.ts';
import type { CheckpointRecord, SavedRam } from '../../store/checkpoint.ts';
import type { CheckpointNames } from '../../store/names.ts';
import { hostOs } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import type { RamCopy } from './ram-copy.ts';

export interface CaptureOptions {
  /** Where the memory goes; its directory is there. Null for the disks alone. */
  readonly checkpoint: CheckpointNames | null;
  /** The copy of RAM, begun; null where RAM goes through the engine. */
  readonly ram: RamCopy | null;
  /** New layers; the present ones are frozen. */
  readonly layers: readonly NewLayer[];
  /** Makes the layers, and whatever must be there before the guest stands still, while RAM is copied for the first time. */
  readonly makeLayers?: () => Promise<void>;
  /** Freezes the guest's file systems, as late as possible; disposing thaws them. */
  readonly freeze?: () => Promise<AsyncDisposable>;
  /** Copies RAM only while the guest stands still: ready sooner, at the price of a longer pause. */
  readonly once?: boolean;
  /** The guest stays as it is afterwards, as for a suspend. */
  readonly stayStopped?: boolean;
}

export interface Captured {
  /** Not written yet: the guest does not wait for a slow disk. */
  readonly record: CheckpointRecord | null;
  /** Milliseconds that the guest stood still; null when it did before. */
  readonly stoppedMs: number | null;
}

async function prepareState(
  machine: Running,
  checkpoint: CheckpointNames,
  withRam: boolean,
  progress: Progress,
): Promise<StateSave> {
  const stage = 'Writing memory through the engine';
  if (withRam) {
    progress.report({ stage: `${stage}; this takes longer, since no file holds the RAM` });
  }
  return await prepareSave(machine.engine, {
    file: checkpoint.state,
    socket: `${machine.run.directory}/state`,
    withRam,
    signal: progress.signal,
    onBytes: (done) => {
      if (withRam) progress.report({ stage, done, unit: 'bytes' });
    },
  });
}

/** The memory of a guest, which stands still or is stopped by it. */
async function saveMemory(state: StateSave, copy: RamCopy | null, progress: Progress): Promise<SavedMemory> {
  // RAM is what it is while devices are saved: QEMU's own migration sends the last of it before them too.
  const [stateBytes, ram] = await allDone([
    state.run(),
    copy?.copy(progress) ?? Promise.resolve({ kind: 'stream' } as const),
  ]);
  return { ram, stateBytes };
}

interface SavedMemory {
  readonly ram: SavedRam;
  readonly stateBytes: number;
}

/**
 * Takes what a checkpoint is made of at one instant: memory, devices, disks. On failure the guest goes on as before.
 * @throws KameError ENGINE_* with QEMU's reason, DISK_FULL, FILE_ACCESS, CANCELLED
 */
export async function capture(
  host: Host,
  machine: Running,
  options: CaptureOptions,
  progress: Progress,
): Promise<Captured> {
  try {
    return await captureNow(host, machine, options, progress);
  } catch (error) {
    // Whatever was missed first, such as its RAM file: that the engine has ended is why.
    throw (await machine.engine.isAlive()) ? error : await machine.engine.closed;
  }
}

async function captureNow(
  host: Host,
  machine: Running,
  options: CaptureOptions,
  progress: Progress,
): Promise<Captured> {
  const { checkpoint, layers, ram } = options;
  await allDone([options.once ? ram?.ready() : ram?.prefill(progress.signal), options.makeLayers?.()]);
  using state = checkpoint ? await prepareState(machine, checkpoint, ram === null, progress) : null;
  await using _frozen = await options.freeze?.();
  await openLayers(machine.engine, layers, hostOs());
  return await takeInstant(host, machine, options, state, progress);
}

async function takeInstant(
  host: Host,
  machine: Running,
  { checkpoint, layers, ram, stayStopped }: CaptureOptions,
  state: StateSave | null,
  progress: Progress,
): Promise<Captured> {
  const { engine } = machine;
  const wasRunning = (await engine.status()) === 'running';
  let begun: number | undefined;
  let pushed = false;
  using _stops = engine.qmp.on('STOP', () => (begun ??= performance.now()));
  try {
    const push = await preparePush(engine, layers);
    // With RAM in the stream the guest runs until nearly all of it is sent.
    if (wasRunning && (ram || !checkpoint)) {
      begun = performance.now();
      await engine.pause();
    }
    const memory = state && (await saveMemory(state, ram, progress));
    // Nothing can be cancelled from here on: the disks have their new layers, and the state is complete.
    await push();
    pushed = true;
    if (wasRunning && !stayStopped) await engine.resume();
    const stoppedMs = wasRunning && begun !== undefined ? performance.now() - begun : null;
    const record = memory && recordOf(machine, memory, wasRunning);
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
  }
}

function recordOf(machine: Running, { ram, stateBytes }: SavedMemory, wasRunning: boolean): CheckpointRecord {
  return {
    format: 1,
    engine: machine.record.fingerprint,
    ram,
    stateBytes,
    wasRunning,
    takenAt: new Date().toISOString(),
  };
}
