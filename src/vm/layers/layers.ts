import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { layersOf, type Layer } from '../../disk/chain.ts';
import { layerName, numberOf, stemOf } from '../../disk/layer-name.ts';
import { createOverlay } from '../../disk/overlay.ts';
import type { Disk, MachineModel } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { openFiles, type NewLayer } from '../../qemu/disk-layers.ts';
import type { Engine } from '../../qemu/engine.ts';
import type { LayerChange } from '../../store/journal.ts';
import { isBundle, type HomeNames, type MachineNames, resolveIn } from '../../store/names.ts';
import { edit, type VmxDocument } from '../../vmx/document.ts';

/** The disks that take part in snapshots: independent disks do not, as in VMware. */
export function layeredDisks(model: MachineModel): Disk[] {
  return model.disks.filter(({ mode }) => mode === 'persistent');
}

/** The file of each slot that a new layer is based on. */
export type SlotFiles = ReadonlyMap<string, string>;

export function currentFiles(model: MachineModel): SlotFiles {
  return new Map(layeredDisks(model).map((disk) => [slotName(disk), disk.fileName]));
}

/**
 * Chooses the names of new layers, one for each slot, with the next unused number.
 * @param engine the engine of a running machine: it may have a layer open whose file is gone
 */
export async function nameLayers(
  names: MachineNames,
  files: SlotFiles,
  engine?: Engine,
): Promise<LayerChange[]> {
  const open = engine ? await openFiles(engine) : [];
  const taken = [...(await readdir(names.directory)), ...open.map((path) => basename(path))];
  const highest = new Map<string, number>();
  for (const name of taken) {
    const stem = stemOf(name);
    highest.set(stem, Math.max(highest.get(stem) ?? 0, numberOf(name)));
  }
  return [...files].map(([slot, from]) => {
    const stem = stemOf(from);
    const number = (highest.get(stem) ?? 0) + 1;
    highest.set(stem, number);
    return { slot, from, to: layerName(stem, number) };
  });
}

/** The backing file name for a layer's header: relative within one directory, so that the directory can be moved. */
export function backingNameFor(names: MachineNames, from: string): string {
  const path = resolveIn(names, from);
  return dirname(path) === names.directory ? basename(path) : path;
}

/**
 * The backing file name for a layer of a linked clone on a file of another machine: relative between two bundles of a home,
 * so that the home can be moved, and otherwise absolute.
 * @param directory of the clone
 */
export function parentNameFor(home: Pick<HomeNames, 'machines'>, directory: string, path: string): string {
  const beneath = dirname(path);
  const areInHome = [beneath, directory].every((each) => dirname(each) === home.machines && isBundle(each));
  return areInHome ? join('..', basename(beneath), basename(path)) : path;
}

/**
 * Creates empty layers.
 * @param chains the chain that each slot's layer is based on
 * @throws KameError FILE_ACCESS, DISK_FULL, ALREADY_EXISTS
 */
export async function createLayers(
  names: MachineNames,
  layers: readonly LayerChange[],
  chains: ReadonlyMap<string, Layer>,
): Promise<void> {
  for (const { slot, from, to } of layers) {
    const below = chains.get(slot);
    if (!below) throw new KameError('INTERNAL', `The chain of ${slot} was not read.`);
    await createOverlay({
      path: join(names.directory, to),
      backing: backingNameFor(names, from),
      backingFormat: below.format,
      virtualSize: below.virtualSize,
    });
  }
}

export async function removeLayerFiles(names: MachineNames, layers: readonly LayerChange[]): Promise<void> {
  for (const { to } of layers) await rm(join(names.directory, to), { force: true });
}

/** The document with each slot's disk on its new layer. */
export function withLayers(document: VmxDocument, layers: readonly LayerChange[]): VmxDocument {
  return edit(document, new Map(layers.map(({ slot, to }) => [`${slot}.fileName`, to])));
}

/** Whether the `.vmx` already refers to the new layers. */
export function namesLayers(model: MachineModel, layers: readonly LayerChange[]): boolean {
  const files = currentFiles(model);
  return layers.length > 0 && layers.every(({ slot, to }) => files.get(slot) === to);
}

/** The layers in the engine's terms. QEMU limits node names to 31 characters, including `-file`. */
export function engineLayers(names: MachineNames, layers: readonly LayerChange[]): NewLayer[] {
  return layers.map(({ slot, from, to }) => ({
    from: resolveIn(names, from),
    to: join(names.directory, to),
    node: basename(layerName(slot.replace(':', '-'), numberOf(to)), '.qcow2'),
  }));
}

/** The files of other programs whose content disks show in place. */
export function originalsOf(chains: Iterable<Layer>): string[] {
  const layers = [...chains].flatMap(layersOf);
  return [...new Set(layers.flatMap(({ map }) => (map?.originals ?? []).map(({ path }) => path)))];
}

/** Whether a path is a file in the machine's own directory. */
export function isOwnFile(names: MachineNames, path: string): boolean {
  return isAbsolute(path) && dirname(path) === names.directory;
}
