import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { inOrder } from '../../core/in-order.ts';
import type { Progress } from '../../core/progress.ts';
import type { Disk } from '../format/disk.ts';
import { sectorBytes } from './descriptor.ts';
import { descriptorText, type VmdkFacts } from './descriptor-text.ts';
import { grainsOf, type FullGrain } from './grains.ts';
import {
  descriptorSectors,
  directoryAtEnd,
  grainBytes,
  grainSectors,
  grainsPerTable,
  headerFlag,
  headerSector,
  inSectors,
  tableBytes,
  tableCount,
  tableEntry,
  tableSectors,
  type HeaderFields,
} from './sparse-layout.ts';
import { refuseCancelled, reportWritten, type WrittenDisk } from './written-disk.ts';

const deflateAsync = promisify(deflate);
/**
 * Grains that are being compressed on the threads of Node, or wait for one: some 10 ms of work, so that these threads stay busy while
 * the main one waits for a processor. With 300 KiB each, it also bounds the memory.
 */
const inFlight = 64;
/** Takes little more than half the time of zlib's usual level 6, for 4 % more bytes (programs and texts of a Debian). */
const level = 3;
/** Small writes are collected up to this many bytes. */
const chunkBytes = 1024 * 1024;
/** Parts that are on their way at the same time. */
const writesInFlight = 6;
/** Sectors before the first grain. */
const overhead = 128;

/** Types of the markers before metadata. The marker of a grain has its sector and its size instead. */
const marker = { endOfStream: 0, table: 1, directory: 2, footer: 3 } as const;

function markerSector(type: (typeof marker)[keyof typeof marker], sectors: number): Buffer {
  const sector = Buffer.alloc(sectorBytes);
  sector.writeBigUInt64LE(BigInt(sectors), 0);
  sector.writeUInt32LE(type, 12);
  return sector;
}

/** A grain as it is in the file: its marker, its compressed data, and zeros up to the end of the sector. */
async function packGrain({ index, data }: FullGrain): Promise<{ index: number; packed: Buffer }> {
  const deflated = await deflateAsync(data, { level, chunkSize: grainBytes });
  const packed = Buffer.alloc(inSectors(12 + deflated.length));
  packed.writeBigUInt64LE(BigInt(index) * BigInt(grainSectors), 0);
  packed.writeUInt32LE(deflated.length, 8);
  deflated.copy(packed, 12);
  return { index, packed };
}

/**
 * Appends, in large parts, and knows how far it is. Some parts may still be on their way while the next is collected: the threads that
 * write also compress, so a write waits behind all grains that were begun before it.
 */
class Appender {
  readonly #append: (parts: readonly Buffer[]) => Promise<void>;
  #parts: Buffer[] = [];
  #waiting = 0;
  readonly #onTheirWay: Promise<void>[] = [];
  bytes = 0;

  constructor(append: (parts: readonly Buffer[]) => Promise<void>) {
    this.#append = append;
  }

  get sector(): number {
    return this.bytes / sectorBytes;
  }

  async add(...parts: readonly Buffer[]): Promise<void> {
    for (const part of parts) {
      this.#parts.push(part);
      this.#waiting += part.length;
      this.bytes += part.length;
    }
    if (this.#waiting >= chunkBytes) await this.#send();
  }

  async #send(): Promise<void> {
    const sent = this.#append(this.#parts);
    // It is awaited later; until then a failure must not count as unhandled.
    sent.catch(() => undefined);
    this.#onTheirWay.push(sent);
    this.#parts = [];
    this.#waiting = 0;
    if (this.#onTheirWay.length >= writesInFlight) await this.#onTheirWay.shift();
  }

  /** Waits until all is written. @throws what `append` throws */
  async finish(): Promise<void> {
    if (this.#waiting > 0) await this.#send();
    for (const sent of this.#onTheirWay) await sent;
  }

  /** Waits until nothing is on its way any more. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#onTheirWay);
  }
}

/** The grain directory, and the table that is being filled. */
class Tables {
  readonly #facts: VmdkFacts;
  readonly #directory: Buffer;
  readonly #out: Appender;
  #current = -1;
  #table = Buffer.alloc(tableBytes);

  constructor(out: Appender, facts: VmdkFacts, count: number) {
    this.#out = out;
    this.#facts = facts;
    this.#directory = Buffer.alloc(inSectors(count * 4));
  }

  /** Records that a grain comes next; the table before its own is complete then. */
  async place(index: number): Promise<void> {
    const table = Math.floor(index / grainsPerTable);
    if (table !== this.#current) {
      await this.#end();
      this.#current = table;
    }
    this.#table.writeUInt32LE(tableEntry(this.#facts, this.#out.sector), (index % grainsPerTable) * 4);
  }

  async #end(): Promise<void> {
    if (this.#current < 0) return;
    await this.#out.add(markerSector(marker.table, tableSectors));
    this.#directory.writeUInt32LE(tableEntry(this.#facts, this.#out.sector), this.#current * 4);
    await this.#out.add(this.#table);
    this.#table = Buffer.alloc(tableBytes);
  }

  /** Writes the last table and the directory. @returns the sector of the directory */
  async finish(): Promise<number> {
    await this.#end();
    await this.#out.add(markerSector(marker.directory, this.#directory.length / sectorBytes));
    const at = this.#out.sector;
    await this.#out.add(this.#directory);
    return at;
  }
}

async function write(out: Appender, disk: Disk, facts: VmdkFacts, progress: Progress): Promise<WrittenDisk> {
  const fields: HeaderFields = {
    version: 3,
    flags: headerFlag.newLineTest | headerFlag.compressed | headerFlag.markers,
    size: disk.size,
    redundantAt: 0,
    directoryAt: directoryAtEnd,
    overhead,
  };
  const start = Buffer.alloc((overhead - 1) * sectorBytes);
  start.write(descriptorText('streamOptimized', disk.size, facts), 0, descriptorSectors * sectorBytes);
  await out.add(headerSector(fields), start);
  const tables = new Tables(out, facts, tableCount(disk.size));
  let grains = 0;
  for await (const { index, packed } of inOrder(grainsOf(disk), inFlight, packGrain)) {
    refuseCancelled(facts, progress);
    await tables.place(index);
    await out.add(packed);
    grains += 1;
    reportWritten(facts, disk, grains, progress);
  }
  const directoryAt = BigInt(await tables.finish());
  await out.add(markerSector(marker.footer, 1), headerSector({ ...fields, directoryAt }));
  await out.add(markerSector(marker.endOfStream, 0));
  await out.finish();
  return { bytes: out.bytes, populated: grains * grainBytes };
}

/**
 * Writes a disk as a streamOptimized VMDK, in one pass from its start to its end, without seeking. Grains are compressed on all
 * cores. The same disk and facts give the same bytes.
 * @param append takes the next bytes, in parts; it is called again before it has settled, and must keep the order
 * @throws KameError CANCELLED, INVALID_VALUE if it would have more than 2 TiB, and what reading and `append` throw
 */
export async function writeStreamOptimized(
  disk: Disk,
  facts: VmdkFacts,
  append: (parts: readonly Buffer[]) => Promise<void>,
  progress: Progress,
): Promise<WrittenDisk> {
  const out = new Appender(append);
  try {
    return await write(out, disk, facts, progress);
  } finally {
    await out.settle();
  }
}
