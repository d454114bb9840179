import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Layer } from '../../disk/chain.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { removeJournal, writeJournal, type LayerChange } from '../../store/journal.ts';
import type { CheckpointNames } from '../../store/names.ts';
import { hasRamPlace, ramFileOf } from '../../store/ram-place.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { settle } from '../host/settle.ts';
import { createLayers, currentFiles, engineLayers, nameLayers, withLayers } from '../layers/layers.ts';
import { capture } from '../memory/capture.ts';
import { refuseBlocked, refuseDeepChains, refuseIndependentDisks } from '../memory/preflight.ts';
import { RamCopy } from '../memory/ram-copy.ts';
import type { SavedState } from '../memory/restore.ts';

/** A machine that is cloned while it runs. */
export interface CloneSource {
  readonly bundle: Bundle;
  /** Its disks' chains by slot, as they are now. */
  readonly chains: ReadonlyMap<string, Layer>;
}

/** What the clones of one moment start from. */
export interface Template {
  readonly saved: SavedState;
  readonly files: CheckpointNames;
  /** The layers that are frozen, by slot. */
  readonly chains: ReadonlyMap<string, Layer>;
  /**
   * Resolves when the memory is saved, the disks are frozen and the source goes on: milliseconds that it stood still.
   * Rejects when that failed; the source is as before then. Engines of clones may start earlier.
   */
  readonly frozen: Promise<number | null>;
  /** Resolves when the source's own files say what its engine does already; the clones need not wait for it. */
  readonly recorded: Promise<void>;
}

/** Memory on the memory file system, under the source's key, so that whatever a kill leaves is found. */
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
  };
}

async function requireRamPlace(host: Host, bundle: Bundle): Promise<void> {
  if (await hasRamPlace(host.names, contentOf(bundle).model.memoryMiB * 1024 * 1024)) return;
  throw new KameError(
    'HOST_PROBLEM',
    `There is no room for the memory of ${bundle.name} in ${host.names.ram}.`,
    {
      next: 'Stop other machines, or give /dev/shm more room; a snapshot and a linked clone need none of it.',
    },
  );
}

/** What will have been saved once the template is frozen. */
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

interface Freeze {
  readonly files: CheckpointNames;
  readonly ram: RamCopy | null;
  readonly chains: ReadonlyMap<string, Layer>;
  readonly layers: readonly LayerChange[];
}

/** Takes memory and disks at one instant. On failure the source is as before. */
async function freeze(
  host: Host,
  bundle: Bundle,
  machine: Running,
  { files, ram: begun, chains, layers }: Freeze,
  progress: Progress,
): Promise<number | null> {
  using ram = begun;
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
    await settle(host, bundle, { failed: true });
    throw error;
  }
}

async function recordFreeze(bundle: Bundle, layers: readonly LayerChange[]): Promise<void> {
  await writeVmx(bundle.names.vmx, withLayers(contentOf(bundle).document, layers));
  await removeJournal(bundle.names);
}

/**
 * Begins to take the memory and to freeze the disks of a running machine, which goes on at once on new layers. Whoever
 * calls this waits for `frozen` and `recorded` to settle, whatever else happens, and then calls `removeTemplate`.
 * @throws KameError CHECKPOINT_BLOCKED, DISK_FULL, HOST_PROBLEM without room for the memory, ENGINE_*; `frozen` also CANCELLED
 */
export async function takeTemplate(
  host: Host,
  { bundle, chains }: CloneSource,
  machine: Running,
  progress: Progress,
): Promise<Template> {
  refuseIndependentDisks(bundle);
  await refuseBlocked(machine);
  await requireRamPlace(host, bundle);
  const { model } = contentOf(bundle);
  refuseDeepChains(bundle, chains);
  const layers = await nameLayers(bundle.names, currentFiles(model));
  const files = templateNames(host, machine);
  await writeJournal(bundle.names, { kind: 'layer', snapshot: null, layers, paused: false });
  try {
    const ram = await RamCopy.begin(host, machine, { path: files.ram });
    const frozen = freeze(host, bundle, machine, { files, ram, chains, layers }, progress);
    const recorded = frozen.then(async () => await recordFreeze(bundle, layers));
    // Whoever waits for one of them later hears of it then.
    recorded.catch(() => undefined);
    return { saved: savedIn(files, machine, ram !== null), files, chains, frozen, recorded };
  } catch (error) {
    await removeTemplate(files);
    await settle(host, bundle, { failed: true });
    throw error;
  }
}

/** Lets go of the template: running clones keep the memory that they share. */
export async function removeTemplate(files: CheckpointNames): Promise<void> {
  for (const path of [files.state, files.ram, files.record]) await rm(path, { force: true });
}
