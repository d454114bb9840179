import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { hostNameFor } from '../../image/seed/seed.ts';
import type { Layer } from '../../disk/chain.ts';
import { createOverlay } from '../../disk/overlay.ts';
import { createBundle } from '../../store/bundle.ts';
import type { CheckpointRecord } from '../../store/checkpoint.ts';
import { contentOf, writeMachineFile, type MachineFile } from '../../store/machine-file.ts';
import { bundleExtension, machineNames, type CheckpointNames, resolveIn } from '../../store/names.ts';
import { removeOperation, writeOperation } from '../../store/operation.ts';
import { ramFileOf, hasRamPlace } from '../../store/ram-place.ts';
import { syncFiles } from '../../sys/files.ts';
import { linkFile } from '../../sys/link.ts';
import { takeLock } from '../../sys/lock.ts';
import { edit } from '../../vmx/document.ts';
import { capture } from '../checkpoint/capture.ts';
import {
  createLayers,
  currentFiles,
  engineLayers,
  isOwnFile,
  layersOf,
  nameLayers,
  withLayers,
} from '../checkpoint/layers.ts';
import { refuseBlocked } from '../checkpoint/preflight.ts';
import { restore } from '../checkpoint/restore.ts';
import { settle } from '../checkpoint/settle.ts';
import { diskChains } from '../disks.ts';
import type { Host } from '../host.ts';
import type { Begun } from '../launch.ts';
import type { RunningMachine } from '../running.ts';
import { discardClone } from './discard.ts';
import { bringSmallFiles } from './bundle-files.ts';
import { cloneConfig, type CloneConfig } from './clone-spec.ts';
import { inheritParents, writeCloneOf } from './registry.ts';

/** What the clones of one moment start from. */
export interface Template {
  readonly record: CheckpointRecord;
  readonly files: CheckpointNames;
  /** The frozen layers by slot. */
  readonly chains: ReadonlyMap<string, Layer>;
  readonly stoppedMs: number | null;
  /** Resolves when the source's own files say what its engine does already; the clones need not wait for it. */
  readonly recorded: Promise<void>;
}

