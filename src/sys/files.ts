import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KameError, errnoOf, messageOf } from '../core/errors.ts';

/** Translates a file system error into one that a person can act on. */
export function fileError(error: unknown, path: string): KameError {
  if (error instanceof KameError) return error;
  if (errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT') {
    return new KameError('DISK_FULL', `The disk is full: ${path} could not be written.`, {
      cause: error,
      details: { path },
    });
  }
  if (errnoOf(error) === 'ENOENT')
    return new KameError('FILE_ACCESS', `${path} does not exist.`, {
      next: 'Check the path.',
      cause: error,
      details: { path },
    });
  const why = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')
    ? `this user has no permission (${errnoOf(error)})`
    : messageOf(error);
  return new KameError('FILE_ACCESS', `${path}: ${why}`, { cause: error, details: { path } });
}

async function isFound(look: Promise<unknown>, path: string): Promise<boolean> {
  try {
    await look;
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false;
    throw fileError(error, path);
  }
}

/** Whether a path exists; symbolic links are followed. @throws KameError FILE_ACCESS when that cannot be determined */
export async function exists(path: string): Promise<boolean> {
  return await isFound(stat(path), path);
}

/**
 * Whether a name is in use, even by a dangling symbolic link.
 * @throws KameError FILE_ACCESS when that cannot be determined
 */
export async function isTaken(path: string): Promise<boolean> {
  return await isFound(lstat(path), path);
}

/** Space a file takes on the host, in bytes. Linux and macOS count `blocks` in units of 512 on every file system. */
export function allocatedOf({ blocks }: { readonly blocks: number }): number {
  return blocks * 512;
}

/** Space the file at a path takes on the host, in bytes; undefined when it does not exist or is not accessible. */
export async function allocatedBytes(path: string): Promise<number | undefined> {
  return await stat(path).then(allocatedOf, () => undefined);
}

/** Flushes the names in a directory to the disk. @throws KameError FILE_ACCESS */
export async function syncDirectory(path: string): Promise<void> {
  let directory: FileHandle | undefined;
  try {
    directory = await open(path, 'r');
    await directory.sync();
  } catch (error) {
    // Some file systems cannot sync a directory; the rename itself has happened.
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes(errnoOf(error) ?? '')) throw fileError(error, path);
  } finally {
    await directory?.close();
  }
}

/** Flushes a file to the disk, whichever program wrote it. @throws KameError DISK_FULL, FILE_ACCESS */
export async function syncFile(path: string): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    await file.datasync();
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await file?.close();
  }
}

/** Flushes files and the names in their directory to the disk. @throws KameError DISK_FULL, FILE_ACCESS */
export async function syncFiles(directory: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) await syncFile(path);
  await syncDirectory(directory);
}

/** The temporary name beside `path` that writeFileAtomic uses; garbage collection recognises the pattern. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
}

const temporaryForm = /^\..+\.[0-9a-f]{12}\.tmp$/;

/** Whether a name is one that `temporaryName` returns. */
export function isTemporaryName(name: string): boolean {
  return temporaryForm.test(name);
}

/**
 * Replaces a file so that at any instant it has either the old or the new content: temporary file, sync, rename, sync
 * of the directory. `sync: false` omits the syncs, for files that are meaningless after the host restarts.
 * @throws KameError DISK_FULL, FILE_ACCESS; the temporary file is removed
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  mode = 0o600,
  options: { readonly sync?: boolean } = {},
): Promise<void> {
  const sync = options.sync ?? true;
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    if (sync) await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(error, path);
  }
}

/**
 * Reads an open file from its start, at most `maxBytes`.
 * @throws KameError FILE_ACCESS if it is not a regular file; INVALID_VALUE if it is larger than `maxBytes`
 */
export async function readCapped(file: FileHandle, path: string, maxBytes: number): Promise<Buffer> {
  const stat = await file.stat();
  if (!stat.isFile())
    throw new KameError('FILE_ACCESS', `${path} is not a regular file.`, { details: { path } });
  const { size } = stat;
  if (size > maxBytes) {
    throw new KameError('INVALID_VALUE', `${path} is ${size} bytes long; the limit is ${maxBytes} bytes.`);
  }
  // It may grow while it is being read.
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await file.read(buffer, 0, size, 0);
  return buffer.subarray(0, bytesRead);
}

/**
 * Reads a text or binary file of at most `maxBytes`.
 * @throws KameError FILE_ACCESS, also if it is not a regular file; INVALID_VALUE if it is larger than `maxBytes`
 */
export async function readFileCapped(path: string, maxBytes: number): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer indefinitely.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return await readCapped(file, path, maxBytes);
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await file?.close();
  }
}
