import type { Disk } from '../format/disk.ts';
import { openDiskInFile } from '../format/disk-in-file.ts';
import { badImage } from '../format/image-file.ts';
import { maxVirtualSize } from '../format/limits.ts';
import {
  piecesOf,
  rangeBytes,
  readRanges,
  type RangeFile,
  type StoredRange,
} from '../format/stored-ranges.ts';
import { UsedUnits } from '../format/used-units.ts';
import { noGuid } from './guid.ts';
import { ReplayedFile } from './replayed-file.ts';
import { readVhdxHeader } from './vhdx-header.ts';
import { readReplay } from './vhdx-log.ts';
import { readMetadata, type VhdxMetadata } from './vhdx-metadata.ts';
import { readRegions, takeRegion, unitBytes, type VhdxRegion } from './vhdx-regions.ts';

/** The largest disk with its tables. One bit is kept for each megabyte of a file. */
const maxFileBytes = maxVirtualSize * 1.25;
/** Entries of the block allocation table that are read at once. */
const tablePart = 8192;
const entryBytes = 8;

/** What an entry of the block allocation table says about a block: [MS-VHDX] 2.5.1.1. */
const blockState = { none: 0, undefined: 1, zero: 2, unmapped: 3, full: 6 } as const;
const zeroStates: ReadonlySet<number> = new Set([
  blockState.none,
  blockState.undefined,
  blockState.zero,
  blockState.unmapped,
]);

/** A VHDX whose headers and metadata have been read. */
export interface OpenVhdx extends VhdxMetadata {
  /** As it is with the changes of its log. */
  readonly file: RangeFile;
  /** The block allocation table. */
  readonly table: VhdxRegion;
  /** The megabytes of the file in which something else than data is. */
  readonly used: UsedUnits;
}

/** Entries up to that of the last block. After as many blocks as a sector bitmap is for, there is an entry for that. */
function tableLayout({ diskBytes, blockBytes, sectorBytes }: VhdxMetadata) {
  const perBitmap = (2 ** 23 * sectorBytes) / blockBytes;
  const blockCount = Math.ceil(diskBytes / blockBytes);
  return { perBitmap, entryCount: blockCount + Math.floor((blockCount - 1) / perBitmap) };
}

/**
 * Reads all of a VHDX but its data, and replays its log in memory if it was not closed in order.
 * @throws KameError BAD_IMAGE naming what is invalid or unsupported, FILE_ACCESS
 */
export async function readVhdx(image: RangeFile): Promise<OpenVhdx> {
  const { path } = image;
  if (image.size > maxFileBytes) throw badImage(path, `has ${image.size} bytes, more than any VHDX`);
  const header = await readVhdxHeader(image);
  const { logAt: at, logBytes: length } = header;
  const isClosed = header.logGuid === noGuid;
  const file = isClosed ? image : new ReplayedFile(image, await readReplay(image, header, maxFileBytes));
  const used = UsedUnits.of(Math.ceil(file.size / unitBytes));
  takeRegion(path, used, 'its header', { at: 0n, length: unitBytes });
  if (length > 0) takeRegion(path, used, 'its log', { at, length });
  const { blocks: table, metadata } = await readRegions(file, used);
  const facts = await readMetadata(file, metadata);
  if (tableLayout(facts).entryCount * entryBytes > table.length)
    throw badImage(path, 'is damaged: its block allocation table is too small for its disk');
  return { ...facts, file, table, used };
}

/** Where a block is in the file; undefined if it is zeros. Takes its place. @throws KameError BAD_IMAGE */
function placeOf({ file, blockBytes }: OpenVhdx, used: UsedUnits, index: number, entry: bigint) {
  const state = Number(entry & 7n);
  if (zeroStates.has(state)) return undefined;
  if (state !== blockState.full)
    throw badImage(file.path, `is damaged: the state of its block ${index} is ${state}`);
  const at = (entry >> 20n) * BigInt(unitBytes);
  return takeRegion(file.path, used, `its block ${index}`, { at, length: blockBytes }).at;
}

/** Where the data is, in the order of the disk. @throws KameError BAD_IMAGE, FILE_ACCESS */
export async function* vhdxRanges(vhdx: OpenVhdx): AsyncGenerator<StoredRange> {
  const { file, table, blockBytes, diskBytes } = vhdx;
  const { perBitmap, entryCount } = tableLayout(vhdx);
  const used = vhdx.used.copy();
  for (let first = 0; first < entryCount; first += tablePart) {
    const count = Math.min(tablePart, entryCount - first);
    const part = await file.read(table.at + first * entryBytes, count * entryBytes, 'the block table');
    for (let index = first; index < first + count; index += 1) {
      // Only a disk of differences has sector bitmaps; others have the entries for them.
      if (index % (perBitmap + 1) === perBitmap) continue;
      const block = index - Math.floor(index / (perBitmap + 1));
      const at = placeOf(vhdx, used, block, part.readBigUInt64LE((index - first) * entryBytes));
      if (at === undefined) continue;
      const offset = block * blockBytes;
      yield* piecesOf({ offset, at, length: Math.min(blockBytes, diskBytes - offset) });
    }
  }
}

/**
 * Opens a disk of Hyper-V (VHDX) for reading, dynamic or fixed. The caller must dispose of it.
 * @throws KameError NO_SUCH_IMAGE, FILE_ACCESS, BAD_IMAGE naming what is invalid or unsupported
 */
export async function openVhdx(path: string): Promise<Disk> {
  return await openDiskInFile(path, async (file) => {
    const vhdx = await readVhdx(file);
    return {
      size: vhdx.diskBytes,
      blockSize: rangeBytes,
      estimate: Math.min(vhdx.diskBytes, file.allocated),
      blocks: () => readRanges(vhdx.file, vhdxRanges(vhdx)),
    };
  });
}
