import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RemovedDisk } from '../../api/checkpoint.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress, type Progress } from '../../core/progress.ts';
import { type Layer, layersOf, readChain } from '../../disk/chain.ts';
import { isLayerName, stemOf } from '../../disk/layer-name.ts';
import { pullInto } from '../../disk/merge.ts';
import { repairLeaks } from '../../disk/repair.ts';
import type { Disk } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { applyModel } from '../../model/write.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { qemuImg } from '../engine/engine.ts';
import { allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { layerDirectories } from '../layers/chains.ts';
import { isReadBy } from '../layers/layer-graph.ts';
import { isOwnFile } from '../layers/layers.ts';
import { linkedClonesOf } from '../layers/linked-clones.ts';
import {
  changeDisks,
  journaled,
  refuseBases,
  refuseShared,
  emitChange,
  type DiskOperation,
} from './change-disk.ts';
import { chosenDisk } from './chosen-disk.ts';
import { refuseHeld, snapshotsNeeding, type DiskLayers } from './holders.ts';

/** The readable layers of a disk from the top, and whether these are all of them. */
interface Found extends DiskLayers {
  readonly path: string;
  readonly isComplete: boolean;
}

async function find(host: Host, bundle: Bundle, disk: Disk): Promise<Found> {
  const path = resolveIn(bundle.names, disk.fileName);
  const slot = slotName(disk);
  try {
    const inside = await layerDirectories(host, bundle);
    return {
      slot,
      path,
      layers: layersOf(await readChain(path, { inside, tables: false })),
      isComplete: true,
    };
  } catch {
    // A damaged disk can still be removed, but then only its top file is known.
    const alone = { path, format: 'qcow2', virtualSize: 0, allocatedBytes: 0, links: 1 } as const;
    return { slot, path, layers: [{ ...alone, corrupt: true, backingName: null }], isComplete: false };
  }
}

/** The name of a machine that also uses one of the files: another machine, or this one in another slot. */
async function otherOwner(
  host: Host,
  bundle: Bundle,
  slot: string,
  paths: ReadonlySet<string>,
): Promise<string | undefined> {
  for (const other of await allBundles(host)) {
    const same = other.names.vmx === bundle.names.vmx;
    const disks = (other.content?.model.disks ?? []).filter((each) => !same || slotName(each) !== slot);
    if (disks.some(({ fileName }) => paths.has(resolveIn(other.names, fileName)))) return other.name;
  }
  return undefined;
}

function ownPaths(bundle: Bundle, { layers }: Found): string[] {
  return layers.map(({ path }) => path).filter((path) => isOwnFile(bundle.names, path));
}

/** Plans to delete the disk’s own files, with all layers. */
async function planDeletion(host: Host, bundle: Bundle, found: Found): Promise<DiskOperation> {
  const { slot, path } = found;
  const keep = `Use kame disk remove ${bundle.name} ${slot} --keep-file to remove the disk but keep its file`;
  const needing = await snapshotsNeeding(host, bundle, found);
  refuseHeld(bundle, needing, `Cannot delete the file of ${slot}`, `${keep}, or delete the snapshots first.`);
  const own = ownPaths(bundle, found);
  const other = await otherOwner(host, bundle, slot, new Set(own));
  if (other !== undefined) {
    throw new KameError('WRONG_STATE', `Cannot delete ${path}: it is also a disk of ${other}.`, {
      next: `${keep}.`,
      details: { machine: other, path },
    });
  }
  await refuseBases(host, bundle, own, 'delete');
  return { kind: 'disk', files: own.map((each) => basename(each)), kept: null };
}

/** The backing layers that nothing needs any more after the top layer has been completed. */
async function unneededBacking(host: Host, bundle: Bundle, found: Found): Promise<string[]> {
  const backing = { ...found, layers: found.layers.slice(1) };
  const own = ownPaths(bundle, backing);
  const clones = await linkedClonesOf(host, bundle);
  const read = await Promise.all(own.map(async (path) => await isReadBy(clones, path)));
  const needed =
    read.includes(true) ||
    (await snapshotsNeeding(host, bundle, backing)).length > 0 ||
    (await otherOwner(host, bundle, found.slot, new Set(own))) !== undefined;
  return needed ? [] : own.map((path) => basename(path));
}

/** `disk0-kept.qcow2`, or the same with the next free number. */
async function keptName(bundle: Bundle, top: string): Promise<string> {
  const taken = new Set(await readdir(bundle.names.directory));
  const stem = stemOf(top);
  let name = `${stem}-kept.qcow2`;
  for (let number = 2; taken.has(name); number += 1) name = `${stem}-kept-${number}.qcow2`;
  return name;
}

/**
 * Plans to keep the disk’s file. The backing layers belong to snapshots or to the parent of a linked clone and may be deleted
 * with these, so their content is first merged into the file. A file with a layer’s name is renamed, since consolidation
 * deletes unused layers.
 */
async function planKeeping(
  host: Host,
  bundle: Bundle,
  found: Found,
  progress: Progress,
): Promise<DiskOperation> {
  const top = found.layers[0] as Layer;
  const own = isOwnFile(bundle.names, top.path);
  let files: string[] = [];
  if (found.isComplete && own && top.backing) {
    await refuseShared(host, bundle, top, 'merge the backing layers into');
    const program = await qemuImg(host);
    await pullInto({ qemuImg: program, overlay: top.path, onto: null, progress });
    await repairLeaks({ qemuImg: program, path: top.path });
    files = await unneededBacking(host, bundle, found);
  }
  const name = basename(top.path);
  const kept = own && isLayerName(name) ? { from: name, to: await keptName(bundle, top.path) } : null;
  return { kind: 'disk', files, kept };
}

/**
 * Removes a disk from a stopped machine. Its own files, all layers, are deleted, or kept as one file without backing layers.
 * Files outside the machine’s directory are always kept. Of a file that an instant clone shares, only this hard link is
 * deleted.
 * @throws KameError WRONG_STATE unless the machine is stopped, or naming the snapshots or the machine that need the file;
 * INVALID_VALUE, DISK_FULL, BUSY, CANCELLED
 */
export async function removeDisk(
  host: Host,
  reference: string,
  which: string,
  options: { readonly keepFile: boolean },
  progress: Progress = silentProgress(),
): Promise<RemovedDisk> {
  return await changeDisks(host, reference, async (bundle) => {
    const disk = chosenDisk(bundle, which);
    const found = await find(host, bundle, disk);
    const { slot, path } = found;
    const journal = options.keepFile
      ? await planKeeping(host, bundle, found, progress)
      : await planDeletion(host, bundle, found);
    if (progress.signal.aborted) throw new KameError('CANCELLED', `${slot} was not removed.`);
    await journaled(host, bundle, journal, async () => {
      const { document, model } = contentOf(bundle);
      const after = { ...model, disks: model.disks.filter((each) => slotName(each) !== slot) };
      await writeVmx(bundle.names.vmx, applyModel(document, model, after));
    });
    const fileKept =
      options.keepFile || !journal.files.includes(basename(path)) || !isOwnFile(bundle.names, path);
    const now = journal.kept ? join(bundle.names.directory, journal.kept.to) : path;
    const fate = fileKept ? `its file was kept: ${now}` : 'its file was deleted';
    await emitChange(host, bundle, `The disk ${slot} was removed from ${bundle.name}; ${fate}.`);
    return { slot, path: now, fileKept };
  });
}
