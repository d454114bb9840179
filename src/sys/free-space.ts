import { statfs } from 'node:fs/promises';
import { KameError } from '../core/errors.ts';
import { formatSize } from '../core/units.ts';
import { fileError } from './files.ts';

/** Bytes that an unprivileged program may still write to the file system of `directory`. */
export async function freeSpace(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch (error) {
    throw fileError(error, directory);
  }
}

/**
 * Refuses to begin what can't end for want of room.
 * @throws KameError DISK_FULL naming the bytes needed and the bytes there
 */
export async function requireFreeSpace(directory: string, bytesNeeded: number, path: string): Promise<void> {
  const bytesFree = await freeSpace(directory);
  if (bytesFree >= bytesNeeded) return;
  throw new KameError(
    'DISK_FULL',
    `${path} needs ${bytesNeeded} bytes (${formatSize(bytesNeeded)}), and its disk has ${formatSize(bytesFree)} left.`,
    { details: { path, bytesNeeded, bytesFree } },
  );
}
