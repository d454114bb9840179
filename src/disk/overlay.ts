import { link, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileError, isTaken, syncDirectory, temporaryName } from '../sys/files.ts';
import { writableBackingName } from './backing-name.ts';
import { maxVirtualSize } from './format/limits.ts';
import { extension } from './qcow2-header.ts';
import {
  clusterSize,
  fixedHeader,
  headerLength,
  perL1Entry,
  perL2Table,
  refcountBlocks,
} from './qcow2-layout.ts';

export interface OverlayOptions {
  /** Path of the new qcow2. */
  readonly path: string;
  /**
   * The backing file as written into the header: relative to the directory of `path`, or absolute. It is not opened.
   */
  readonly backing: string;
  readonly backingFormat: 'qcow2' | 'raw';
  /** In bytes, a multiple of 512, at most 64 TiB. Usually that of the backing file; anything beyond its end is zero. */
  readonly virtualSize: number;
  /** False if the caller syncs the file later, or discards it after a power failure. */
  readonly sync?: boolean;
}

/** Offsets: after the header come refcount table, one refcount block and L1 table, each one cluster or more. */
const at = { refcountTable: clusterSize, refcountBlock: 2 * clusterSize, l1: 3 * clusterSize } as const;

function headerOf(options: OverlayOptions): Buffer {
  const name = Buffer.from(writableBackingName(options.backing));
  const format = Buffer.from(options.backingFormat);
  const nameAt = headerLength + 8 + 8 + 8;
  const header = Buffer.alloc(nameAt + name.length);
  fixedHeader({
    virtualSize: options.virtualSize,
    l1Offset: at.l1,
    refcountTableOffset: at.refcountTable,
    refcountTableClusters: 1,
  }).copy(header);
  header.writeBigUInt64BE(BigInt(nameAt), 8);
  header.writeUInt32BE(name.length, 16);
  // The format is an extension, padded to 8 bytes; zeros after it end the list of extensions.
  header.writeUInt32BE(extension.backingFormat, headerLength);
  header.writeUInt32BE(format.length, headerLength + 4);
  format.copy(header, headerLength + 8);
  name.copy(header, nameAt);
  return header;
}

async function write(path: string, options: OverlayOptions, header: Buffer): Promise<void> {
  const l1Clusters = Math.ceil(Math.ceil(options.virtualSize / perL1Entry) / perL2Table);
  const used = 3 + l1Clusters;
  // One refcount block is enough: it covers 32768 clusters, and the L1 table of the largest disk has 16.
  const counts = refcountBlocks(used);
  const table = Buffer.alloc(8);
  table.writeBigUInt64BE(BigInt(at.refcountBlock));
  const file = await open(path, 'wx', 0o600);
  try {
    await file.truncate(used * clusterSize);
    await file.write(header, 0, header.length, 0);
    await file.write(table, 0, table.length, at.refcountTable);
    await file.write(counts, 0, counts.length, at.refcountBlock);
    if (options.sync ?? true) await file.sync();
  } finally {
    await file.close();
  }
}

function alreadyThere(path: string, cause?: unknown): KameError {
  return new KameError('ALREADY_EXISTS', `${path} already exists.`, { details: { path }, cause });
}

/** Gives a finished file its name. Never replaces a file. */
async function publish(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw alreadyThere(path, error);
    // On a file system without hard links (exFAT, some network shares): check, then rename.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error;
    if (await isTaken(path)) throw alreadyThere(path, error);
    await rename(temporary, path);
  }
}

/**
 * Makes an empty qcow2 with a backing file. Writing it here, without qemu-img, takes only a few milliseconds. It
 * appears only once it is complete and on the disk, and never replaces a file.
 * @throws KameError ALREADY_EXISTS, INVALID_VALUE for a size or name that a header cannot hold, DISK_FULL, FILE_ACCESS
 */
export async function createOverlay(options: OverlayOptions): Promise<void> {
  const path = resolve(options.path);
  const { virtualSize } = options;
  if (!Number.isSafeInteger(virtualSize) || virtualSize < 512 || virtualSize > maxVirtualSize) {
    throw new KameError(
      'INVALID_VALUE',
      `The size of ${path} is ${virtualSize} bytes; it must be from 512 bytes to 64 TiB.`,
    );
  }
  if (virtualSize % 512 !== 0) {
    throw new KameError(
      'INVALID_VALUE',
      `The size of ${path} is ${virtualSize} bytes, which is not a multiple of 512.`,
    );
  }
  const header = headerOf(options);
  const temporary = temporaryName(path);
  try {
    await write(temporary, options, header);
    await publish(temporary, path);
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await rm(temporary, { force: true });
  }
  if (options.sync ?? true) await syncDirectory(dirname(path));
}
