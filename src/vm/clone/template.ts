import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Layer } from '../../disk/chain.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { removeJournal, writeJournal, type LayerChange } from '../../store/journal.ts';
import type { CheckpointNames } from '../../store/names.ts';
import { noRamPlace, ramFileOf, ramRoom } from '../../store/ram-place.ts';
import type { Host } from '../host/host.ts';
import { requireAnswer } from '../host/living-engine.ts';
import type { Running } from '../host/running.ts';
import { undo } from '../host/undo.ts';
import { createLayers, currentFiles, engineLayers, nameLayers, withLayers } from '../layers/layers.ts';
import { capture } from '../memory/capture.ts';
import { refuseBlocked, refuseDeepChains, refuseIndependentDisks } from '../memory/preflight.ts';
import { RamCopy } from '../memory/ram-copy.ts';
import type { SavedState } from '../memory/restore.ts';

/** A running machine to clone. */
export interface CloneSource {
  readonly bundle: Bundle;
  /** The current chains of its disks by slot. */
  readonly chains: ReadonlyMap<string, Layer>;
}

/** The state that instant clones start from. */
export interface Template {
  readonly saved: SavedState;
  readonly files: CheckpointNames;
  /** The chains that become read-only, by slot. */
  readonly chains: ReadonlyMap<string, Layer>;
  /**
   * Resolves when memory and disks are captured and the source runs again, with the milliseconds that it was paused.
   * Rejects when that failed; the source then continues as before. The engines of clones may start earlier.
   */
  readonly captured: Promise<number | null>;
  /** Resolves when the source's `.vmx` refers to its new layers; clones need not wait for that. */
  readonly recorded: Promise<void>;
}

/** Paths on the memory file system that contain the source's key, so that files left by a kill are found. */
function templateNames(host: Host, machine: Running): CheckpointNames {
  const id = `clone-${randomBytes(4).toString('hex')}`;
  const path = (what: string) => ramFileOf(host.names, machine.run, `${id}.${what}`);
  return {
    id,
    directory: host.names.ram,
    state: path('state'),
    ram: path('memory'),
    record: path('json'),
    config: path('vmx'),
    nvram: path('nvram'),
    screen: path('png'),
  };
}

async function requireRamPlace(host: Host, bundle: Bundle): Promise<void> {
  const bytes = contentOf(bundle).model.memoryMiB * 1024 * 1024;
  const room = await ramRoom(host.names);
  if (room.bytes >= bytes) return;
  const words = `Cannot clone ${bundle.name} while it is running: ${noRamPlace(room, bytes)}.`;
  throw new KameError('HOST_PROBLEM', words, {
    next: 'Stop other machines, or enlarge /dev/shm; a snapshot or a linked clone does not need it.',
  });
}

/** The state that will be saved once the template is captured. */
function savedIn({ state, ram }: CheckpointNames, machine: Running, inFile: boolean): SavedState {
  const { fingerprint } = machine.record;
  const size = fingerprint.memoryMiB * 1024 * 1024;
  return {
    state,
    ramFile: ram,
    ram: inFile ? { kind: 'file', size, extents: [[0, size]] } : { kind: 'stream' },
    engine: fingerprint,
    wasRunning: true,
  };
}

interface TemplateCapture {
  readonly files: CheckpointNames;
  readonly ram: RamCopy | null;
  readonly chains: ReadonlyMap<string, Layer>;
  readonly layers: readonly LayerChange[];
}

/** Captures memory and disks at the same instant. If this fails, the source continues as before. */
async function captureTemplate(
  host: Host,
  bundle: Bundle,
  machine: Running,
  { files, ram: ownedRam, chains, layers }: TemplateCapture,
  progress: Progress,
): Promise<number | null> {
  using ram = ownedRam;
  try {
    const options = {
      checkpoint: files,
      ram,
      layers: engineLayers(bundle.names, layers),
      once: true,
      makeLayers: async () => await createLayers(bundle.names, layers, chains),
    };
    return (await capture(host, machine, options, progress)).stoppedMs;
  } catch (error) {
    throw await undo(host, bundle, error);
  }
}

async function recordLayers(host: Host, bundle: Bundle, layers: readonly LayerChange[]): Promise<void> {
  await writeVmx(bundle.names.vmx, withLayers(contentOf(bundle).document, layers));
  await removeJournal(host.names, bundle.names);
}

/**
 * Starts to capture memory and disks of a running machine, which then continues on new layers. In any case, the caller waits
 * for `captured` and `recorded` to settle, and then calls `removeTemplate`.
 * @throws KameError CHECKPOINT_BLOCKED, DISK_FULL, HOST_PROBLEM without space for the memory, ENGINE_*; `captured` also
 * rejects with CANCELLED
 */
export async function takeTemplate(
  host: Host,
  { bundle, chains }: CloneSource,
  machine: Running,
  progress: Progress,
): Promise<Template> {
  refuseIndependentDisks(bundle);
  await requireAnswer(machine, progress);
  await refuseBlocked(machine, progress);
  await requireRamPlace(host, bundle);
  const { model } = contentOf(bundle);
  refuseDeepChains(bundle, chains);
  const layers = await nameLayers(bundle.names, currentFiles(model), machine.engine.for(progress));
  const files = templateNames(host, machine);
  await writeJournal(host.names, bundle.names, { kind: 'layer', snapshot: null, layers, paused: false });
  try {
    const ram = await RamCopy.begin(host, machine, { path: files.ram });
    const captured = captureTemplate(host, bundle, machine, { files, ram, chains, layers }, progress);
    const recorded = captured.then(async () => await recordLayers(host, bundle, layers));
    // The caller awaits both; until then a failure must not count as an unhandled rejection.
    recorded.catch(() => undefined);
    return { saved: savedIn(files, machine, ram !== null), files, chains, captured, recorded };
  } catch (error) {
    await removeTemplate(files);
    throw await undo(host, bundle, error);
  }
}

/** Deletes the files of a template. Running clones keep the memory that they share. */
export async function removeTemplate(files: CheckpointNames): Promise<void> {
  for (const path of [files.state, files.ram, files.record]) await rm(path, { force: true });
}
