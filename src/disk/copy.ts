import { constants } from 'node:fs';
import { chmod, copyFile, rm } from 'node:fs/promises';
import { errnoOf } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { fileError } from '../sys/files.ts';
import type { Disk, DiskBlock } from './format/disk.ts';
import { ImageFile } from './format/image-file.ts';
import { writeSparseRaw } from './raw-writer.ts';

const blockBytes = 1024 * 1024;
/** Errors of file systems that cannot share blocks between the two files. */
const noReflink = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY', 'EPERM']);

async function reflink(source: string, target: string): Promise<boolean> {
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    await chmod(target, 0o600);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw fileError(error, target);
    await rm(target, { force: true });
    if (noReflink.has(errnoOf(error) ?? '')) return false;
    throw fileError(error, target);
  }
}

/** The bytes of a file as a disk. */
function bytesOf(file: ImageFile): Disk {
  return {
    size: file.size,
    blockSize: blockBytes,
    estimate: file.allocated,
    async *blocks(): AsyncGenerator<DiskBlock> {
      for (let offset = 0; offset < file.size; offset += blockBytes) {
        const data = await file.read(offset, Math.min(blockBytes, file.size - offset), 'the rest');
        yield { offset, data };
      }
    },
    async [Symbol.asyncDispose]() {
      await file[Symbol.asyncDispose]();
    },
  };
}

/**
 * Copies a file to a new one: instantly where the file system can share blocks (APFS, btrfs, XFS), otherwise block by
 * block, without zeros. The target is removed after a failure or cancellation.
 * @throws KameError DISK_FULL, FILE_ACCESS, CANCELLED, BAD_IMAGE
 */
export async function copyImage(source: string, target: string, progress: Progress): Promise<void> {
  if (await reflink(source, target)) return;
  await using disk = bytesOf(await ImageFile.open(source));
  await writeSparseRaw(disk, target, progress);
}
