import { inOrder } from '../../core/in-order.ts';
import type { DiskBlock } from '../format/disk.ts';
import { badImage, type ImageFile } from '../format/image-file.ts';
import { maxVirtualSize } from '../format/limits.ts';
import { sectorBytes } from './descriptor.ts';

/**
 * The extents of deltas of ESXi 6.5 and newer (SESPARSE): grains of 4 KiB, numbers of 8 bytes, little endian, with places in
 * sectors. Facts: block/vmdk.c in QEMU. Space that the guest has given back is zeros; a journal keeps the tables whole.
 */

const magic = 0xcafe_baben;
const volatileMagic = 0xcafe_cafen;
const version = 0x2_0000_0001n;
const grainSectors = 8;
export const grainBytes = grainSectors * sectorBytes;
const tableSectors = 64;
const tableBytes = tableSectors * sectorBytes;
const grainsPerTable = tableBytes / 8;
/** A directory for 32 TiB. */
const maxDirectoryBytes = 16 * 1024 * 1024;
/** Neighbouring grains are read together, up to so many. */
const maxRun = 256;
const readAhead = 4;
/** With this limit, sectors converted to bytes are still exact in a double. */
const maxSectors = 2n ** 44n;

/** What the upper four bits of an entry of a grain table say. */
const entryKind = { none: 0n, unmapped: 1n, zero: 2n, data: 3n } as const;

interface SeSparseHeader {
  /** In sectors, as all places. */
  readonly capacity: number;
  readonly directoryAt: number;
  readonly directorySectors: number;
  readonly tablesAt: number;
  readonly grainsAt: number;
}

/** Grains that follow each other on the disk, and in the file if they have data. */
export interface Run {
  /** Number of the first grain on the disk. */
  readonly index: number;
  count: number;
  /** Sector of the data; null for zeros. */
  readonly sector: number | null;
}

/** Whether a file is a SESPARSE extent. */
export async function isSeSparse(file: ImageFile): Promise<boolean> {
  const head = await file.readUpTo(0, 8);
  return head.length === 8 && head.readBigUInt64LE(0) === magic;
}

async function readHeader(file: ImageFile): Promise<SeSparseHeader> {
  const { path } = file;
  const head = await file.read(0, sectorBytes, 'its header');
  const field = (at: number, what: string): number => {
    const value = head.readBigUInt64LE(at);
    if (value > maxSectors) throw badImage(path, `is damaged: its ${what} is ${value}`);
    return Number(value);
  };
  const given = [8, 24, 32, 40].map((at) => head.readBigUInt64LE(at));
  const known = [version, BigInt(grainSectors), BigInt(tableSectors), 0n];
  if (known.some((value, at) => given[at] !== value))
    throw badImage(path, `is a SESPARSE extent of a kind that is not supported (${given.join(', ')})`);
  const state = await file.read(
    field(80, 'volatile header') * sectorBytes,
    sectorBytes,
    'its volatile header',
  );
  if (state.readBigUInt64LE(0) !== volatileMagic)
    throw badImage(path, 'is damaged: its volatile header is not where it should be');
  if (state.readBigUInt64LE(24) !== 0n) {
    throw badImage(
      path,
      'was not closed in order: its journal holds changes that are not in its tables yet',
      'Start and shut down the machine once in ESXi, then copy its files again.',
    );
  }
  return {
    capacity: field(16, 'capacity'),
    directoryAt: field(128, 'grain directory offset'),
    directorySectors: field(136, 'grain directory size'),
    tablesAt: field(144, 'grain tables offset'),
    grainsAt: field(192, 'grains offset'),
  };
}

/** The number of a grain in the file: the lower 48 bits of an entry count in 4096, bits 48 to 59 in between. */
function placeOf(entry: bigint): bigint {
  return ((entry & 0x0fff_0000_0000_0000n) >> 48n) | ((entry & 0x0000_ffff_ffff_ffffn) << 12n);
}

/** The sector of a table that the directory names. */
function tableAt(path: string, { tablesAt }: SeSparseHeader, entry: bigint): number {
  if (entry >> 32n !== 0x1000_0000n)
    throw badImage(path, `is damaged: an entry of its grain directory is ${entry}`);
  return tablesAt + Number(entry & 0xffff_ffffn) * tableSectors;
}

