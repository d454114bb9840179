import { isAbsolute, normalize } from 'node:path';
import type { FileStamp } from './file-stamp.ts';
import { maxVirtualSize } from './format/limits.ts';

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

/** A guest that reads from the last part goes through the tables of all others. */
export const maxParts = 128;
/** A sparse disk of 2 TiB in files of 2 GiB. */
export const maxOriginals = 1100;

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

/** What a map says, if it describes a disk. Anyone may have written it. @param fileSize bytes of the file of the map */
export function diskMapFrom(value: unknown, fileSize: number): DiskMap | undefined {
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
