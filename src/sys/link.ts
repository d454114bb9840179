import { link } from 'node:fs/promises';
import { errnoOf } from '../core/errors.ts';
import { fileError } from './files.ts';

/** Errors of link(2) where hard links are not possible: between file systems, and on those without hard links. */
const noLink = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS']);

/**
 * Makes a hard link to a file that never changes, so that either machine can be deleted without the other.
 * @returns false where hard links are not possible
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
