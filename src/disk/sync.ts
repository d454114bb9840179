import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../core/errors.ts';
import { fileError } from '../sys/files.ts';

async function sync(path: string, mayRefuse: boolean): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    await file.sync();
  } catch (error) {
    // Some file systems refuse to sync a directory; what was done in it has happened.
    if (!mayRefuse || !['EINVAL', 'ENOTSUP', 'EPERM'].includes(errnoOf(error) ?? ''))
      throw fileError(error, path);
  } finally {
    await file?.close();
  }
}

/** Waits until what another program wrote to a file is on the disk. @throws KameError FILE_ACCESS, DISK_FULL */
export async function syncFile(path: string): Promise<void> {
  await sync(path, false);
}

/** Waits until the name of a file is on the disk. @throws KameError FILE_ACCESS */
export async function syncDirectoryOf(path: string): Promise<void> {
  await sync(dirname(path), true);
}
