import { badImage, type ImageFile } from './format/image-file.ts';
import { maxVirtualSize } from './format/limits.ts';
import { refuseDamagedTables, type Qcow2Mapping } from './qcow2-tables.ts';

/** The backing file of a qcow2, which provides all data that the qcow2 does not have itself. */
export interface BackingReference {
  /** As in the header: relative to the directory of the qcow2, or absolute. */
  readonly name: string;
  /** As in the header; null if the header does not give it. */
  readonly format: string | null;
}

/** Facts about a qcow2 file. Layout: docs/interop/qcow2.txt in QEMU. */
export interface Qcow2Facts {
  readonly virtualSize: number;
  readonly clusterSize: number;
  readonly snapshots: number;
  /** Refcounts may be stale after a crash; this is harmless and repaired at the next write. */
  readonly dirty: boolean;
  /** Marked as corrupt: the engine once found its tables damaged. */
  readonly corrupt: boolean;
  /** Null unless requested with `backing: 'tell'`. */
  readonly backing: BackingReference | null;
  /** Location of its mapping. */
  readonly mapping: Qcow2Mapping;
  /** How compressed clusters are compressed, if there are any. */
  readonly compression: 'deflate' | 'zstd';
}

export interface CheckOptions {
  /**
   * `refuse`, the default, rejects a file with a backing file. `tell` returns the reference for the caller to check.
   */
  readonly backing?: 'refuse' | 'tell';
  /** Follow the tables to check that the file is intact. Default: true; false reads only the header. */
  readonly tables?: boolean;
  /** Accept a part of a map. By default it is rejected: what it shows is not the content of a disk. */
  readonly partOfMap?: boolean;
}

const incompatible = { dirty: 1n, corrupt: 2n, dataFile: 4n, compression: 8n, extendedL2: 16n } as const;
const knownIncompatible = 31n;
/** Types of header extensions. */
export const extension = {
  end: 0,
  dataFile: 0x44415441,
  backingFormat: 0xe2792aca,
  /** Kame's own, of a map: see disk-map.ts. */
  map: 0x4b414d45,
} as const;
const maxExtensions = 64;

/** Limits of the qcow2 driver in QEMU. */
const maxL1Bytes = 32 * 1024 * 1024;
const maxRefcountTableBytes = 8 * 1024 * 1024;
const maxSnapshots = 65_536;
const maxBackingFormat = 15;
/** Maximum length of the name of a backing file, in bytes. */
export const maxBackingName = 1023;
const flatten = 'Flatten it at its source with `qemu-img convert -O qcow2 OLD NEW`, then use NEW instead.';

function printable(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('utf8').slice(0, 300));
}

function u64(buffer: Buffer, offset: number, path: string, what: string): number {
  const value = buffer.readBigUInt64BE(offset);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw badImage(path, `is damaged: its ${what} is ${value}`);
  return Number(value);
}

/** Decodes valid UTF-8 without zero bytes, so that Kame and the engine refer to the same file. */
function exactText(bytes: Buffer, path: string): string {
  const text = bytes.toString('utf8');
  if (text.includes('\0') || !Buffer.from(text).equals(bytes))
    throw badImage(path, `is damaged: the name of its backing file, ${printable(bytes)}, is not valid text`);
  return text;
}

interface Extensions {
  readonly backingFormat: string | null;
}

