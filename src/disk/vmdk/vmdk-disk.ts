import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { fileError } from '../../sys/files.ts';
import type { Disk, DiskBlock } from '../format/disk.ts';
import { ImageFile, badImage } from '../format/image-file.ts';
import { isZero } from '../format/zero.ts';
import { sectorBytes, type Descriptor, type ExtentLine } from './descriptor.ts';
import { DeltaDisk } from './delta.ts';
import { embeddedDescriptor, isSparseFile, plainDescriptor } from './read-descriptor.ts';
import { isSeSparse, seSparseBlocks } from './se-sparse.ts';
import { sparseBlocks } from './sparse-extent.ts';
import { readSparseHeader, type SparseHeader } from './sparse-header.ts';

const flatBlockBytes = 1024 * 1024;
const zeros = Buffer.alloc(flatBlockBytes);

async function* flatBlocks(file: ImageFile, start: number, size: number): AsyncGenerator<DiskBlock> {
  let memory = Buffer.alloc(0);
  for (let offset = 0; offset < size; offset += flatBlockBytes) {
    const length = Math.min(flatBlockBytes, size - offset);
    if (memory.length !== length) memory = Buffer.allocUnsafe(length);
    await file.readAll(memory, start + offset, 'the extent');
    // Most of a flat disk are holes, which need no memory of their own.
    if (isZero(memory)) yield { offset, data: zeros.subarray(0, length) };
    else {
      yield { offset, data: memory };
      // The reader may still have it.
      memory = Buffer.alloc(0);
    }
  }
}

async function* shifted(blocks: AsyncGenerator<DiskBlock>, by: number): AsyncGenerator<DiskBlock> {
  for await (const { offset, data } of blocks) yield { offset: offset + by, data };
}

/**
 * Opens an extent beside the descriptor. It must not be a symbolic link, because its name comes from the image.
 * @throws KameError BAD_IMAGE, FILE_ACCESS
 */
export async function openExtent(
  descriptorPath: string,
  directory: string,
  name: string,
): Promise<ImageFile> {
  try {
    return await ImageFile.open(join(directory, name), { follow: false });
  } catch (error) {
    if (!(error instanceof KameError) || error.code !== 'NO_SUCH_IMAGE') throw error;
    throw badImage(
      descriptorPath,
      `needs the extent ${JSON.stringify(name)}, which is not in the same directory`,
      'Copy all files of the disk into one directory.',
    );
  }
}

/** A single sparse file that contains its descriptor: monolithicSparse and streamOptimized. */
class SparseDisk implements Disk {
  readonly size: number;
  readonly blockSize: number;
  readonly estimate: number;
  readonly #file: ImageFile;
  readonly #header: SparseHeader;
  readonly #isDelta: boolean;

  constructor(file: ImageFile, header: SparseHeader, size: number, isDelta: boolean) {
    this.#file = file;
    this.#isDelta = isDelta;
    this.#header = header;
    this.size = size;
    this.blockSize = header.grainBytes;
    this.estimate = Math.min(size, header.compressed ? file.size * 4 : file.size);
  }

