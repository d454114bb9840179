import { allDone } from '../../core/all-done.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { closeLayers, openLayers, preparePush, type NewLayer } from '../../qemu/disk-layers.ts';
import { prepareSave, type StateSave } from '../../qemu/migration.ts';
import type { CheckpointRecord, SavedRam } from '../../store/checkpoint.ts';
import type { CheckpointNames } from '../../store/names.ts';
import { hostOs } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { addressesOf } from './saved-addresses.ts';
import type { RamCopy } from './ram-copy.ts';

export interface CaptureOptions {
  /** Where to save the memory; its directory exists. Null to capture only the disks. */
  readonly checkpoint: CheckpointNames | null;
  /** The copy of RAM in progress; null if RAM goes through the engine. */
  readonly ram: RamCopy | null;
  /** New top layers; the current ones become read-only. */
  readonly layers: readonly NewLayer[];
  /** Creates the layers and anything else that must exist before the guest is paused, during the first copy of RAM. */
  readonly makeLayers?: () => Promise<void>;
  /** Freezes the guest's file systems, as late as possible; disposal thaws them. */
  readonly freeze?: () => Promise<AsyncDisposable>;
  /** Copies RAM only while the guest is paused: finishes sooner, but with a longer pause. */
  readonly once?: boolean;
  /** Leaves the guest paused afterwards, as for a suspend. */
  readonly stayStopped?: boolean;
}

export interface Captured {
  /** Not on disk yet, so that the guest does not wait for a slow disk. */
  readonly record: CheckpointRecord | null;
  /** Milliseconds that the guest was paused; null if it was already paused before. */
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
    progress.report({ stage: `${stage}: slower, because the RAM is not in a file` });
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

/** Saves memory and devices of a guest that is paused, or that this pauses. */
async function saveMemory(state: StateSave, copy: RamCopy | null, progress: Progress): Promise<SavedMemory> {
  // Saving devices does not change RAM: QEMU's own migration also sends the last RAM before the devices.
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
 * Captures memory, devices and disks at the same instant. If this fails, the guest continues as before.
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
    // If the engine has ended, that is the cause of any other error, such as a missing RAM file.
    if (await machine.engine.isAlive()) throw error;
    const { code, message } = await machine.engine.closed;
    await machine.ended;
    throw new KameError(code, machine.death ?? message, { cause: error });
  }
}

async function captureNow(
  host: Host,
  machine: Running,
  options: CaptureOptions,
  progress: Progress,
): Promise<Captured> {
  const { checkpoint, layers, ram } = options;
  const engine = machine.engine.for(progress);
  await allDone([options.once ? ram?.ready() : ram?.prefill(progress.signal), options.makeLayers?.()]);
  const addresses = await addressesOf(host, machine.record.networks);
  using state = checkpoint ? await prepareState(machine, checkpoint, ram === null, progress) : null;
  await using _frozen = await options.freeze?.();
  await openLayers(engine, layers, hostOs());
  const { record, stoppedMs } = await captureInstant(host, machine, options, state, progress);
  return { record: record && { ...record, addresses }, stoppedMs };
}

async function captureInstant(
  host: Host,
  machine: Running,
  { checkpoint, layers, ram, stayStopped }: CaptureOptions,
  state: StateSave | null,
  progress: Progress,
): Promise<Captured> {
  const engine = machine.engine.for(progress);
  const wasRunning = (await engine.status()) === 'running';
  let pausedAt: number | undefined;
  let pushed = false;
  using _stops = engine.qmp.on('STOP', () => (pausedAt ??= performance.now()));
  try {
    const push = await preparePush(engine, layers);
    // If RAM is in the stream, QEMU pauses the guest itself when nearly all of it is sent.
    if (wasRunning && (ram || !checkpoint)) {
      pausedAt = performance.now();
      await engine.pause();
    }
    const memory = state && (await saveMemory(state, ram, progress));
    // A cancellation from here on drops the checkpoint; what the guest writes to its new layers is kept.
    // Both are sent at once: if the engine refuses the layers, the guest continues as before all the same.
    const resumes = wasRunning && !stayStopped;
    await allDone([push().then(() => (pushed = true)), resumes ? engine.resume() : undefined]);
    const stoppedMs = wasRunning && pausedAt !== undefined ? performance.now() - pausedAt : null;
    const record = memory && recordOf(machine, memory, wasRunning);
    return { record, stoppedMs };
  } catch (error) {
    await continueAsBefore(host, machine, { unused: pushed ? [] : layers, wasRunning });
    throw error;
  }
}

/** Lets the guest continue after a failure. With an engine that does not answer, `undo` does that later. */
async function continueAsBefore(
  host: Host,
  { engine, name }: Running,
  { unused, wasRunning }: { readonly unused: readonly NewLayer[]; readonly wasRunning: boolean },
): Promise<void> {
  if (!(await engine.answers())) return;
  await closeLayers(engine, unused);
  if (!wasRunning) return;
  await engine
    .resume()
    .catch((reason: unknown) =>
      host.log('Could not resume the guest', { machine: name, reason: messageOf(reason) }),
    );
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
