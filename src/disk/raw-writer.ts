import { open, rm } from 'node:fs/promises';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { fileError } from '../sys/files.ts';
import type { Disk } from './format/disk.ts';
import { isZero } from './format/zero.ts';

/**
 * Writes a disk to a new raw file, leaving holes where it is zero. The file is removed after a failure or cancellation.
 * @throws KameError DISK_FULL, FILE_ACCESS, CANCELLED, and any error from reading the disk
 */
export async function writeSparseRaw(disk: Disk, path: string, progress: Progress): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.truncate(disk.size);
      for await (const { offset, data } of disk.blocks()) {
        if (progress.signal.aborted) throw new KameError('CANCELLED', `Writing ${path} was cancelled.`);
        if (!isZero(data)) await file.write(data, 0, data.length, offset);
        progress.report({
          stage: 'Reading the disk',
          done: offset + data.length,
          total: disk.size,
          unit: 'bytes',
        });
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
      await rm(path, { force: true });
    throw fileError(error, path);
  }
}
