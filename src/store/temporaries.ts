import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../core/errors.ts';
import { fileError } from '../sys/files.ts';

/** Temporary names that writeFileAtomic, similar functions and locks use: `.NAME.HEX.tmp`, `lock.HEX.stale`. */
const temporary = /^(?:\..+\.[0-9a-f]{12}\.tmp|.*lock\.[0-9a-f]{12}\.(?:tmp|stale))$/;

/**
 * Removes incomplete files that a kill left in a directory. Only for our own directories, and only while nothing writes
 * to them: when the daemon starts.
 * @throws KameError FILE_ACCESS
 */
export async function sweepTemporaries(directory: string): Promise<void> {
  try {
    for (const name of await readdir(directory)) {
      if (temporary.test(name)) await rm(join(directory, name), { force: true });
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw fileError(error, directory);
  }
}