/** Reads the header extensions as QEMU does: up to the name of the backing file, or the end of the first cluster. */
async function readExtensions(
  file: ImageFile,
  [start, end]: readonly [number, number],
  partOfMap: boolean,
): Promise<Extensions> {
  const { path } = file;
  let backingFormat: string | null = null;
  let at = start;
  for (let count = 0; at + 8 <= end; count += 1) {
    const head = await file.readUpTo(at, 8);
    const type = head.length < 8 ? extension.end : head.readUInt32BE(0);
    if (type === extension.end) break;
    const length = head.readUInt32BE(4);
    if (type === extension.dataFile) {
      const name = await file.readUpTo(at + 8, Math.min(length, maxBackingName));
      throw badImage(
        path,
        `keeps its data in an external file, ${printable(name)}, which is not supported`,
        flatten,
      );
    }
    if (type === extension.map && !partOfMap) {
      throw badImage(
        path,
        'has the tables of a disk that is used in place, and is no disk by itself',
        'Use the disk of the machine instead, which has this file beneath it.',
      );
    }
    if (count === maxExtensions) throw badImage(path, `has more than ${maxExtensions} header extensions`);
    if (length > end - at - 8) throw badImage(path, 'is damaged: a header extension is too long');
    if (type === extension.backingFormat) {
      if (backingFormat !== null || length > maxBackingFormat)
        throw badImage(path, 'is damaged: the format of its backing file is invalid');
      backingFormat = exactText(await file.read(at + 8, length, 'a header extension'), path);
    }
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return { backingFormat };
}

/**
 * Rejects every way in which a qcow2 can make the engine read another file, but with `backing: 'tell'` returns its backing file.
 */
async function references(
  file: ImageFile,
  head: Buffer,
  shape: { features: bigint; headerLength: number; clusterSize: number },
  { backing, partOfMap = false }: CheckOptions,
): Promise<BackingReference | null> {
  const { path } = file;
  const offset = u64(head, 8, path, 'backing file offset');
  const length = head.readUInt32BE(16);
  // As in QEMU, a name of length 0 does not count.
  const named = offset !== 0 && length !== 0;
  if (named && backing !== 'tell') {
    const name = await file.readUpTo(offset, Math.min(length, maxBackingName));
    throw badImage(
      path,
      `is an overlay on another file, ${printable(name)}, which is not supported`,
      flatten,
    );
  }
  if (offset > shape.clusterSize || (named && length > Math.min(maxBackingName, shape.clusterSize - offset)))
    throw badImage(path, 'is damaged: the name of its backing file is out of bounds');
  const end = offset === 0 ? shape.clusterSize : offset;
  const { backingFormat } = await readExtensions(file, [shape.headerLength, end], partOfMap);
  if ((shape.features & incompatible.dataFile) !== 0n) {
    throw badImage(path, 'keeps its data in an external file that it does not name', flatten);
  }
  if (!named) return null;
  const name = exactText(await file.read(offset, length, 'the name of its backing file'), path);
  return { name, format: backingFormat };
}

function refuseGeometry(
  path: string,
  head: Buffer,
  facts: Omit<Qcow2Facts, 'backing'>,
  fileSize: number,
): void {
  const { virtualSize, clusterSize } = facts;
  const { l1Size, l1Offset, extendedL2 } = facts.mapping;
  if (virtualSize === 0) throw badImage(path, 'has a virtual size of 0 bytes');
  if (virtualSize > maxVirtualSize)
    throw badImage(path, `has a virtual size of ${virtualSize} bytes; the limit is 64 TiB`);
  const perL1Entry = clusterSize * (clusterSize / (extendedL2 ? 16 : 8));
  const needed = Math.ceil(virtualSize / perL1Entry);
  if (l1Size < needed || l1Size * 8 > maxL1Bytes)
    throw badImage(path, `is damaged: its L1 table has ${l1Size} entries`);
  if (l1Offset % clusterSize !== 0 || l1Offset === 0)
    throw badImage(path, `is damaged: its L1 table is at ${l1Offset}`);
  if (l1Offset + l1Size * 8 > fileSize) throw badImage(path, `is truncated: its L1 table is beyond its end`);
  const refcountOffset = u64(head, 48, path, 'refcount table offset');
  const refcountBytes = head.readUInt32BE(56) * clusterSize;
  if (refcountBytes === 0 || refcountBytes > maxRefcountTableBytes || refcountOffset % clusterSize !== 0) {
    throw badImage(path, 'is damaged: its refcount table is invalid');
  }
  if (refcountOffset + refcountBytes > fileSize) {
    throw badImage(path, 'is truncated: its refcount table is beyond its end');
  }
  const snapshotsOffset = u64(head, 64, path, 'snapshot table offset');
  if (facts.snapshots > maxSnapshots || (facts.snapshots > 0 && snapshotsOffset >= fileSize)) {
    throw badImage(path, 'is damaged: its snapshot table is invalid');
  }
}

interface Shape {
  readonly version: number;
  readonly features: bigint;
  readonly headerLength: number;
  readonly clusterSize: number;
}

function shapeOf(path: string, head: Buffer): Shape {
  if (head.length < 72) throw badImage(path, 'is truncated: its header is incomplete');
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3)
    throw badImage(path, `is qcow version ${version}; only 2 and 3 are supported`, flatten);
  if (version === 3 && head.length < 104) throw badImage(path, 'is truncated: its header is incomplete');
  const features = version === 3 ? head.readBigUInt64BE(72) : 0n;
  const headerLength = version === 3 ? head.readUInt32BE(100) : 72;
  const clusterBits = head.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21)
    throw badImage(path, `is damaged: its cluster size is 2^${clusterBits}`);
  if (version === 3 && (headerLength < 104 || headerLength > 2 ** clusterBits || headerLength % 8 !== 0)) {
    throw badImage(path, `is damaged: its header is ${headerLength} bytes long`);
  }
  return { version, features, headerLength, clusterSize: 2 ** clusterBits };
}

