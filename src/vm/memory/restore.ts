import { pause } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Layer } from '../../disk/chain.ts';
import { attachBeneath } from '../../qemu/disk-layers.ts';
import type { Engine } from '../../qemu/engine.ts';
import { loadState } from '../../qemu/migration.ts';
import type { RamFile } from '../../qemu/plan/types.ts';
import type { Bundle } from '../../store/bundle.ts';
import type { Fingerprint, SavedRam } from '../../store/checkpoint.ts';
import { runNames, type RunNames } from '../../store/names.ts';
import { reserveRam } from '../../store/ram-place.ts';
import { writeRunRecord } from '../../store/run-record.ts';
import { copyExtents, extentBytes } from '../../sys/extents.ts';
import { hostOs } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import type { NewClone, Running } from '../host/running.ts';
import {
  fingerprintOf,
  launchEngine,
  prepare,
  trackLaunched,
  type RequestTime,
  type LaunchedEngine,
} from '../running/launch.ts';
import { refuseMismatch } from './fingerprint.ts';

/** A saved memory state, in a checkpoint or on the memory file system. */
export interface SavedState {
  /** Path of the device state. */
  readonly state: string;
  /** Path of the RAM, if it is in a file of its own. */
  readonly ramFile: string;
  readonly ram: SavedRam;
  readonly engine: Fingerprint;
  /** False for a machine that was paused: it stays paused. */
  readonly wasRunning: boolean;
}

export interface RestoreOptions {
  readonly saved: SavedState;
  /**
   * Opens the saved RAM copy-on-write instead of copying it. The machine starts sooner and shares memory with others that
   * do the same, but its own RAM is then not in a file, and its next checkpoint takes longer.
   */
  readonly copyOnWrite?: boolean;
  /** Starts the engine while the state is still being saved. */
  readonly ahead?: {
    /** Resolves when the state is saved. */
    readonly saved: Promise<unknown>;
    /** The disks' chains by slot. Layers below the top ones may be written until then, so they are opened afterwards. */
    readonly chains: ReadonlyMap<string, Layer>;
  };
  readonly newClone?: NewClone;
  /** Called when the state is loaded, before the guest resumes: from then on the saved state is used up. */
  readonly beforeRun: () => Promise<void>;
  /** Called just before the guest resumes: from then on it may have run, even if an error follows. */
  readonly onRun?: () => void;
}

/** The RAM file of the restored machine: a new shared file if there is space, otherwise the saved one, copy-on-write. */
async function ramFor(host: Host, run: RunNames, options: RestoreOptions): Promise<RamFile | undefined> {
  const { ram, ramFile, engine } = options.saved;
  const bytes = engine.memoryMiB * 1024 * 1024;
  const reserved = options.copyOnWrite ? undefined : await reserveRam(host.names, run, bytes);
  if (reserved && 'path' in reserved) return { path: reserved.path, share: true };
  return ram.kind === 'file' ? { path: ramFile, share: false } : undefined;
}

/** Fills a shared RAM file while the engine that will use it starts. */
async function fillRam(target: RamFile | undefined, saved: SavedState, progress: Progress): Promise<void> {
  if (!target?.share || saved.ram.kind !== 'file') return;
  const total = extentBytes(saved.ram.extents);
  await copyExtents(saved.ramFile, target.path, saved.ram.extents, {
    size: saved.ram.size,
    signal: progress.signal,
    onBytes: (done) => progress.report({ stage: 'Reading memory', done, total, unit: 'bytes' }),
  });
}

/** QEMU's messages when it refuses a state and exits. */
const refusal = /load of migration failed|error while loading state|could not be restored/i;
/** Milliseconds to wait for the output of an engine that closes its monitor. */
const lastWordsMs = 2000;

/** Why a state was not loaded: if the engine exits, its last output says so. */
async function reasonOf(engine: Engine, error: KameError): Promise<KameError> {
  if (refusal.test(error.message)) return error;
  return await Promise.race([engine.closed, pause(lastWordsMs).then(() => error)]);
}

async function load(
  launched: LaunchedEngine,
  run: RunNames,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<void> {
  const { saved } = options;
  try {
    await loadState(launched.engine, {
      file: saved.state,
      socket: `${run.directory}/state`,
      withRam: saved.ram.kind === 'stream',
      announces: options.newClone === undefined,
      signal,
    });
  } catch (error) {
    if (!(error instanceof KameError) || error.code !== 'ENGINE_FAILED') throw error;
    const reason = await reasonOf(launched.engine, error);
    // The end of an engine for any other reason, such as a kill, says nothing about the state.
    if (!refusal.test(reason.message)) throw reason;
    throw new KameError('CHECKPOINT_MISMATCH', `QEMU refused the saved state: ${reason.message}`, {
      cause: error,
      ...(options.ahead
        ? { next: 'The source is still running. A linked clone of a snapshot needs no memory state.' }
        : {}),
    });
  }
}

/**
 * Starts a machine from a saved memory state. The caller holds its lock and cleans up when this throws. The saved state can
 * be used again until `beforeRun` returns.
 * @throws KameError CHECKPOINT_MISMATCH naming what differs, BAD_IMAGE, ENGINE_*, CANCELLED, DISK_FULL
 */
export async function restore(
  host: Host,
  bundle: Bundle,
  options: RestoreOptions,
  requested: RequestTime,
  progress: Progress,
): Promise<Running> {
  const { saved, ahead } = options;
  const run = runNames(host.names, bundle.names.vmx);
  const ram = await ramFor(host, run, options);
  const prepared = await prepare(host, bundle, progress, {
    restore: true,
    ram: ram ?? null,
    ...(ahead ? { topsOf: ahead.chains } : {}),
  });
  refuseMismatch(bundle.name, saved.engine, fingerprintOf(prepared));
  const filling = fillRam(ram, saved, progress);
  // Awaited below; until then a failure must not count as an unhandled rejection.
  filling.catch(() => undefined);
  const launched = await launchEngine(host, bundle, prepared, requested, progress);
  try {
    await filling;
    await ahead?.saved;
    const engine = launched.engine.for(progress);
    if (ahead) await attachBeneath(engine, prepared.disks, hostOs());
    await load(launched, run, options, progress.signal);
    for (const step of prepared.plan.afterLoad) await engine.qmp.execute(step.execute, step.arguments);
    // A daemon that adopts the engine after a kill must not resume a guest that was paused.
    if (!saved.wasRunning) await writeRunRecord(run, { ...launched.record, restored: 'loading paused' });
    await options.beforeRun();
    const filled = ram?.share && saved.ram.kind === 'file' ? saved.ram.extents : [];
    const record = { ...launched.record, filled, restored: 'yes' as const };
    options.onRun?.();
    if (saved.wasRunning) await launched.engine.resume();
    // Not before: whoever finds the engine after a kill would not know that the guest is to run.
    await writeRunRecord(run, record);
    const state = saved.wasRunning ? 'running' : 'paused';
    return trackLaunched(host, bundle, { ...launched, record }, state, options.newClone);
  } catch (error) {
    const failure = await launched.engine.startFailure(error);
    await launched.engine.kill();
    throw failure;
  }
}
