import { join } from 'node:path';
import { badImage, type ImageFile } from '../format/image-file.ts';
import { sectorBytes, type ExtentLine } from './descriptor.ts';
import { grainBytes as seGrainBytes, isSeSparse, seSparseRuns } from './se-sparse.ts';
import { grains } from './sparse-extent.ts';
import { readSparseHeader } from './sparse-header.ts';
import { openExtent, openLayers, type VmdkLayer } from './vmdk-disk.ts';

/** Where an extent has a part of its disk. */
export interface PlacedRun {
  /** In bytes from the start of the extent, as it appears in the disk. */
  readonly offset: number;
  readonly length: number;
  /** Byte in the file; null for zeros. */
  readonly at: number | null;
}

/** A file with a part of a disk. */
export interface PlacedExtent {
  /** Without symbolic links. */
  readonly path: string;
  /** Where the extent begins in its disk, in bytes. */
  readonly start: number;
  readonly size: number;
  /** The runs begin at multiples of it, and are multiples of it long except at the end. In bytes. */
  readonly unit: number;
  /** The runs in the order of the disk. Can be called again. @throws KameError BAD_IMAGE, FILE_ACCESS */
  readonly runs: () => AsyncGenerator<PlacedRun>;
}

/** A disk, or one of the deltas on it. */
export interface PlacedLayer {
  /** Of the file with the descriptor, without symbolic links in its directory. */
  readonly path: string;
  /** The content id in its descriptor. */
  readonly cid: string;
  readonly size: number;
  readonly extents: readonly PlacedExtent[];
}

/** Why the content of a disk cannot be read where it is. */
export interface Unplaced {
  readonly reason: string;
}

type Open = () => Promise<ImageFile>;

async function* flatRuns({ offset, sectors }: ExtentLine): AsyncGenerator<PlacedRun> {
  yield await Promise.resolve({ offset: 0, length: sectors * sectorBytes, at: offset * sectorBytes });
}

async function* sparseRuns(open: Open, size: number, zeros: boolean): AsyncGenerator<PlacedRun> {
  await using file = await open();
  const header = await readSparseHeader(file);
  const { grainBytes } = header;
  for await (const { index, sector } of grains(file, header, Math.ceil(size / grainBytes), zeros)) {
    const at = sector === 0 ? null : sector * sectorBytes;
    yield { offset: index * grainBytes, length: grainBytes, at };
  }
}

async function* seRuns(open: Open, size: number, zeros: boolean): AsyncGenerator<PlacedRun> {
  await using file = await open();
  for await (const { index, count, sector } of seSparseRuns(file, size)) {
    if (sector === null && !zeros) continue;
    const at = sector === null ? null : sector * sectorBytes;
    yield { offset: index * seGrainBytes, length: count * seGrainBytes, at };
  }
}

/** The runs of an extent, without what is beyond its end. */
async function* within(runs: AsyncGenerator<PlacedRun>, size: number): AsyncGenerator<PlacedRun> {
  for await (const run of runs) yield { ...run, length: Math.min(run.length, size - run.offset) };
}

async function placedExtent(
  layer: VmdkLayer,
  line: ExtentLine & { readonly file: string },
  start: number,
): Promise<PlacedExtent | Unplaced> {
  const { directory, path } = layer;
  const open: Open = async () => await openExtent(path, directory, line.file);
  const size = line.sectors * sectorBytes;
  const zeros = layer.descriptor.parent !== undefined;
  await using file = await open();
  const place = { path: file.path, start, size };
  if (line.kind === 'flat') return { ...place, unit: size, runs: () => flatRuns(line) };
  if (await isSeSparse(file))
    return { ...place, unit: seGrainBytes, runs: () => within(seRuns(open, size, zeros), size) };
  const header = await readSparseHeader(file);
  if (header.compressed) return { reason: `${file.path} is compressed (${layer.descriptor.createType})` };
  if (header.capacity < line.sectors)
    throw badImage(file.path, 'is damaged: it is smaller than its descriptor says');
  return { ...place, unit: header.grainBytes, runs: () => within(sparseRuns(open, size, zeros), size) };
}

async function placedLayer(layer: VmdkLayer): Promise<PlacedLayer | Unplaced> {
  const { descriptor, disk, directory, fileName } = layer;
  const extents: PlacedExtent[] = [];
  let start = 0;
  for (const line of descriptor.extents) {
    // The name in the descriptor of a single file may be outdated.
    const file = layer.isSingle ? fileName : line.file;
    if (line.kind !== 'zero' && file !== undefined) {
      const extent = await placedExtent(layer, { ...line, file }, start);
      if ('reason' in extent) return extent;
      extents.push(extent);
    }
    start += line.sectors * sectorBytes;
  }
  return { path: join(directory, fileName), cid: descriptor.cid, size: disk.size, extents };
}

/**
 * Where the files of a VMDK have its content, from the top layer down; or why that cannot be told, as for one that is compressed.
 * @throws KameError as openVmdk
 */
export async function placesOf(path: string): Promise<readonly PlacedLayer[] | Unplaced> {
  const layers = await openLayers(path);
  try {
    const placed: PlacedLayer[] = [];
    for (const layer of layers) {
      const found = await placedLayer(layer);
      if ('reason' in found) return found;
      placed.push(found);
    }
    return placed;
  } finally {
    for (const { disk } of layers) await disk[Symbol.asyncDispose]();
  }
}
