import { rm } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { CreatedDisk, CreateDisk } from '../../api/checkpoint.ts';
import { KameError } from '../../core/errors.ts';
import { createQcow2 } from '../../disk/qemu-img.ts';
import { isTaken, temporaryName } from '../../sys/files.ts';
import { linkFile } from '../../sys/link.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { checkSize } from './add.ts';

function takenError(path: string): KameError {
  return new KameError('ALREADY_EXISTS', `The file already exists: ${path}`, {
    next: 'Choose another name, or remove the file.',
    details: { path },
  });
}

/**
 * Creates an empty disk that belongs to no machine yet: a qcow2, whatever its name. It appears complete or not at all.
 * @throws KameError INVALID_VALUE, ALREADY_EXISTS, DISK_FULL, FILE_ACCESS, ENGINE_MISSING
 */
export async function createDiskFile(host: Host, { path, sizeBytes }: CreateDisk): Promise<CreatedDisk> {
  checkSize(sizeBytes);
  if (!isAbsolute(path)) throw new KameError('USAGE', `${path} is not an absolute path.`);
  if (await isTaken(path)) throw takenError(path);
  const temporary = temporaryName(path);
  try {
    await createQcow2({ qemuImg: await qemuImg(host), path: temporary, sizeBytes });
    if (!(await linkFile(temporary, path))) throw takenError(path);
  } finally {
    await rm(temporary, { force: true });
  }
  return { path, sizeBytes };
}