function refuseUnknown(path: string, head: Buffer, { version, features }: Shape): void {
  if ((features & ~knownIncompatible) !== 0n) {
    const bits = `0x${features.toString(16)}`;
    throw badImage(path, `uses features of qcow2 that are not supported (${bits})`, flatten);
  }
  if (head.readUInt32BE(32) !== 0)
    throw badImage(path, 'is encrypted', 'Decrypt it at its source, then use the result.');
  if (version === 3 && head.readUInt32BE(96) > 6)
    throw badImage(path, 'is damaged: its refcount order is above 6');
}

/** The byte at 104, which counts only if a feature says so. */
function compressionOf(path: string, head: Buffer, features: bigint): Qcow2Facts['compression'] {
  if ((features & incompatible.compression) === 0n) return 'deflate';
  const method = head[104] ?? 0;
  if (method > 1) throw badImage(path, `is compressed with method ${method}, which is unknown`, flatten);
  return method === 1 ? 'zstd' : 'deflate';
}

/** Whether a file starts with the magic bytes of qcow2. */
export function hasQcow2Magic(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32BE(0) === 0x514649fb;
}

/**
 * Checks that a qcow2 file is intact and refers to no other file, except, with `backing: 'tell'`, to a backing file.
 * @throws KameError BAD_IMAGE naming the file and what it refers to
 */
export async function checkQcow2(file: ImageFile, options: CheckOptions = {}): Promise<Qcow2Facts> {
  const { path } = file;
  const head = await file.readUpTo(0, 112);
  const shape = shapeOf(path, head);
  const backing = await references(file, head, shape, options);
  refuseUnknown(path, head, shape);
  const { features, clusterSize } = shape;
  const facts = {
    virtualSize: u64(head, 24, path, 'virtual size'),
    clusterSize,
    snapshots: head.readUInt32BE(60),
    dirty: (features & incompatible.dirty) !== 0n,
    corrupt: (features & incompatible.corrupt) !== 0n,
    mapping: {
      clusterSize,
      l1Offset: u64(head, 40, path, 'L1 table offset'),
      l1Size: head.readUInt32BE(36),
      extendedL2: (features & incompatible.extendedL2) !== 0n,
    },
    compression: compressionOf(path, head, features),
  };
  refuseGeometry(path, head, facts, file.size);
  if (options.tables !== false) await refuseDamagedTables(file, facts.mapping);
  return { ...facts, backing };
}
