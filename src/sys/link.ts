import { link } from 'node:fs/promises';
import { errnoOf } from '../core/errors.ts';
import { fileError } from './files.ts';

/** Where hard links can't be made: between file systems, and on those without them. */
const noLink = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS']);

/**
 * Gives a file that never changes a second name. Each machine can be deleted without the other. False where the file
 * system can't.
 */
export async function linkFile(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (noLink.has(errnoOf(error) ?? '')) return false;
    throw fileError(error, to);
  }
}