/** What an entry of a table says; undefined if the extent does not have the grain. */
function grainAt(path: string, { grainsAt }: SeSparseHeader, entry: bigint): Pick<Run, 'sector'> | undefined {
  if (entry === 0n) return undefined;
  const kind = entry >> 60n;
  if (kind === entryKind.unmapped || kind === entryKind.zero) return { sector: null };
  const place = placeOf(entry);
  if (kind !== entryKind.data || place > maxSectors)
    throw badImage(path, `is damaged: an entry of a grain table is ${entry}`);
  return { sector: grainsAt + Number(place) * grainSectors };
}

/** Whether the grain continues the run. */
function continues({ index, count, sector }: Run, next: Pick<Run, 'index' | 'sector'>): boolean {
  if (next.index !== index + count || count === maxRun) return false;
  return sector === null ? next.sector === null : next.sector === sector + count * grainSectors;
}

/** The runs of a table. @param base number of its first grain @param count of grains before the end of the disk */
function runsIn(path: string, header: SeSparseHeader, table: Buffer, base: number, count: number): Run[] {
  const found: Run[] = [];
  for (let at = 0; at < count; at += 1) {
    const grain = grainAt(path, header, table.readBigUInt64LE(at * 8));
    if (!grain) continue;
    const next = { index: base + at, ...grain };
    const last = found.at(-1);
    if (last && continues(last, next)) last.count += 1;
    else found.push({ ...next, count: 1 });
  }
  return found;
}

/** The grains of the extent that are below `limit`, in runs, in the order of the disk. */
async function* runs(file: ImageFile, header: SeSparseHeader, limit: number): AsyncGenerator<Run, void> {
  const { path } = file;
  const entryCount = Math.ceil(limit / grainsPerTable);
  if (entryCount * 8 > Math.min(maxDirectoryBytes, header.directorySectors * sectorBytes))
    throw badImage(path, `is damaged: its grain directory needs ${entryCount} entries`);
  const directory = await file.read(header.directoryAt * sectorBytes, entryCount * 8, 'the grain directory');
  const seen = new Set<number>();
  let room = Math.ceil(file.size / grainBytes);
  for (let number = 0; number < entryCount; number += 1) {
    const entry = directory.readBigUInt64LE(number * 8);
    if (entry === 0n) continue;
    const sector = tableAt(path, header, entry);
    if (seen.has(sector))
      throw badImage(path, `is damaged: the grain table at sector ${sector} is used twice`);
    seen.add(sector);
    const table = await file.read(sector * sectorBytes, tableBytes, 'a grain table');
    const base = number * grainsPerTable;
    const found = runsIn(path, header, table, base, Math.min(grainsPerTable, limit - base));
    for (const run of found) if (run.sector !== null) room -= run.count;
    if (room < 0)
      throw badImage(path, 'is damaged: its grains overlap, or more are listed than fit into the file');
    yield* found;
  }
}

/** The runs in the first `size` bytes of a SESPARSE extent, in the order of the disk. @throws KameError BAD_IMAGE */
export async function* seSparseRuns(file: ImageFile, size: number): AsyncGenerator<Run, void> {
  const header = await readHeader(file);
  if (header.capacity * sectorBytes < size || header.capacity * sectorBytes > maxVirtualSize)
    throw badImage(
      file.path,
      `is damaged: it has ${header.capacity} sectors, and its descriptor says otherwise`,
    );
  yield* runs(file, header, Math.ceil(size / grainBytes));
}

/**
 * The blocks in the first `size` bytes of a SESPARSE extent, relative to its start.
 * @param zeros also the blocks that are said to be zeros, which in a delta hide those of its parent
 * @throws KameError BAD_IMAGE
 */
export async function* seSparseBlocks(
  file: ImageFile,
  size: number,
  zeros: boolean,
): AsyncGenerator<DiskBlock, void> {
  const read = async ({ index, count, sector }: Run): Promise<DiskBlock> => {
    const offset = index * grainBytes;
    const length = Math.min(count * grainBytes, size - offset);
    if (sector === null) return { offset, data: Buffer.alloc(zeros ? length : 0) };
    return { offset, data: await file.read(sector * sectorBytes, length, `grain ${index}`) };
  };
  for await (const block of inOrder(seSparseRuns(file, size), readAhead, read))
    if (block.data.length > 0) yield block;
}
