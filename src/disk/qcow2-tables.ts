import { badImage, type ImageFile } from './format/image-file.ts';

/** Location and format of the mapping tables of a qcow2. */
export interface Qcow2Mapping {
  readonly clusterSize: number;
  /** Byte offset of the L1 table, and its number of entries. */
  readonly l1Offset: number;
  readonly l1Size: number;
  readonly extendedL2: boolean;
}

/** How many bytes of L2 tables are followed. */
const maxTableBytes = 512 * 1024 * 1024;
/** How many clusters are tracked: a file of 8 TiB with clusters of 64 KiB. Duplicates beyond that are not detected. */
const maxClusters = 128 * 1024 * 1024;

/** The clusters of a file that are in use. Each may be used only once. */
class UsedClusters {
  readonly #clusterSize: number;
  readonly #bits: Uint8Array;

  constructor(clusterSize: number, fileSize: number) {
    this.#clusterSize = clusterSize;
    this.#bits = new Uint8Array(Math.ceil(Math.min(fileSize / clusterSize, maxClusters) / 8) + 1);
  }

  /** Marks the cluster at a byte offset as used. @returns whether it was free */
  take(offset: number): boolean {
    const cluster = offset / this.#clusterSize;
    const at = Math.floor(cluster / 8);
    const bit = 1 << (cluster % 8);
    const bits = this.#bits[at];
    if (bits === undefined) return true;
    this.#bits[at] = bits | bit;
    return (bits & bit) === 0;
  }
}

/** The offset in an L1 or L2 entry: bits 9 to 55. */
export function plainOffset(high: number, low: number): number {
  return (high & 0x00ff_ffff) * 2 ** 32 + ((low & 0xffff_fe00) >>> 0);
}

/** Whether an L2 entry, of which this is the upper half, is of a compressed cluster. */
export function isCompressed(high: number): boolean {
  return (high & 0x4000_0000) !== 0;
}

/** Size of an L2 entry, in bytes. */
export function entryBytes(mapping: Qcow2Mapping): number {
  return mapping.extendedL2 ? 16 : 8;
}

/** The L1 table. @throws KameError BAD_IMAGE if it is beyond the end of the file */
export async function readL1(file: ImageFile, mapping: Qcow2Mapping): Promise<Buffer> {
  return await file.read(mapping.l1Offset, mapping.l1Size * 8, 'the L1 table');
}

interface L2Table {
  /** Its index in the L1 table. */
  readonly index: number;
  /** Byte offset in the file. */
  readonly offset: number;
  /** Valid until the next iteration, which reuses the buffer. */
  readonly entries: Buffer;
}

/** Reads the existing L2 tables: with clusters of 64 KiB, 1/8192 of the mapped bytes; at most 512 MiB. */
async function* l2Tables(file: ImageFile, mapping: Qcow2Mapping): AsyncGenerator<L2Table> {
  const { clusterSize } = mapping;
  const l1 = await readL1(file, mapping);
  const seen = new Set<number>();
  const entries = Buffer.allocUnsafe(clusterSize);
  let budget = maxTableBytes;
  for (let index = 0; index < mapping.l1Size; index += 1) {
    const table = plainOffset(l1.readUInt32BE(index * 8), l1.readUInt32BE(index * 8 + 4));
    if (table === 0) continue;
    if (table % clusterSize !== 0) throw badImage(file.path, `is damaged: an L2 table is at ${table}`);
    if (seen.has(table)) throw badImage(file.path, `is damaged: the L2 table at ${table} is used twice`);
    seen.add(table);
    budget -= clusterSize;
    if (budget < 0) return;
    if ((await file.readInto(entries, table)) < clusterSize)
      throw badImage(file.path, `is truncated: an L2 table is beyond its end at byte ${file.size}`);
    yield { index, offset: table, entries };
  }
}

/** What is wrong with the first invalid entry of an L2 table; undefined if all are valid. */
function misplaced(
  table: Buffer,
  mapping: Qcow2Mapping,
  end: number,
  used: UsedClusters,
): string | undefined {
  const step = entryBytes(mapping);
  // The offset of a compressed cluster has 62 - (cluster_bits - 8) bits: 30 - (cluster_bits - 8) of the upper half.
  const compressedMask = 2 ** (30 - (Math.log2(mapping.clusterSize) - 8)) - 1;
  for (let at = 0; at < table.length; at += step) {
    const high = table.readUInt32BE(at);
    const low = table.readUInt32BE(at + 4);
    if (high === 0 && low === 0) continue;
    const compressed = isCompressed(high);
    const offset = compressed ? (high & compressedMask) * 2 ** 32 + low : plainOffset(high, low);
    if (offset >= end) return `is truncated: a cluster is at ${offset}, beyond its end`;
    // Several compressed clusters can share a cluster of the file; one that reads as zeros may have no offset.
    if (compressed || offset === 0) continue;
    if (offset % mapping.clusterSize !== 0)
      return `is damaged: a cluster is at ${offset}, which is not aligned`;
    if (!used.take(offset)) return `is damaged: the cluster at ${offset} is used twice`;
  }
  return undefined;
}

