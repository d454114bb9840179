import type { Progress } from '../../core/progress.ts';
import type { Disk } from '../format/disk.ts';
import { sectorBytes } from './descriptor.ts';
import { descriptorText, type VmdkFacts } from './descriptor-text.ts';
import { grainsOf } from './grains.ts';
import {
  descriptorSectors,
  grainBytes,
  grainsPerTable,
  grainSectors,
  headerFlag,
  headerSector,
  inSectors,
  tableBytes,
  tableCount,
  tableEntry,
  tableSectors,
} from './sparse-layout.ts';
import { refuseCancelled, reportWritten, type WrittenDisk } from './written-disk.ts';

/** Writes all bytes at a position of a new file, which has zeros where nothing was written. */
export type WriteAt = (bytes: Buffer, position: number) => Promise<void>;

/** Where things are, in sectors: a copy of the directory and of all tables is before them. */
interface Layout {
  readonly redundantAt: number;
  readonly directoryAt: number;
  readonly directoryBytes: number;
  readonly firstGrain: number;
}

function layoutOf(size: number): Layout {
  const tables = tableCount(size);
  const directoryBytes = inSectors(tables * 4);
  const sectors = directoryBytes / sectorBytes + tables * tableSectors;
  const redundantAt = 1 + descriptorSectors;
  const directoryAt = redundantAt + sectors;
  const firstGrain = Math.ceil((directoryAt + sectors) / grainSectors) * grainSectors;
  return { redundantAt, directoryAt, directoryBytes, firstGrain };
}

/** The sector of a table, in the set whose directory is at a sector. */
function tableAt({ directoryBytes }: Layout, directoryAt: number, table: number): number {
  return directoryAt + directoryBytes / sectorBytes + table * tableSectors;
}

/** Writes a table in both places. */
async function writeTable(writeAt: WriteAt, layout: Layout, table: number, entries: Buffer): Promise<void> {
  for (const directoryAt of [layout.redundantAt, layout.directoryAt])
    await writeAt(entries, tableAt(layout, directoryAt, table) * sectorBytes);
}

/** @param descriptor empty for an extent without one */
async function writeStart(writeAt: WriteAt, size: number, layout: Layout, descriptor: string): Promise<void> {
  const start = Buffer.alloc(descriptorSectors * sectorBytes);
  start.write(descriptor);
  const header = headerSector({
    version: 1,
    flags: headerFlag.newLineTest | headerFlag.redundantDirectory,
    size,
    redundantAt: layout.redundantAt,
    directoryAt: BigInt(layout.directoryAt),
    overhead: layout.firstGrain,
    withoutDescriptor: descriptor === '',
  });
  await writeAt(Buffer.concat([header, start]), 0);
  for (const directoryAt of [layout.redundantAt, layout.directoryAt]) {
    const directory = Buffer.alloc(layout.directoryBytes);
    for (let table = 0; table < tableCount(size); table += 1)
      directory.writeUInt32LE(tableAt(layout, directoryAt, table), table * 4);
    await writeAt(directory, directoryAt * sectorBytes);
  }
}

/**
 * Writes a disk as a monolithicSparse VMDK, with two grain directories, as VMware's desktop products use it.
 * @param writeAt writes into an empty file, which the caller extends to the size that is returned
 * @throws KameError CANCELLED, INVALID_VALUE if it would have more than 2 TiB, and what reading and `writeAt` throw
 */
export async function writeMonolithicSparse(
  disk: Disk,
  facts: VmdkFacts,
  writeAt: WriteAt,
  progress: Progress,
): Promise<WrittenDisk> {
  const descriptor = descriptorText('monolithicSparse', disk.size, facts);
  return await writeSparseExtent(disk, facts, descriptor, writeAt, progress);
}

/** Writes one sparse extent. @param descriptor empty if it is elsewhere @throws as writeMonolithicSparse */
export async function writeSparseExtent(
  disk: Disk,
  facts: VmdkFacts,
  descriptor: string,
  writeAt: WriteAt,
  progress: Progress,
): Promise<WrittenDisk> {
  const layout = layoutOf(disk.size);
  await writeStart(writeAt, disk.size, layout, descriptor);
  let next = layout.firstGrain;
  let current = 0;
  let entries = Buffer.alloc(tableBytes);
  let grains = 0;
  for await (const { index, data } of grainsOf(disk)) {
    refuseCancelled(facts, progress);
    const table = Math.floor(index / grainsPerTable);
    if (table !== current) {
      await writeTable(writeAt, layout, current, entries);
      [current, entries] = [table, Buffer.alloc(tableBytes)];
    }
    entries.writeUInt32LE(tableEntry(facts, next), (index % grainsPerTable) * 4);
    await writeAt(data, next * sectorBytes);
    next += grainSectors;
    grains += 1;
    reportWritten(facts, disk, grains, progress);
  }
  await writeTable(writeAt, layout, current, entries);
  return { bytes: next * sectorBytes, populated: grains * grainBytes };
}