/** Memory on the memory file system, under the source's key, so that whatever a kill leaves is found. */
function templateNames(host: Host, machine: RunningMachine): CheckpointNames {
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

/**
 * Takes the memory and freezes the disks of a running machine, which goes on at once on new layers.
 * @throws KameError CHECKPOINT_BLOCKED, DISK_FULL, HOST_PROBLEM without room for the memory, ENGINE_*, CANCELLED
 */
export async function takeTemplate(
  host: Host,
  file: MachineFile,
  machine: RunningMachine,
  progress: Progress,
): Promise<Template> {
  await refuseBlocked(file, machine);
  const { document, spec } = contentOf(file);
  if (!(await hasRamPlace(host.names, spec.memoryMiB * 1024 * 1024))) {
    throw new KameError(
      'HOST_PROBLEM',
      `There is no room for the memory of ${file.name} in ${host.names.ram}.`,
      {
        next: 'Stop other machines, or give /dev/shm more room; a snapshot and a linked clone need none of it.',
      },
    );
  }
  const chains = await diskChains(host, file, spec, { tables: false });
  const layers = await nameLayers(file.names, currentFiles(spec));
  const files = templateNames(host, machine);
  await writeOperation(file.names, { kind: 'layer', snapshot: null, layers, paused: false });
  try {
    await createLayers(host, file, layers);
    const options = {
      checkpoint: files,
      ramTarget: files.ram,
      layers: engineLayers(file.names, layers),
      once: true,
    };
    const { record, stoppedMs } = await capture(host, machine, options, progress);
    if (!record) throw new KameError('INTERNAL', 'A checkpoint without its record.');
    const recorded = writeMachineFile(file.names.vmx, withLayers(document, layers)).then(async () => {
      await removeOperation(file.names);
    });
    recorded.catch(() => undefined);
    return { record, files, chains, stoppedMs, recorded };
  } catch (error) {
    await removeTemplate(files);
    await settle(host, file, { failed: true });
    throw error;
  }
}

/** Lets go of the template: running clones keep the memory that they share. */
export async function removeTemplate(files: CheckpointNames): Promise<void> {
  for (const path of [files.state, files.ram, files.record]) await rm(path, { force: true });
}

/** Gives the clone the frozen layers under the same names, and an empty one on top. */
async function bringDisks(
  file: MachineFile,
  template: Template,
  directory: string,
): Promise<Map<string, string>> {
  const tops = new Map<string, string>();
  const linked = new Set<string>();
  for (const [slot, top] of template.chains) {
    for (const layer of layersOf(top)) {
      if (!isOwnFile(file.names, layer.path) || linked.has(layer.path)) continue;
      linked.add(layer.path);
      if (await linkFile(layer.path, join(directory, basename(layer.path)))) continue;
      throw new KameError(
        'FILE_ACCESS',
        `${layer.path} can’t be shared with ${directory}: they are on different file systems.`,
        {
          next: `Move ${file.name} into Kame’s home, or make a full clone.`,
        },
      );
    }
    const own = isOwnFile(file.names, top.path);
    const stem = basename(top.path, '.qcow2').replace(/-\d{6}$/, '');
    const number = Number(/-(\d{6})\.qcow2$/.exec(top.path)?.[1] ?? 0) + 1;
    const name = `${stem}-${String(number).padStart(6, '0')}.qcow2`;
    await createOverlay({
      path: join(directory, name),
      backing: own ? basename(top.path) : top.path,
      backingFormat: top.format,
      virtualSize: top.virtualSize,
      ...unsynced,
    });
    tops.set(slot, name);
  }
  return tops;
}

/** A clone is worth nothing after a power failure until it is handed out; then `keepClone` has synced it. */
const unsynced = { sync: false } as const;

/** Makes sure that a clone outlives a power failure. */
export async function keepClone(clone: MachineFile): Promise<void> {
  const disks = contentOf(clone).spec.disks.map((disk) => resolveIn(clone.names, disk.fileName));
  await syncFiles(clone.names.directory, [clone.names.vmx, ...disks]);
}

interface CloneWork {
  readonly name: string;
  readonly keepIdentity: boolean;
}

/** A file of zeros as long as another: the EFI variables come with the memory, and are written when the clone goes on. */
async function emptyLike(from: string, to: string): Promise<void> {
  const { size } = await stat(from);
  const file = await open(to, 'wx', 0o600);
  try {
    await file.truncate(size);
  } finally {
    await file.close();
  }
}

async function makeBundle(
  host: Host,
  file: MachineFile,
  template: Template,
  { name, keepIdentity }: CloneWork,
): Promise<{ vmx: string; config: CloneConfig }> {
  const { document, spec } = contentOf(file);
  const nvram = `${name}.nvram`;
  const config = cloneConfig(document, spec, { name, keepIdentity, nvram });
  const vmx = join(host.names.machines, `${name}${bundleExtension}`, `${name}.vmx`);
  const identity = keepIdentity ? null : { hostName: hostNameFor(name), macs: config.macs };
  await createBundle(host.names, name, async (directory) => {
    // The bundle is given up as long as this file is there, unless its engine runs.
    const operation = join(directory, basename(machineNames(vmx).operation));
    await writeOperation({ operation }, { kind: 'clone', identity }, unsynced);
    const tops = await bringDisks(file, template, directory);
    const nvramFrom = resolveIn(file.names, spec.firmware.nvram);
    await bringSmallFiles(file, spec, directory);
    if (existsSync(nvramFrom)) await emptyLike(nvramFrom, join(directory, nvram));
    const changes = new Map([...tops].map(([slot, fileName]) => [`${slot}.fileName`, fileName]));
    await writeMachineFile(join(directory, `${name}.vmx`), edit(config.document, changes), unsynced);
    const parents = await inheritParents(file, vmx);
    if (parents.length > 0) await writeCloneOf(join(directory, `${name}.vmsd`), parents, []);
  });
  return { vmx, config };
}

/** Starts one clone from the template. @throws KameError as restore; nothing of the clone stays then */
export async function instantClone(
  host: Host,
  file: MachineFile,
  template: Template,
  work: CloneWork,
  begun: Begun,
  progress: Progress,
): Promise<RunningMachine> {
  const { vmx } = await makeBundle(host, file, template, work);
  await host.inventory.register(vmx);
  const clone = await host.files.read(vmx);
  const { record, files } = template;
  try {
    await takeLock(clone.names.lock, 'kamed', clone.name);
    return await restore(
      host,
      clone,
      {
        saved: { ...record, state: files.state, ramFile: files.ram },
        copyOnWrite: record.ram.kind === 'file',
        beforeRun: async () => undefined,
      },
      begun,
      progress,
    );
  } catch (error) {
    await discardClone(host, clone);
    throw error;
  }
}
