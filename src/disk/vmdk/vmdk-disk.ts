import { realpath } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { fileError } from '../../sys/files.ts';
import type { Disk, DiskBlock } from '../format/disk.ts';
import { ImageFile, badImage } from '../format/image-file.ts';
import {
  maxDescriptorBytes,
  parseDescriptor,
  sectorBytes,
  type Descriptor,
  type ExtentLine,
} from './descriptor.ts';
import { sparseBlocks } from './sparse-extent.ts';
import { readSparseHeader, type SparseHeader } from './sparse-header.ts';

const flatBlockBytes = 1024 * 1024;

async function* flatBlocks(file: ImageFile, start: number, size: number): AsyncGenerator<DiskBlock> {
  for (let offset = 0; offset < size; offset += flatBlockBytes) {
    const length = Math.min(flatBlockBytes, size - offset);
    yield { offset, data: await file.read(start + offset, length, 'the extent') };
  }
}

async function* shifted(blocks: AsyncGenerator<DiskBlock>, by: number): AsyncGenerator<DiskBlock> {
  for await (const { offset, data } of blocks) yield { offset: offset + by, data };
}

/** Opens an extent beside the descriptor. It must not be a symbolic link, because its name comes from the image. */
async function openExtent(descriptorPath: string, directory: string, name: string): Promise<ImageFile> {
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

  constructor(file: ImageFile, header: SparseHeader, size: number) {
    this.#file = file;
    this.#header = header;
    this.size = size;
    this.blockSize = header.grainBytes;
    this.estimate = Math.min(size, header.compressed ? file.size * 4 : file.size);
  }

  blocks(): AsyncGenerator<DiskBlock> {
    return sparseBlocks(this.#file, this.#header, this.size);
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
    const header = await readSparseHeader(file);
    if (header.capacity < extent.sectors)
      throw badImage(file.path, 'is damaged: it is smaller than its descriptor says');
    yield* sparseBlocks(file, header, size);
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

async function openSparse(file: ImageFile): Promise<Disk> {
  const header = await readSparseHeader(file);
  const length = Math.min(header.descriptorSectors * sectorBytes, maxDescriptorBytes);
  const text = await file.readUpTo(header.descriptorOffset * sectorBytes, length);
  // The parts of a split disk have no descriptor, or an empty one.
  if (header.descriptorOffset === 0 || text.every((byte) => byte === 0)) {
    throw badImage(
      file.path,
      'is one part of a split disk, or has lost its descriptor',
      'Give the path of the descriptor instead: the small .vmdk without -s001.',
    );
  }
  const { extents } = parseDescriptor(file.path, text);
  // The name in its only line may be outdated because the file was renamed, but the extent is always this file.
  const [extent] = extents;
  if (extents.length !== 1 || extent?.kind !== 'sparse' || extent.sectors > header.capacity) {
    throw badImage(file.path, 'is damaged: its descriptor does not fit its header');
  }
  return new SparseDisk(file, header, extent.sectors * sectorBytes);
}

/**
 * Opens a VMDK for reading: a descriptor with extents, or a single sparse file. The caller must dispose of it.
 * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE naming the file and what is invalid or unsupported, FILE_ACCESS
 */
export async function openVmdk(path: string): Promise<Disk> {
  const file = await ImageFile.open(path);
  let handedOver = false;
  try {
    const magic = (await file.readUpTo(0, 4)).toString('latin1');
    if (magic === 'KDMV' || magic === 'COWD') {
      const disk = await openSparse(file);
      handedOver = true;
      return disk;
    }
    if (file.size > maxDescriptorBytes)
      throw badImage(path, `is too long for a VMDK descriptor (${file.size} bytes)`);
    const descriptor = parseDescriptor(path, await file.readUpTo(0, maxDescriptorBytes));
    const directory = dirname(await realpath(path));
    return new ExtentDisk(path, directory, descriptor, await allocatedBytes(path, directory, descriptor));
  } catch (error) {
    throw fileError(error, path);
  } finally {
    if (!handedOver) await file[Symbol.asyncDispose]();
  }
}

/**
 * The extents beside a VMDK descriptor, as absolute paths; empty for any other file, and for a descriptor that cannot be read.
 * Names with another extension are left out: a descriptor may name any file.
 */
export async function extentFiles(path: string): Promise<string[]> {
  try {
    await using file = await ImageFile.open(path, { follow: false });
    if (file.size > maxDescriptorBytes) return [];
    const { extents } = parseDescriptor(path, await file.readUpTo(0, maxDescriptorBytes));
    const names = extents.flatMap(({ file: name }) => (name === undefined ? [] : [name]));
    const own = names.filter((name) => basename(name) === name && extname(name).toLowerCase() === '.vmdk');
    return own.map((name) => join(dirname(path), name));
  } catch {
    return [];
  }
}
