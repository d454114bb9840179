/** The qcow2 that Kame writes itself: version 3, clusters of 64 KiB, like `qemu-img create`. Layout: docs/interop/qcow2.txt in QEMU. */

const clusterBits = 16;
export const clusterSize = 2 ** clusterBits;
/** Entries of an L2 table, which is one cluster. */
export const perL2Table = clusterSize / 8;
/** Bytes of the disk that one L1 entry covers. */
export const perL1Entry = clusterSize * perL2Table;
/** Clusters that one block of reference counts, of 2 bytes each, covers. */
export const perRefcountBlock = clusterSize / 2;
/** Length of the fixed part of the header. */
export const headerLength = 112;
const refcountOrder = 4;
/** In the entry of a table: nothing else refers to that cluster. */
const unshared = 1n << 63n;

export interface Qcow2Places {
  /** The size of a cluster as a power of 2. Default: 16. */
  readonly bits?: number;
  /** In bytes. */
  readonly virtualSize: number;
  readonly l1Offset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
}

/** The fixed part of the header, without a backing file. */
export function fixedHeader(places: Qcow2Places): Buffer {
  const { bits = clusterBits } = places;
  const header = Buffer.alloc(headerLength);
  header.write('QFI\u00fb', 0, 'latin1');
  header.writeUInt32BE(3, 4);
  header.writeUInt32BE(bits, 20);
  header.writeBigUInt64BE(BigInt(places.virtualSize), 24);
  header.writeUInt32BE(Math.ceil(places.virtualSize / 2 ** (2 * bits - 3)), 36);
  header.writeBigUInt64BE(BigInt(places.l1Offset), 40);
  header.writeBigUInt64BE(BigInt(places.refcountTableOffset), 48);
  header.writeUInt32BE(places.refcountTableClusters, 56);
  header.writeUInt32BE(refcountOrder, 96);
  header.writeUInt32BE(headerLength, 100);
  return header;
}

/** Reference counts of 1 for so many clusters, in whole blocks. */
export function refcountBlocks(clusters: number): Buffer {
  const blocks = Buffer.alloc(Math.ceil(clusters / perRefcountBlock) * clusterSize);
  // The count is big endian: every second byte.
  for (let at = 1; at < clusters * 2; at += 2) blocks[at] = 1;
  return blocks;
}

/** Sets an entry of an L1 or L2 table to the offset of a cluster in the file. */
export function setEntry(table: Buffer, index: number, offset: number): void {
  table.writeBigUInt64BE(BigInt(offset) | unshared, index * 8);
}

/** The offset in an entry that `setEntry` made; 0 if it has none. */
export function entryAt(table: Buffer, index: number): number {
  return Number(table.readBigUInt64BE(index * 8) & ~unshared);
}
