import { rm } from 'node:fs/promises';
import { KameError, errnoOf } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { fileError } from '../sys/files.ts';
import type { Disk } from './format/disk.ts';
import { Qcow2Writer } from './qcow2-writer.ts';

/**
 * Writes a disk to a new qcow2, without its zeros. The file is removed after a failure or cancellation.
 * @throws KameError DISK_FULL, FILE_ACCESS, CANCELLED, and any error from reading the disk
 */
export async function writeQcow2(disk: Disk, path: string, progress: Progress): Promise<void> {
  try {
    await using writer = await Qcow2Writer.create(path, disk.size);
    for await (const block of disk.blocks()) {
      if (progress.signal.aborted) throw new KameError('CANCELLED', `Writing ${path} was cancelled.`);
      await writer.write(block);
      const done = block.offset + block.data.length;
      progress.report({ stage: 'Reading the disk', done, total: disk.size, unit: 'bytes' });
    }
    await writer.finish();
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') await rm(path, { force: true });
    throw fileError(error, path);
  }
}
