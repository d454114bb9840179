import { createHash } from 'node:crypto';
import { isAbsolute, normalize } from 'node:path';
import type { FileStamp } from './file-stamp.ts';
import { maxVirtualSize } from './format/limits.ts';
import { badImage, type ImageFile } from './format/image-file.ts';
import { extension, hasQcow2Magic } from './qcow2-header.ts';
import { headerLength } from './qcow2-layout.ts';

/**
 * A map: the lowest layer of a disk whose content stays in the files of another program, such as VMware, which are only ever
 * read. The file has several parts, and at its end what is below, as JSON. Each part is a qcow2, an overlay on one of these
 * files as raw; what it shows is that file with the header and the tables of a second qcow2 around it, and those refer to the
 * data in the file. A header extension of the first part says where the JSON is, and has its hash.
 */

/** A file of the original. */
export interface OriginalFile extends FileStamp {
  /** Absolute, without symbolic links when the map was made. */
  readonly path: string;
  /** The content id that a descriptor in it has; null for a file without one. */
  readonly cid: string | null;
}

/** What the disk has in one file. Where it has nothing, the next part counts. */
export interface MapPart {
  /** Where the overlay is in the map, in bytes. */
  readonly at: number;
  readonly bytes: number;
  /** Path of the file. */
  readonly path: string;
  /** The bytes of the file that the overlay is on: its data are aligned to clusters from there. */
  readonly offset: number;
  readonly length: number;
}

export interface DiskMap {
  /** Size of the disk in the guest, in bytes. */
  readonly size: number;
  /** From the top down: those of a delta come before those of its parent. */
  readonly parts: readonly MapPart[];
  readonly originals: readonly OriginalFile[];
}

/**
 * What the first part names as its backing file, although the engine gets that as a node. Whoever opens the map by its name, as
 * `qemu-img` does for the backing file of an overlay, is told that there is no such protocol, and sees no wrong content.
 */
export const mapBacking = 'kame-map:this-disk-is-used-in-place';
/** A guest that reads from the last part goes through the tables of all others. */
export const maxParts = 128;
/** A sparse disk of 2 TiB in files of 2 GiB. */
export const maxOriginals = 1100;
/** Bytes at the end that the JSON may take. They do not change when an original is found elsewhere: clones know a file by its size. */
export const mapRoom = 8 * 1024 * 1024;
const hashBytes = 32;
/** Offset and length of the JSON, each in 8 bytes, and its hash. */
const frameBytes = 16 + hashBytes;
/** How many bytes isMapHead needs. */
export const mapHeadBytes = headerLength + 8 + frameBytes;

/** Whether a file that begins like this is a map. */
export function isMapHead(head: Buffer): boolean {
  return (
    head.length >= mapHeadBytes && hasQcow2Magic(head) && head.readUInt32BE(headerLength) === extension.map
  );
}

/**
 * The header of a map whose JSON is to be at `offset`.
 * @param fixed part of the header of the first part
 * @param json a DiskMap
 */
export function mapHeader(json: Buffer, fixed: Buffer, offset: number): Buffer {
  // Zeros after the extension end the list of extensions.
  const nameAt = mapHeadBytes + 8;
  const header = Buffer.alloc(nameAt + mapBacking.length);
  fixed.copy(header);
  header.writeBigUInt64BE(BigInt(nameAt), 8);
  header.writeUInt32BE(mapBacking.length, 16);
  header.writeUInt32BE(extension.map, headerLength);
  header.writeUInt32BE(frameBytes, headerLength + 4);
  header.writeBigUInt64BE(BigInt(offset), headerLength + 8);
  header.writeBigUInt64BE(BigInt(json.length), headerLength + 16);
  createHash('sha256')
    .update(json)
    .digest()
    .copy(header, headerLength + 24);
  header.write(mapBacking, nameAt, 'latin1');
  return header;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 4096 && isAbsolute(value) && normalize(value) === value;
}

function isCount(value: unknown, unit: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value % unit === 0;
}

function isOriginal(value: unknown): value is OriginalFile {
  const { path, file, size, time, cid } = fieldsOf(value);
  const isText = (text: unknown) => typeof text === 'string' && /^\d{1,25}(?::\d{1,25})?$/u.test(text);
  const hasCid = cid === null || (typeof cid === 'string' && cid.length <= 64);
  return isPath(path) && !path.includes('\0') && isText(file) && isText(size) && isText(time) && hasCid;
}

function isPart(value: unknown, paths: ReadonlySet<unknown>, fileSize: number): value is MapPart {
  const { at, bytes, path, offset, length } = fieldsOf(value);
  const isInside = isCount(at, 4096) && isCount(bytes, 4096) && bytes > 0 && at + bytes <= fileSize;
  return isInside && isCount(offset, 512) && isCount(length, 512) && length > 0 && paths.has(path);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Checks what a map says. Anyone may have written it. */
function mapFrom(value: unknown, fileSize: number): DiskMap | undefined {
  const { size, parts, originals } = fieldsOf(value);
  const files = listOf(originals);
  const all = listOf(parts);
  if (!isCount(size, 512) || size === 0 || size > maxVirtualSize) return undefined;
  if (all.length === 0 || all.length > maxParts || files.length > maxOriginals) return undefined;
  if (!files.every(isOriginal)) return undefined;
  const paths = new Set<unknown>(files.map(({ path }) => path));
  if (!all.every((part) => isPart(part, paths, fileSize))) return undefined;
  return { size, parts: all, originals: files };
}

/** Reads what a map says of itself. @throws KameError BAD_IMAGE unless it is whole */
export async function readMapFacts(file: ImageFile): Promise<DiskMap> {
  const frame = await file.read(headerLength + 8, frameBytes, 'its header');
  const [offset, length] = [Number(frame.readBigUInt64BE(0)), Number(frame.readBigUInt64BE(8))];
  if (length > mapRoom || offset > file.size)
    throw badImage(file.path, 'is damaged: its list of files is not where it should be');
  const json = await file.read(offset, length, 'its list of files');
  const hash = createHash('sha256').update(json).digest();
  if (!hash.equals(frame.subarray(16)))
    throw badImage(file.path, 'is damaged: its list of files is not as it was written');
  const map = mapFrom(parsed(json), file.size);
  if (!map) throw badImage(file.path, 'is damaged: its list of files does not describe a disk');
  return map;
}

function parsed(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    return undefined;
  }
}
