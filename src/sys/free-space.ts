import { statfs } from 'node:fs/promises';
import { KameError } from '../core/errors.ts';
import { formatSize } from '../core/units.ts';
import { fileError } from './files.ts';

/** Free bytes for unprivileged programs on the file system of `directory`. */
export async function freeSpace(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch (error) {
    throw fileError(error, directory);
  }
}

/**
 * Checks before a large write that there is enough free space.
 * @throws KameError DISK_FULL naming the bytes needed and the bytes free
 */
export async function requireFreeSpace(directory: string, bytesNeeded: number, path: string): Promise<void> {
  const bytesFree = await freeSpace(directory);
  if (bytesFree >= bytesNeeded) return;
  throw new KameError(
    'DISK_FULL',
    `${path} needs ${bytesNeeded} bytes (${formatSize(bytesNeeded)}), but its disk has only ${bytesFree} bytes (${formatSize(bytesFree)}) free.`,
    { details: { path, bytesNeeded, bytesFree } },
  );
}