  blocks(): AsyncGenerator<DiskBlock> {
    return sparseBlocks(this.#file, this.#header, this.size, this.#isDelta);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}

/** A descriptor with extents beside it: split and flat disks. */
class ExtentDisk implements Disk {
  readonly size: number;
  readonly blockSize = flatBlockBytes * 4;
  readonly estimate: number;
  readonly #path: string;
  readonly #directory: string;
  readonly #descriptor: Descriptor;

  constructor(path: string, directory: string, descriptor: Descriptor, estimate: number) {
    this.#path = path;
    this.#directory = directory;
    this.#descriptor = descriptor;
    this.size = descriptor.extents.reduce((sum, { sectors }) => sum + sectors, 0) * sectorBytes;
    this.estimate = Math.min(estimate, this.size);
  }

  async *blocks(): AsyncGenerator<DiskBlock> {
    let base = 0;
    for (const extent of this.#descriptor.extents) {
      yield* shifted(this.#extentBlocks(extent), base);
      base += extent.sectors * sectorBytes;
    }
  }

  async *#extentBlocks(extent: ExtentLine): AsyncGenerator<DiskBlock> {
    if (extent.kind === 'zero' || extent.file === undefined) return;
    const size = extent.sectors * sectorBytes;
    await using file = await openExtent(this.#path, this.#directory, extent.file);
    if (extent.kind === 'flat') {
      yield* flatBlocks(file, extent.offset * sectorBytes, size);
      return;
    }
    const isDelta = this.#descriptor.parent !== undefined;
    if (await isSeSparse(file)) {
      yield* seSparseBlocks(file, size, isDelta);
      return;
    }
    const header = await readSparseHeader(file);
    if (header.capacity < extent.sectors)
      throw badImage(file.path, 'is damaged: it is smaller than its descriptor says');
    yield* sparseBlocks(file, header, size, isDelta);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Extents are opened one at a time while blocks are read; none stays open.
  }
}

/**
 * Bytes that the extents take on the host. Each must exist, and none may be used for more than its size: otherwise a
 * small file could represent any number of terabytes.
 */
async function allocatedBytes(path: string, directory: string, descriptor: Descriptor): Promise<number> {
  const uses = new Map<string, number>();
  for (const { kind, file, sectors } of descriptor.extents) {
    if (file === undefined) continue;
    if (kind === 'sparse' && uses.has(file))
      throw badImage(path, `uses the extent ${JSON.stringify(file)} twice`);
    uses.set(file, (uses.get(file) ?? 0) + (kind === 'flat' ? sectors * sectorBytes : 0));
  }
  let bytes = 0;
  for (const [name, used] of uses) {
    await using file = await openExtent(path, directory, name);
    if (used > file.size) {
      throw badImage(
        file.path,
        `is truncated: it is ${file.size} bytes long, but ${JSON.stringify(path)} needs ${used}`,
      );
    }
    bytes += file.allocated;
  }
  return bytes;
}

/** One file of a chain of deltas, or a whole disk. */
export interface VmdkLayer {
  readonly disk: Disk;
  readonly descriptor: Descriptor;
  /** Of the descriptor, or of the single file that contains it. */
  readonly path: string;
  /** Of its file, without symbolic links. */
  readonly directory: string;
  readonly fileName: string;
  /** Whether it is a single sparse file, which contains its descriptor. */
  readonly isSingle: boolean;
  readonly identity: string;
}

async function openSparse(file: ImageFile): Promise<Pick<VmdkLayer, 'disk' | 'descriptor'>> {
  const header = await readSparseHeader(file);
  const descriptor = await embeddedDescriptor(file, header);
  // The name in its only line may be outdated because the file was renamed, but the extent is always this file.
  const { extents } = descriptor;
  const [extent] = extents;
  if (extents.length !== 1 || extent?.kind !== 'sparse' || extent.sectors > header.capacity) {
    throw badImage(file.path, 'is damaged: its descriptor does not fit its header');
  }
  const size = extent.sectors * sectorBytes;
  return { disk: new SparseDisk(file, header, size, descriptor.parent !== undefined), descriptor };
}

/** @throws KameError as openVmdk */
async function openLayer(path: string, options: { readonly follow: boolean }): Promise<VmdkLayer> {
  const file = await ImageFile.open(path, options);
  let handedOver = false;
  try {
    const real = await realpath(path);
    const directory = dirname(real);
    const place = { path, directory, fileName: basename(real), identity: file.identity };
    if (await isSparseFile(file)) {
      const opened = await openSparse(file);
      handedOver = true;
      return { ...opened, ...place, isSingle: true };
    }
    const descriptor = await plainDescriptor(file);
    const estimate = await allocatedBytes(path, directory, descriptor);
    const disk = new ExtentDisk(path, directory, descriptor, estimate);
    return { disk, descriptor, ...place, isSingle: false };
  } catch (error) {
    throw fileError(error, path);
  } finally {
    if (!handedOver) await file[Symbol.asyncDispose]();
  }
}

/** VMware allows 32 snapshots in a row; others may have made more. */
const maxLayers = 64;

/** @throws KameError BAD_IMAGE unless a layer can be the parent of the last of those above it */
function refuseUnfit(above: readonly VmdkLayer[], { path, descriptor, disk, identity }: VmdkLayer): void {
  const child = above.at(-1);
  if (!child) return;
  if (above.some((layer) => layer.identity === identity))
    throw badImage(child.path, 'is part of a loop: it is a parent of itself');
  if (above.length === maxLayers) throw badImage(child.path, `has more than ${maxLayers} parents`);
  if (child.descriptor.parent?.cid !== descriptor.cid) {
    throw badImage(
      child.path,
      `does not fit its parent ${path}, which has changed since (CID ${descriptor.cid}, not ${child.descriptor.parent?.cid ?? ''})`,
      'Restore the parent from a backup. What the two give together is not a disk that existed.',
    );
  }
  if (disk.size > child.disk.size) throw badImage(child.path, `is smaller than its parent ${path}`);
}

async function openParent({ path, directory, descriptor }: VmdkLayer): Promise<VmdkLayer | undefined> {
  const { parent } = descriptor;
  if (!parent) return undefined;
  try {
    return await openLayer(join(directory, parent.name), { follow: false });
  } catch (error) {
    if (!(error instanceof KameError) || error.code !== 'NO_SUCH_IMAGE') throw error;
    throw badImage(
      path,
      `needs its parent ${JSON.stringify(parent.name)}, which is not in the same directory`,
      'Copy all files of the disk into one directory.',
    );
  }
}

/**
 * Opens a VMDK and the parents of a delta, from the top down. The caller must dispose of their disks.
 * @throws KameError as openVmdk
 */
export async function openLayers(path: string): Promise<VmdkLayer[]> {
  const layers: VmdkLayer[] = [];
  try {
    let layer: VmdkLayer | undefined = await openLayer(path, { follow: true });
    while (layer) {
      const above = [...layers];
      layers.push(layer);
      refuseUnfit(above, layer);
      layer = await openParent(layer);
    }
    return layers;
  } catch (error) {
    for (const { disk } of layers) await disk[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Opens a VMDK for reading: a descriptor with extents, or a single sparse file; with the parents of a delta, each of which must
 * have the content id that its child records. The caller must dispose of it.
 * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE naming the file and what is invalid or unsupported, FILE_ACCESS
 */
export async function openVmdk(path: string): Promise<Disk> {
  const layers = await openLayers(path);
  return layers.map(({ disk }) => disk).reduceRight((parent, delta) => new DeltaDisk(delta, parent));
}
