import { maxVirtualSize } from './format/limits.ts';
import { badImage, type ImageFile } from './format/image-file.ts';
import { refuseDamagedTables, type Qcow2Mapping } from './qcow2-tables.ts';

/** Another file that a qcow2 reads where it holds nothing itself. */
export interface BackingReference {
  /** As the header has it: relative to the directory of the file that names it, or absolute. */
  readonly name: string;
  /** As the header has it; null when it says nothing. */
  readonly format: string | null;
}

/** Facts of a qcow2 file. Layout: QEMU's docs/interop/qcow2.txt. */
export interface Qcow2Facts {
  readonly virtualSize: number;
  readonly clusterSize: number;
  readonly snapshots: number;
  /** Reference counts may be stale after a crash; harmless, repaired at the next write. */
  readonly dirty: boolean;
  /** The engine has once found its tables damaged. */
  readonly corrupt: boolean;
  /** Null unless asked for by `backing: 'tell'`. */
  readonly backing: BackingReference | null;
  /** Where its mapping lies. */
  readonly mapping: Qcow2Mapping;
}

export interface CheckOptions {
  /** `refuse`, the default, takes no file that lies on another one. `tell` leaves the judgement to the caller. */
  readonly backing?: 'refuse' | 'tell';
  /** Follows the tables to find out whether the file is whole. Default true; false reads the header alone. */
  readonly tables?: boolean;
}

const incompatible = { dirty: 1n, corrupt: 2n, dataFile: 4n, compression: 8n, extendedL2: 16n } as const;
const knownIncompatible = 31n;
/** Types of header extensions. */
export const extension = { end: 0, dataFile: 0x44415441, backingFormat: 0xe2792aca } as const;
const maxExtensions = 64;

/** Limits of QEMU's own driver. */
const maxL1Bytes = 32 * 1024 * 1024;
const maxRefcountTableBytes = 8 * 1024 * 1024;
const maxSnapshots = 65_536;
const maxBackingFormat = 15;
/** Bytes of a backing file's name. */
export const maxBackingName = 1023;
const flatten = 'Flatten it where it comes from: `qemu-img convert -O qcow2 OLD NEW`, then import NEW.';

function printable(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('utf8').slice(0, 300));
}

function u64(buffer: Buffer, offset: number, path: string, what: string): number {
  const value = buffer.readBigUInt64BE(offset);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw badImage(path, `is damaged: its ${what} is ${value}`);
  return Number(value);
}

/** Text that is exactly what its bytes are, so that we and the engine mean the same file. */
function exactText(bytes: Buffer, path: string): string {
  const text = bytes.toString('utf8');
  if (text.includes('\0') || !Buffer.from(text).equals(bytes))
    throw badImage(path, `is damaged: its name of a backing file, ${printable(bytes)}, is no text`);
  return text;
}

interface Extensions {
  readonly backingFormat: string | null;
}

/** Walks the header extensions as QEMU does: up to the backing file's name, or to the end of the first cluster. */
async function readExtensions(file: ImageFile, start: number, end: number): Promise<Extensions> {
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
      throw badImage(path, `keeps its data in another file, ${printable(name)}, which is not read`, flatten);
    }
    if (count === maxExtensions) throw badImage(path, `has more than ${maxExtensions} header extensions`);
    if (length > end - at - 8) throw badImage(path, 'is damaged: a header extension is too long');
    if (type === extension.backingFormat) {
      if (backingFormat !== null || length > maxBackingFormat)
        throw badImage(path, 'is damaged: its format of the backing file makes no sense');
      backingFormat = exactText(await file.read(at + 8, length, 'a header extension'), path);
    }
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return { backingFormat };
}

/** Refuses every way in which a qcow2 can make the engine read another file, but tells of its backing file if asked. */
async function references(
  file: ImageFile,
  head: Buffer,
  shape: { features: bigint; headerLength: number; clusterSize: number },
  tell: boolean,
): Promise<BackingReference | null> {
  const { path } = file;
  const offset = u64(head, 8, path, 'backing file offset');
  const length = head.readUInt32BE(16);
  // For QEMU too a name without a length is none.
  const named = offset !== 0 && length !== 0;
  if (named && !tell) {
    const name = await file.readUpTo(offset, Math.min(length, maxBackingName));
    throw badImage(path, `is an overlay on another file, ${printable(name)}, which is not read`, flatten);
  }
  if (offset > shape.clusterSize || (named && length > Math.min(maxBackingName, shape.clusterSize - offset)))
    throw badImage(path, 'is damaged: its name of a backing file makes no sense');
  const end = offset === 0 ? shape.clusterSize : offset;
  const { backingFormat } = await readExtensions(file, shape.headerLength, end);
  if ((shape.features & incompatible.dataFile) !== 0n) {
    throw badImage(path, 'keeps its data in another file that it does not name', flatten);
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
  if (facts.snapshots > maxSnapshots || (facts.snapshots > 0 && snapshotsOffset >= fileSize)) {
    throw badImage(path, 'is damaged: its snapshot table makes no sense');
  }
}

interface Shape {
  readonly version: number;
  readonly features: bigint;
  readonly headerLength: number;
  readonly clusterSize: number;
}

function shapeOf(path: string, head: Buffer): Shape {
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
  return { version, features, headerLength, clusterSize: 2 ** clusterBits };
}

function refuseUnknown(path: string, head: Buffer, { version, features }: Shape): void {
  if ((features & ~knownIncompatible) !== 0n) {
    const bits = `0x${features.toString(16)}`;
    throw badImage(path, `uses features of qcow2 that are not known here (${bits})`, flatten);
  }
  if (head.readUInt32BE(32) !== 0)
    throw badImage(path, 'is encrypted', 'Decrypt it where it comes from, then import the result.');
  if (version === 3 && head.readUInt32BE(96) > 6)
    throw badImage(path, 'is damaged: its refcount order is above 6');
}

/** Whether a file begins as every qcow2 does. */
export function hasQcow2Magic(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32BE(0) === 0x514649fb;
}

/**
 * Checks that a qcow2 file is whole, sane and refers to no other file, or to none but a backing file that is told.
 * @throws KameError BAD_IMAGE naming the file and what it refers to
 */
export async function checkQcow2(file: ImageFile, options: CheckOptions = {}): Promise<Qcow2Facts> {
  const { path } = file;
  const head = await file.readUpTo(0, 112);
  const shape = shapeOf(path, head);
  const backing = await references(file, head, shape, options.backing === 'tell');
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
  };
  refuseGeometry(path, head, facts, file.size);
  if (options.tables !== false) await refuseDamagedTables(file, facts.mapping);
  return { ...facts, backing };
}
