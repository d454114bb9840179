import { maxVirtualSize } from './limits.ts';
import { badImage, type ImageFile } from './image-file.ts';

/** Facts of a qcow2 file that stands alone. Layout: QEMU's docs/interop/qcow2.txt. */
export interface Qcow2Facts {
  readonly virtualSize: number;
  readonly clusterSize: number;
  readonly snapshots: number;
  /** Reference counts may be stale after a crash; harmless, repaired at the next write. */
  readonly dirty: boolean;
  /** The engine has once found its tables damaged. */
  readonly corrupt: boolean;
}

interface Header extends Qcow2Facts {
  readonly l1Offset: number;
  readonly l1Size: number;
  readonly extendedL2: boolean;
}

const incompatible = { dirty: 1n, corrupt: 2n, dataFile: 4n, compression: 8n, extendedL2: 16n } as const;
const knownIncompatible = 31n;
const extension = { end: 0, dataFile: 0x44415441 } as const;
const maxExtensions = 64;

/** Limits of QEMU's own driver. */
const maxL1Bytes = 32 * 1024 * 1024;
const maxRefcountTableBytes = 8 * 1024 * 1024;
const maxSnapshots = 65_536;
/** How much of the mapping is followed to find out whether the file is whole. */
const maxTableBytes = 512 * 1024 * 1024;
const offsetMask = 0x00ff_ffff_ffff_fe00n;
const flatten = 'Flatten it where it comes from: `qemu-img convert -O qcow2 OLD NEW`, then import NEW.';

function printable(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('utf8').slice(0, 300));
}

function u64(buffer: Buffer, offset: number, path: string, what: string): number {
  const value = buffer.readBigUInt64BE(offset);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw badImage(path, `is damaged: its ${what} is ${value}`);
  return Number(value);
}

/** Refuses every way in which a qcow2 can make the engine read another file. */
async function refuseReferences(
  file: ImageFile,
  head: Buffer,
  features: bigint,
  headerLength: number,
): Promise<void> {
  const backingOffset = u64(head, 8, file.path, 'backing file offset');
  if (backingOffset !== 0) {
    const length = Math.min(head.readUInt32BE(16), 1023);
    const name = await file.readUpTo(backingOffset, length);
    throw badImage(
      file.path,
      `is an overlay on another file, ${printable(name)}, which is not read`,
      flatten,
    );
  }
  let at = headerLength;
  for (let count = 0; ; count += 1) {
    const [type, length] = await extensionAt(file, at);
    if (type === undefined || length === undefined || type === extension.end) break;
    if (type === extension.dataFile) {
      const name = await file.readUpTo(at + 8, Math.min(length, 1023));
      throw badImage(
        file.path,
        `keeps its data in another file, ${printable(name)}, which is not read`,
        flatten,
      );
    }
    if (count === maxExtensions)
      throw badImage(file.path, `has more than ${maxExtensions} header extensions`);
    at += 8 + Math.ceil(length / 8) * 8;
  }
  if ((features & incompatible.dataFile) !== 0n) {
    throw badImage(file.path, 'keeps its data in another file that it does not name', flatten);
  }
}

async function extensionAt(file: ImageFile, at: number): Promise<number[]> {
  const head = await file.readUpTo(at, 8);
  return head.length < 8 ? [] : [head.readUInt32BE(0), head.readUInt32BE(4)];
}

function refuseGeometry(path: string, head: Buffer, header: Header, fileSize: number): void {
  const { clusterSize, virtualSize, l1Size, l1Offset, extendedL2 } = header;
  if (virtualSize === 0) throw badImage(path, 'has a virtual size of 0 bytes');
  if (virtualSize > maxVirtualSize)
    throw badImage(path, `says it has ${virtualSize} bytes; at most 64 TiB are accepted`);
  const perL1Entry = clusterSize * (clusterSize / (extendedL2 ? 16 : 8));
  const needed = Math.ceil(virtualSize / perL1Entry);
  if (l1Size < needed || l1Size * 8 > maxL1Bytes)
    throw badImage(path, `is damaged: its L1 table has ${l1Size} entries`);
  if (l1Offset % clusterSize !== 0 || l1Offset === 0)
    throw badImage(path, `is damaged: its L1 table is at ${l1Offset}`);
  if (l1Offset + l1Size * 8 > fileSize)
    throw badImage(path, `is truncated: its L1 table lies beyond its end`);
  const refcountOffset = u64(head, 48, path, 'refcount table offset');
  const refcountBytes = head.readUInt32BE(56) * clusterSize;
  if (refcountBytes === 0 || refcountBytes > maxRefcountTableBytes || refcountOffset % clusterSize !== 0) {
    throw badImage(path, 'is damaged: its reference count table makes no sense');
  }
  if (refcountOffset + refcountBytes > fileSize) {
    throw badImage(path, 'is truncated: its reference count table lies beyond its end');
  }
  const snapshotsOffset = u64(head, 64, path, 'snapshot table offset');
  if (header.snapshots > maxSnapshots || (header.snapshots > 0 && snapshotsOffset >= fileSize)) {
    throw badImage(path, 'is damaged: its snapshot table makes no sense');
  }
}

