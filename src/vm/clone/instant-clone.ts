import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Layer, layersOf } from '../../disk/chain.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { hostNameFor } from '../../image/seed/seed.ts';
import { createOverlay } from '../../disk/overlay.ts';
import { createBundle } from '../../store/bundle-directory.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { bundleExtension, machineNames, resolveIn } from '../../store/names.ts';
import { writeJournal } from '../../store/journal.ts';
import { makeHole } from '../../sys/extents.ts';
import { syncFiles } from '../../sys/files.ts';
import { linkFile } from '../../sys/link.ts';
import { takeLock } from '../../sys/lock.ts';
import { edit } from '../../vmx/document.ts';
import { isOwnFile } from '../layers/layers.ts';
import { restore } from '../memory/restore.ts';
import type { Host } from '../host/host.ts';
import type { Begun } from '../running/launch.ts';
import type { Running } from '../host/running.ts';
import { discardClone } from './discard.ts';
import { bringSmallFiles } from './bundle-files.ts';
import { cloneConfig } from './clone-model.ts';
import { inheritParents, writeCloneOf } from '../layers/linked-clones.ts';
import type { Template } from './template.ts';

/** Shares the layers that are to be frozen with the clone's directory, under the same names. */
async function shareLayers(
  bundle: Bundle,
  chains: ReadonlyMap<string, Layer>,
  directory: string,
): Promise<void> {
  const own = [...chains.values()].flatMap(layersOf).filter(({ path }) => isOwnFile(bundle.names, path));
  for (const path of new Set(own.map((layer) => layer.path))) {
    if (await linkFile(path, join(directory, basename(path)))) continue;
    throw new KameError(
      'FILE_ACCESS',
      `${path} can’t be shared with ${directory}: they are on different file systems.`,
      { next: `Move ${bundle.name} into Kame’s home, or make a full clone.` },
    );
  }
}

/** A chain as the clone sees it: what lies in the source's directory lies in its own. */
function movedChain(bundle: Bundle, layer: Layer, directory: string): Layer {
  const { path, backing } = layer;
  return {
    ...layer,
    path: isOwnFile(bundle.names, path) ? join(directory, basename(path)) : path,
    ...(backing ? { backing: movedChain(bundle, backing, directory) } : {}),
  };
}

/** The clone's own top layer over a chain: the next number. */
function topOver(below: Layer, directory: string): Layer {
  const stem = basename(below.path, '.qcow2').replace(/-\d{6}$/, '');
  const number = Number(/-(\d{6})\.qcow2$/.exec(below.path)?.[1] ?? 0) + 1;
  return {
    path: join(directory, `${stem}-${String(number).padStart(6, '0')}.qcow2`),
    format: 'qcow2',
    virtualSize: below.virtualSize,
    allocatedBytes: 0,
    links: 1,
    corrupt: false,
    backingName: dirname(below.path) === directory ? basename(below.path) : below.path,
    backing: below,
  };
}

/** The clone's disks by slot: what is to be frozen, under an empty layer of its own. */
function disksOf(bundle: Bundle, chains: ReadonlyMap<string, Layer>, directory: string): Map<string, Layer> {
  return new Map(
    [...chains].map(([slot, chain]) => [slot, topOver(movedChain(bundle, chain, directory), directory)]),
  );
}

async function makeTops(disks: ReadonlyMap<string, Layer>, directory: string): Promise<void> {
  for (const { path, virtualSize, backing, backingName } of disks.values()) {
    await createOverlay({
      path: join(directory, basename(path)),
      backing: backingName ?? '',
      backingFormat: backing?.format ?? 'raw',
      virtualSize,
      ...unsynced,
    });
  }
}

/** A clone is worth nothing after a power failure until it is handed out; then `keepClone` has synced it. */
const unsynced = { sync: false } as const;

/** Makes sure that a clone outlives a power failure. */
export async function keepClone(clone: Bundle): Promise<void> {
  const disks = contentOf(clone).model.disks.map((disk) => resolveIn(clone.names, disk.fileName));
  await syncFiles(clone.names.directory, [clone.names.vmx, ...disks]);
}

interface CloneWork {
  readonly name: string;
  readonly keepIdentity: boolean;
}

interface MadeBundle {
  readonly vmx: string;
  readonly disks: ReadonlyMap<string, Layer>;
}

async function makeBundle(
  host: Host,
  bundle: Bundle,
  { chains }: Template,
  { name, keepIdentity }: CloneWork,
): Promise<MadeBundle> {
  const { document, model } = contentOf(bundle);
  const nvram = `${name}.nvram`;
  const config = cloneConfig(document, model, { name, keepIdentity, nvram });
  const vmx = join(host.names.machines, `${name}${bundleExtension}`, `${name}.vmx`);
  const disks = disksOf(bundle, chains, dirname(vmx));
  const identity = keepIdentity ? null : { hostName: hostNameFor(name), macs: config.macs };
  await createBundle(host.names, name, async (directory) => {
    // The bundle is given up as long as this file is there, unless its engine runs.
    const operation = join(directory, basename(machineNames(vmx).journal));
    await writeJournal({ journal: operation }, { kind: 'clone', identity }, unsynced);
    await shareLayers(bundle, chains, directory);
    await makeTops(disks, directory);
    const nvramFrom = resolveIn(bundle.names, model.firmware.nvram);
    await bringSmallFiles(bundle, model, directory);
    // The EFI variables come with the memory, and are written when the clone goes on.
    if (existsSync(nvramFrom)) await makeHole(join(directory, nvram), (await stat(nvramFrom)).size);
    const changes = new Map([...disks].map(([slot, { path }]) => [`${slot}.fileName`, basename(path)]));
    await writeVmx(join(directory, `${name}.vmx`), edit(config.document, changes), unsynced);
    const parents = await inheritParents(bundle, vmx);
    if (parents.length > 0) await writeCloneOf(join(directory, `${name}.vmsd`), parents, []);
  });
  return { vmx, disks };
}

/**
 * Starts one clone from the template, as far as that goes before it is frozen, and then the rest.
 * @throws KameError as restore; nothing of the clone stays then
 */
export async function instantClone(
  host: Host,
  bundle: Bundle,
  template: Template,
  work: CloneWork,
  begun: Begun,
  progress: Progress,
): Promise<Running> {
  const { vmx, disks } = await makeBundle(host, bundle, template, work);
  await host.inventory.register(vmx);
  const clone = await host.bundles.read(vmx);
  const { saved, frozen } = template;
  try {
    await takeLock(clone.names.lock, 'kamed', clone.name);
    const options = {
      saved,
      copyOnWrite: saved.ram.kind === 'file',
      ahead: { saved: frozen, chains: disks },
      beforeRun: () => Promise.resolve(),
    };
    return await restore(host, clone, options, begun, progress);
  } catch (error) {
    await discardClone(host, clone);
    throw error;
  }
}
