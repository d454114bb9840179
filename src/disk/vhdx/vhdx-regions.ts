import { badImage } from '../format/image-file.ts';
import type { RangeFile } from '../format/stored-ranges.ts';
import type { UsedUnits } from '../format/used-units.ts';
import { hasChecksum } from './crc32c.ts';
import { guidAt } from './guid.ts';

/** Everything in a VHDX is in whole megabytes of the file. */
export const unitBytes = 1024 * 1024;

/** A region of the file, in bytes. */
export interface VhdxRegion {
  readonly at: number;
  readonly length: number;
}

/** The regions that every VHDX has: [MS-VHDX] 2.2.3. */
export interface VhdxRegions {
  /** The block allocation table. */
  readonly blocks: VhdxRegion;
  readonly metadata: VhdxRegion;
}

const tableBytes = 64 * 1024;
const tablesAt = [192 * 1024, 256 * 1024] as const;
const entryBytes = 32;
const maxEntries = 2047;
const regionGuid = {
  blocks: '2dc27766-f623-4200-9d64-115e9bfd4a08',
  metadata: '8b7ca206-4790-4b9a-b8fe-575f050f886e',
} as const;

async function readTable(file: RangeFile): Promise<Buffer> {
  for (const at of tablesAt) {
    const table = await file.read(at, tableBytes, 'its region table');
    if (table.toString('latin1', 0, 4) === 'regi' && hasChecksum(table, 4)) return table;
  }
  throw badImage(file.path, 'is damaged: the checksums of both of its region tables are wrong');
}

/**
 * Reserves a part of the file in whole megabytes.
 * @throws KameError BAD_IMAGE if it is not, or if another part, or nothing, is there
 */
export function takeRegion(
  path: string,
  used: UsedUnits,
  what: string,
  { at, length }: { readonly at: bigint; readonly length: number },
): VhdxRegion {
  const [unit, count] = [Number(at / BigInt(unitBytes)), length / unitBytes];
  const isAligned = at % BigInt(unitBytes) === 0n && Number.isInteger(count) && count > 0;
  if (!isAligned || !used.take(unit, count)) {
    throw badImage(
      path,
      `is damaged: ${what}, ${length} bytes at byte ${at}, overlaps another part, is beyond its end or not on a megabyte`,
    );
  }
  return { at: Number(at), length };
}

/** @param used is told which parts of the file the regions take. @throws KameError BAD_IMAGE */
export async function readRegions(file: RangeFile, used: UsedUnits): Promise<VhdxRegions> {
  const table = await readTable(file);
  const count = table.readUInt32LE(8);
  if (count > maxEntries) throw badImage(file.path, `is damaged: its region table has ${count} entries`);
  const found = new Map<string, VhdxRegion>();
  for (let entry = 0; entry < count; entry += 1) {
    const at = 16 + entry * entryBytes;
    const guid = guidAt(table, at);
    const isKnown = guid === regionGuid.blocks || guid === regionGuid.metadata;
    if (!isKnown && (table.readUInt32LE(at + 28) & 1) === 1)
      throw badImage(file.path, `needs the region ${guid}, which is unknown`);
    const place = { at: table.readBigUInt64LE(at + 16), length: table.readUInt32LE(at + 24) };
    found.set(guid, takeRegion(file.path, used, `the region ${guid}`, place));
  }
  const blocks = found.get(regionGuid.blocks);
  const metadata = found.get(regionGuid.metadata);
  if (blocks && metadata) return { blocks, metadata };
  throw badImage(file.path, 'is damaged: it lacks its block allocation table or its metadata');
}
