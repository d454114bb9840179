import type { Disk, DiskBlock } from '../format/disk.ts';
import { openDiskInFile } from '../format/disk-in-file.ts';
import { badImage } from '../format/image-file.ts';
import {
  piecesOf,
  rangeBytes,
  readRanges,
  type RangeFile,
  type StoredRange,
} from '../format/stored-ranges.ts';
import { UsedUnits } from '../format/used-units.ts';
import { readVdiHeader, type VdiHeader } from './vdi-header.ts';

/** Entries of the block map that are read at once. */
const mapPart = 16_384;
/** Entries of the map above this are blocks without data: never written, or given back by the guest. */
const lastStored = 0xffff_fffd;

/** Where the blocks with data are, in the order of the disk. No two may share a place. */
async function* storedRanges(file: RangeFile, header: VdiHeader): AsyncGenerator<StoredRange> {
  const { diskBytes, blockBytes, blockCount, mapAt, dataAt } = header;
  const used = UsedUnits.of(blockCount);
  const needed = Math.ceil(diskBytes / blockBytes);
  for (let first = 0; first < needed; first += mapPart) {
    const count = Math.min(mapPart, needed - first);
    const map = await file.read(mapAt + first * 4, count * 4, 'the block map');
    for (let index = 0; index < count; index += 1) {
      const place = map.readUInt32LE(index * 4);
      if (place > lastStored) continue;
      if (!used.take(place, 1)) {
        throw badImage(
          file.path,
          `is damaged: the block ${first + index} is stored at place ${place}, which is used twice or does not exist`,
        );
      }
      const offset = (first + index) * blockBytes;
      const length = Math.min(blockBytes, diskBytes - offset);
      yield* piecesOf({ offset, at: dataAt + place * blockBytes, length });
    }
  }
}

/** The blocks of a VDI. @throws KameError BAD_IMAGE, FILE_ACCESS */
export function vdiBlocks(file: RangeFile, header: VdiHeader): AsyncGenerator<DiskBlock> {
  return readRanges(file, storedRanges(file, header));
}

/**
 * Opens a disk of VirtualBox (VDI) for reading, dynamic or fixed. The caller must dispose of it.
 * @throws KameError NO_SUCH_IMAGE, FILE_ACCESS, BAD_IMAGE naming what is invalid or unsupported
 */
export async function openVdi(path: string): Promise<Disk> {
  return await openDiskInFile(path, async (file) => {
    const header = await readVdiHeader(file);
    return {
      size: header.diskBytes,
      blockSize: Math.min(header.blockBytes, rangeBytes),
      estimate: Math.min(header.diskBytes, file.allocated),
      blocks: () => vdiBlocks(file, header),
    };
  });
}
