import { inOrder } from '../../core/in-order.ts';
import type { DiskBlock } from '../format/disk.ts';
import { badImage, type ImageFile } from '../format/image-file.ts';
import { sectorBytes } from './descriptor.ts';
import { inflateGrain, isPackedSize, markerBytes } from './inflate-grain.ts';
import type { SparseHeader } from './sparse-header.ts';

/** Number of grains to read ahead, so that decompression uses more than one core; in a delta one, since there are many deltas. */
const ahead = { disk: 8, delta: 1 } as const;
/** A directory of 128 MiB would map 64 TiB in grains of 4 KiB, but such disks do not occur. */
const maxDirectoryBytes = 16 * 1024 * 1024;

/** A grain that an extent has. */
export interface Grain {
  /** Number of the grain on the disk. */
  readonly index: number;
  /** Sector of its data in the file; 0 for a grain of zeros. */
  readonly sector: number;
}

/**
 * The grains in the order of the disk. Every grain table is read once, and none may be used twice.
 * @param limit the number of the first grain beyond the end of the disk
 * @param zeros also the grains that are said to be zeros
 * @throws KameError BAD_IMAGE
 */
export async function* grains(
  file: ImageFile,
  header: SparseHeader,
  limit: number,
  zeros: boolean,
): AsyncGenerator<Grain> {
  const { grainsPerTable } = header;
  const entryCount = Math.ceil(limit / grainsPerTable);
  if (entryCount * 4 > maxDirectoryBytes)
    throw badImage(file.path, `is damaged: its grain directory has ${entryCount} entries`);
  const directory = await file.read(
    header.directoryOffset * sectorBytes,
    entryCount * 4,
    'the grain directory',
  );
  const seen = new Set<number>();
  // The file cannot hold more distinct grains than this; if there are more, they overlap.
  let room = Math.ceil(file.size / (header.compressed ? sectorBytes : header.grainBytes)) + 1;
  for (let table = 0; table < entryCount; table += 1) {
    const sector = directory.readUInt32LE(table * 4);
    if (sector === 0) continue;
    if (seen.has(sector))
      throw badImage(file.path, `is damaged: the grain table at sector ${sector} is used twice`);
    seen.add(sector);
    const entries = await file.read(sector * sectorBytes, grainsPerTable * 4, 'a grain table');
    const count = Math.min(grainsPerTable, limit - table * grainsPerTable);
    for (let entry = 0; entry < count; entry += 1) {
      const place = entries.readUInt32LE(entry * 4);
      if (place === 0) continue;
      if (place === 1 && header.hasZeroGrains) {
        if (zeros) yield { index: table * grainsPerTable + entry, sector: 0 };
        continue;
      }
      room -= 1;
      if (room < 0)
        throw badImage(
          file.path,
          'is truncated, or its grains overlap: it lists more of them than fit into the file',
        );
      yield { index: table * grainsPerTable + entry, sector: place };
    }
  }
}

async function readPacked(file: ImageFile, header: SparseHeader, grain: Grain): Promise<Buffer> {
  const { path } = file;
  const at = grain.sector * sectorBytes;
  const marker = await file.read(at, markerBytes, `grain ${grain.index}`);
  const place = marker.readBigUInt64LE(0);
  const size = marker.readUInt32LE(8);
  if (place !== BigInt(grain.index) * BigInt(header.grainBytes / sectorBytes)) {
    throw badImage(path, `is damaged: the grain at sector ${grain.sector} belongs to sector ${place}`);
  }
  if (!isPackedSize(size, header.grainBytes)) {
    throw badImage(path, `is damaged: grain ${grain.index} has ${size} compressed bytes`);
  }
  return await file.read(at + markerBytes, size, `grain ${grain.index}`);
}

async function readGrain(
  file: ImageFile,
  header: SparseHeader,
  grain: Grain,
  size: number,
): Promise<DiskBlock> {
  const offset = grain.index * header.grainBytes;
  const wanted = Math.min(header.grainBytes, size - offset);
  if (grain.sector === 0) return { offset, data: Buffer.alloc(wanted) };
  if (!header.compressed) {
    return { offset, data: await file.read(grain.sector * sectorBytes, wanted, `grain ${grain.index}`) };
  }
  const packed = await readPacked(file, header, grain);
  const data = await inflateGrain(packed, header.grainBytes, { path: file.path, index: grain.index });
  if (data.length < wanted)
    throw badImage(file.path, `is damaged: grain ${grain.index} has only ${data.length} bytes`);
  return { offset, data: data.subarray(0, wanted) };
}

/**
 * The blocks in the first `size` bytes of a sparse extent. Offsets are relative to the start of the extent.
 * @param zeros also the blocks that are said to be zeros, which in a delta hide those of its parent
 * @throws KameError BAD_IMAGE
 */
export async function* sparseBlocks(
  file: ImageFile,
  header: SparseHeader,
  size: number,
  zeros = false,
): AsyncGenerator<DiskBlock> {
  const limit = Math.ceil(Math.min(size, header.capacity * sectorBytes) / header.grainBytes);
  const width = zeros ? ahead.delta : ahead.disk;
  const found = grains(file, header, limit, zeros);
  yield* inOrder(found, width, async (grain) => await readGrain(file, header, grain, size));
}
