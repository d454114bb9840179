import { open, rm, type FileHandle } from 'node:fs/promises';
import { KameError, errnoOf } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { fileError } from '../sys/files.ts';
import { maxOriginals, maxParts, type MapPart, type OriginalFile } from './disk-map.ts';
import { stampOf } from './file-stamp.ts';
import { ImageFile, badImage } from './format/image-file.ts';
import { cutOf, type Cut } from './map-clusters.ts';
import { mapRoom, partsBytes, writeMapFacts } from './map-facts.ts';
import { writePart } from './map-part.ts';
import { placesOf, type PlacedExtent, type PlacedLayer, type Unplaced } from './vmdk/places.ts';

/** @throws KameError CANCELLED */
function refuseCancelled(path: string, { signal }: Progress): void {
  if (signal.aborted) throw new KameError('CANCELLED', `Reading ${path} was cancelled.`);
}

/** An extent whose runs end when the work is cancelled. */
function cancellable(extent: PlacedExtent, progress: Progress): PlacedExtent {
  const runs = async function* (): ReturnType<PlacedExtent['runs']> {
    for await (const run of extent.runs()) {
      refuseCancelled(extent.path, progress);
      yield run;
    }
  };
  return { ...extent, runs };
}

interface PlannedPart {
  readonly layer: PlacedLayer;
  readonly extent: PlacedExtent;
  readonly cut: Cut;
}

/** How a disk can be used where it is. */
export interface MapPlan {
  /** Size of the disk in the guest, in bytes. */
  readonly size: number;
  readonly layers: readonly PlacedLayer[];
  /** Its files as they were before anything of them was read. */
  readonly originals: readonly OriginalFile[];
  /** None for a disk without any data. */
  readonly parts: readonly PlannedPart[];
}

/** The files of a disk as they are now. @throws KameError FILE_ACCESS */
async function originalsOf(layers: readonly PlacedLayer[]): Promise<OriginalFile[]> {
  const cids = new Map<string, string | null>();
  for (const { extents } of layers) for (const { path } of extents) cids.set(path, null);
  for (const { path, cid } of layers) cids.set(path, cid);
  const found: OriginalFile[] = [];
  for (const [path, cid] of cids) {
    const stamp = await stampOf(path);
    if (!stamp) throw new KameError('FILE_ACCESS', `${path} does not exist.`, { details: { path } });
    found.push({ path, ...stamp, cid });
  }
  return found;
}

/**
 * Plans to use a VMDK where it is, without a copy of its data; or says why that cannot be. Reads all its tables.
 * @throws KameError as openVmdk, and CANCELLED
 */
export async function planMap(path: string, progress: Progress): Promise<MapPlan | Unplaced> {
  const layers = await placesOf(path);
  if ('reason' in layers) return layers;
  const originals = await originalsOf(layers);
  if (originals.length > maxOriginals) return { reason: `${path} consists of ${originals.length} files` };
  const parts: PlannedPart[] = [];
  for (const layer of layers) {
    for (const extent of layer.extents) {
      const cut = await cutOf(layer, cancellable(extent, progress));
      if ('reason' in cut) return cut;
      if (!cut.isEmpty) parts.push({ layer, extent, cut });
    }
  }
  if (parts.length > maxParts)
    return { reason: `${path} has its data in ${parts.length} files, more than ${maxParts}` };
  return { size: layers[0]?.size ?? 0, layers, originals, parts };
}

/** Writes the parts one after the other. */
async function writeParts(map: FileHandle, { parts }: MapPlan, progress: Progress): Promise<MapPart[]> {
  const written: MapPart[] = [];
  let at = 0;
  for (const [done, { layer, extent, cut }] of parts.entries()) {
    const { path } = extent;
    progress.report({ stage: 'Reading the tables of the disk', done, total: parts.length, unit: 'items' });
    await using file = await ImageFile.open(path, { follow: false });
    const { bytes, length } = await writePart({ map, at, file }, layer, cancellable(extent, progress), cut);
    written.push({ at, bytes, path, offset: cut.offset, length });
    at += bytes;
  }
  return written;
}

/**
 * Writes a map of a disk to a new file. It is complete and on the medium, or removed.
 * @throws KameError BAD_IMAGE when the disk changes meanwhile, CANCELLED, DISK_FULL, FILE_ACCESS
 */
export async function writeMap(plan: MapPlan, path: string, progress: Progress): Promise<void> {
  const { size, layers, originals } = plan;
  try {
    const map = await open(path, 'wx+', 0o600);
    try {
      const parts = await writeParts(map, plan, progress);
      const after = await originalsOf(layers);
      const changed = after.find(({ time }, index) => time !== originals[index]?.time);
      if (changed) throw badImage(changed.path, 'was changed while it was being read');
      await map.truncate(partsBytes(parts) + mapRoom);
      await writeMapFacts(map, { size, parts, originals });
      // A whole second, which moveMap can give to its copy: linked clones know the map by its time.
      const now = Math.floor(Date.now() / 1000);
      await map.utimes(now, now);
    } finally {
      await map.close();
    }
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') await rm(path, { force: true });
    throw fileError(error, path);
  }
}