/**
 * Follows the L1 and L2 tables: every cluster in them must be inside the file, aligned, and used once. This detects any
 * flipped bit in an entry, unless the result points to an unused cluster.
 * @throws KameError BAD_IMAGE
 */
export async function refuseDamagedTables(file: ImageFile, mapping: Qcow2Mapping): Promise<void> {
  const { clusterSize, l1Offset, l1Size } = mapping;
  const used = new UsedClusters(clusterSize, file.size);
  used.take(0);
  for (let at = l1Offset; at < l1Offset + l1Size * 8; at += clusterSize) used.take(at);
  for await (const { offset, entries } of l2Tables(file, mapping)) {
    const reason = used.take(offset)
      ? misplaced(entries, mapping, file.size, used)
      : `is damaged: the L2 table at ${offset} is used twice`;
    if (reason !== undefined) throw badImage(file.path, reason);
  }
}

/** Whether the L1 table is empty: then nothing was ever written. @throws KameError BAD_IMAGE */
export async function mapsNothing(file: ImageFile, mapping: Qcow2Mapping): Promise<boolean> {
  const l1 = await readL1(file, mapping);
  return l1.equals(Buffer.alloc(l1.length));
}

/** An open qcow2 and the location of its mapping. */
export interface MappedFile {
  readonly file: ImageFile;
  readonly mapping: Qcow2Mapping;
}

/** The number of clusters that hold data in `entries` and are not allocated in `into`. */
function newClusters(entries: Buffer, step: number, into: Buffer | undefined): number {
  let count = 0;
  for (let at = 0; at < entries.length; at += step) {
    const high = entries.readUInt32BE(at);
    const low = entries.readUInt32BE(at + 4);
    if (high === 0 && low === 0) continue;
    // The lowest bit means that the cluster reads as zeros, even if it has an offset. Extended entries differ.
    const data = isCompressed(high) || (plainOffset(high, low) !== 0 && (step === 16 || (low & 1) === 0));
    if (!data) continue;
    const there = into?.readUInt32BE(at) ?? 0;
    const place = into && !isCompressed(there) && plainOffset(there, into.readUInt32BE(at + 4)) !== 0;
    if (place !== true) count += 1;
  }
  return count;
}

/**
 * The most bytes by which `into` grows when it receives all data of `from`: clusters, L2 tables and refcounts. Without
 * `into`, or if the cluster formats of the two differ: the size of the data of `from`.
 * @throws KameError BAD_IMAGE
 */
export async function bytesToCopy(from: MappedFile, into?: MappedFile): Promise<number> {
  const { clusterSize, extendedL2 } = from.mapping;
  const alike =
    into !== undefined && into.mapping.clusterSize === clusterSize && into.mapping.extendedL2 === extendedL2;
  const intoL1 = alike ? await readL1(into.file, into.mapping) : Buffer.alloc(0);
  const intoEntries = Buffer.allocUnsafe(clusterSize);
  let clusters = 0;
  let tables = 0;
  for await (const { index, entries } of l2Tables(from.file, from.mapping)) {
    const known = alike && index < into.mapping.l1Size;
    const table = known ? plainOffset(intoL1.readUInt32BE(index * 8), intoL1.readUInt32BE(index * 8 + 4)) : 0;
    if (alike && table !== 0) await into.file.readInto(intoEntries, table);
    else tables += 1;
    clusters += newClusters(entries, entryBytes(from.mapping), table === 0 ? undefined : intoEntries);
  }
  // A refcount block has 2 bytes for each cluster. L1 table, refcount table and header are negligible.
  const counts = Math.ceil((clusters + tables) / (clusterSize / 2));
  return clusters + tables === 0 ? 0 : (clusters + tables + counts) * clusterSize;
}

/** Where the data of a cluster of the disk is in the file. */
export interface StoredCluster {
  readonly offset: number;
  /** In bytes; of a compressed one, at most. */
  readonly length: number;
  readonly compressed: boolean;
}

/** Where the first cluster of the disk is; undefined if it reads as zeros. @throws KameError BAD_IMAGE */
export async function firstCluster(
  file: ImageFile,
  mapping: Qcow2Mapping,
): Promise<StoredCluster | undefined> {
  const { clusterSize, l1Offset } = mapping;
  const l1 = await file.read(l1Offset, 8, 'the L1 table');
  const table = plainOffset(l1.readUInt32BE(0), l1.readUInt32BE(4));
  if (table === 0) return undefined;
  const entry = await file.read(table, 8, 'an L2 table');
  const [high, low] = [entry.readUInt32BE(0), entry.readUInt32BE(4)];
  if (!isCompressed(high)) {
    const offset = plainOffset(high, low);
    return offset === 0 || (low & 1) !== 0 ? undefined : { offset, length: clusterSize, compressed: false };
  }
  // Above the offset, the entry has the number of further sectors.
  const offsetBits = BigInt(62 - (Math.log2(clusterSize) - 8));
  const value = entry.readBigUInt64BE(0) & ((1n << 62n) - 1n);
  const offset = Number(value & ((1n << offsetBits) - 1n));
  const length = (Number(value >> offsetBits) + 1) * 512 - (offset % 512);
  return { offset, length, compressed: true };
}
