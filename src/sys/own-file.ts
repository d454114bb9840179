import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileError, readCapped } from './files.ts';

/**
 * The only way to open a file that belongs to a bundle or to a home. Anyone who can write to the directory may have put
 * something else under its name: a symbolic link or a hard link to a file of the user, or a named pipe, on which an
 * ordinary open would wait for a writer.
 */

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

function refusal(path: string, what: string, next: string): KameError {
  return new KameError('FILE_ACCESS', `${path} is ${what}, so Kame does not use it.`, {
    next,
    details: { path },
  });
}

const moveAway = 'Move it away; Kame makes a new one when it needs one.';

/** open(2) reports a link as ELOOP (Linux, macOS), a socket or a pipe without a reader as ENXIO, and a directory as EISDIR. */
function openError(error: unknown, path: string): KameError {
  if (errnoOf(error) === 'ELOOP') return refusal(path, 'a symbolic link', moveAway);
  if (errnoOf(error) === 'EISDIR') return refusal(path, 'a directory, not a file', moveAway);
  if (errnoOf(error) === 'ENXIO') return refusal(path, 'a pipe or a socket, not a file', moveAway);
  return fileError(error, path);
}

function requireFile(path: string, found: Stats): void {
  if (!found.isFile()) throw refusal(path, 'not a regular file', moveAway);
}

/** Whether what a user owns may be ours. Root may own a file of ours: after `sudo`, for example. */
export function isOwner(uid: number): boolean {
  return uid === 0 || uid === (process.geteuid?.() ?? uid);
}

function requireOwner(path: string, { uid }: Stats): void {
  if (isOwner(uid)) return;
  throw refusal(
    path,
    `a file of another user (uid ${uid})`,
    'Change its owner, or move it away, if you know where it comes from.',
  );
}

/** A file that is written in place. A second name of it may be anywhere, such as in the user's home. */
function requireWritable(path: string, found: Stats): void {
  requireFile(path, found);
  requireOwner(path, found);
  if (found.nlink > 1) throw refusal(path, 'a hard link to a file that has other names too', moveAway);
}

async function openChecked(
  path: string,
  flags: number,
  check: (path: string, found: Stats) => void,
): Promise<FileHandle> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o600);
    check(path, await file.stat());
    return file;
  } catch (error) {
    await file?.close();
    throw openError(error, path);
  }
}

/** Opens a regular file for reading; links are not followed. @throws KameError FILE_ACCESS */
export async function openOwn(path: string): Promise<FileHandle> {
  return await openChecked(path, O_RDONLY, requireFile);
}

/**
 * Opens a file of this user for appending, and creates it if necessary.
 * @throws KameError FILE_ACCESS for a link, a file with several names, a file of another user, and anything but a file
 */
export async function openToAppend(path: string): Promise<FileHandle> {
  return await openChecked(path, O_WRONLY | O_APPEND | O_CREAT, requireWritable);
}

/** Opens a file of this user for writing in place. @throws KameError FILE_ACCESS as openToAppend, and if it does not exist */
export async function openToWrite(path: string): Promise<FileHandle> {
  return await openChecked(path, O_WRONLY, requireWritable);
}

/** `openOwn` for error paths that must not wait. @returns a file descriptor; the caller closes it. @throws KameError FILE_ACCESS */
export function openOwnSync(path: string): number {
  return openCheckedSync(path, O_RDONLY, requireFile);
}

/** `openToAppend` for the output of a process. @returns a file descriptor; the caller closes it. @throws KameError FILE_ACCESS */
export function openLogSync(path: string): number {
  return openCheckedSync(path, O_WRONLY | O_APPEND | O_CREAT, requireWritable);
}

function openCheckedSync(path: string, flags: number, check: (path: string, found: Stats) => void): number {
  let file: number | undefined;
  try {
    file = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o600);
    check(path, fstatSync(file));
    return file;
  } catch (error) {
    if (file !== undefined) closeSync(file);
    throw openError(error, path);
  }
}

export interface ReadOwnOptions {
  /** The largest size, in bytes. */
  readonly maxBytes: number;
  /** The file controls what Kame does to other files, so it must belong to this user. */
  readonly trusted?: boolean;
}

/**
 * Reads a file of a bundle or a home.
 * @throws KameError FILE_ACCESS for a link, for anything but a regular file, and for another user's if it must be trusted;
 * INVALID_VALUE if it is too large
 */
export async function readOwn(path: string, { maxBytes, trusted = false }: ReadOwnOptions): Promise<Buffer> {
  const file = await openOwn(path);
  try {
    if (trusted) requireOwner(path, await file.stat());
    return await readCapped(file, path, maxBytes);
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await file.close();
  }
}

/** As `readOwn`; undefined if there is no such file. */
export async function readOwnIfThere(path: string, options: ReadOwnOptions): Promise<Buffer | undefined> {
  try {
    return await readOwn(path, options);
  } catch (error) {
    if (error instanceof KameError && errnoOf(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Checks that a path is a real directory of this user, so that its contents may be removed.
 * @returns false if nothing is there
 * @throws KameError FILE_ACCESS for a link, a file, and a directory of another user
 */
export async function isOwnDirectory(path: string): Promise<boolean> {
  let found: Stats;
  try {
    found = await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fileError(error, path);
  }
  if (found.isSymbolicLink()) throw refusal(path, 'a symbolic link', moveAway);
  if (!found.isDirectory()) throw refusal(path, 'not a directory', moveAway);
  requireOwner(path, found);
  return true;
}