/** Follows L1 and L2 tables: every cluster they name must begin inside the file. */
async function refuseTruncated(file: ImageFile, header: Header): Promise<void> {
  const l1 = await file.read(header.l1Offset, header.l1Size * 8, 'the L1 table');
  const seen = new Set<number>();
  const entryBytes = header.extendedL2 ? 16 : 8;
  let budget = maxTableBytes;
  for (let at = 0; at < l1.length; at += 8) {
    const table = Number(l1.readBigUInt64BE(at) & offsetMask);
    if (table === 0) continue;
    if (table % header.clusterSize !== 0) throw badImage(file.path, `is damaged: an L2 table is at ${table}`);
    if (seen.has(table)) throw badImage(file.path, `is damaged: the L2 table at ${table} is used twice`);
    seen.add(table);
    budget -= header.clusterSize;
    if (budget < 0) return;
    const entries = await file.read(table, header.clusterSize, 'an L2 table');
    for (let entry = 0; entry < entries.length; entry += entryBytes) {
      const offset = clusterOffset(entries, entry, header.clusterSize);
      if (offset >= file.size)
        throw badImage(file.path, `is truncated: a cluster lies at ${offset}, beyond its end`);
    }
  }
}

/** Host offset that an L2 entry names, 0 for none. A compressed cluster's has fewer bits (62 - (cluster_bits - 8)). */
function clusterOffset(entries: Buffer, at: number, clusterSize: number): number {
  const entry = entries.readBigUInt64BE(at);
  if (((entry >> 62n) & 1n) === 0n) return Number(entry & offsetMask);
  const bits = 62n - (BigInt(Math.log2(clusterSize)) - 8n);
  return Number(entry & ((1n << bits) - 1n));
}

/**
 * Checks that a qcow2 file is whole, sane and refers to no other file.
 * @throws KameError BAD_IMAGE naming the file and what it refers to
 */
export async function checkQcow2(file: ImageFile): Promise<Qcow2Facts> {
  const { path } = file;
  const head = await file.readUpTo(0, 112);
  if (head.length < 72) throw badImage(path, 'is truncated: its header is not whole');
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3)
    throw badImage(path, `is qcow version ${version}; 2 and 3 are known`, flatten);
  if (version === 3 && head.length < 104) throw badImage(path, 'is truncated: its header is not whole');
  const features = version === 3 ? head.readBigUInt64BE(72) : 0n;
  const headerLength = version === 3 ? head.readUInt32BE(100) : 72;
  const clusterBits = head.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21)
    throw badImage(path, `is damaged: its cluster size is 2^${clusterBits}`);
  if (version === 3 && (headerLength < 104 || headerLength > 2 ** clusterBits || headerLength % 8 !== 0)) {
    throw badImage(path, `is damaged: its header has ${headerLength} bytes`);
  }
  await refuseReferences(file, head, features, headerLength);
  if ((features & ~knownIncompatible) !== 0n) {
    throw badImage(
      path,
      `uses features of qcow2 that are not known here (0x${features.toString(16)})`,
      flatten,
    );
  }
  const crypt = head.readUInt32BE(32);
  if (crypt !== 0)
    throw badImage(path, 'is encrypted', 'Decrypt it where it comes from, then import the result.');
  if (version === 3 && head.readUInt32BE(96) > 6)
    throw badImage(path, 'is damaged: its refcount order is above 6');
  const header: Header = {
    virtualSize: u64(head, 24, path, 'virtual size'),
    clusterSize: 2 ** clusterBits,
    snapshots: head.readUInt32BE(60),
    dirty: (features & incompatible.dirty) !== 0n,
    corrupt: (features & incompatible.corrupt) !== 0n,
    l1Offset: u64(head, 40, path, 'L1 table offset'),
    l1Size: head.readUInt32BE(36),
    extendedL2: (features & incompatible.extendedL2) !== 0n,
  };
  refuseGeometry(path, head, header, file.size);
  await refuseTruncated(file, header);
  const { virtualSize, clusterSize, snapshots, dirty, corrupt } = header;
  return { virtualSize, clusterSize, snapshots, dirty, corrupt };
}
