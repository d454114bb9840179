import type { Stats } from 'node:fs';
import { lstat, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, KameError } from '../core/errors.ts';
import { fileError } from '../sys/files.ts';

async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileError(error, path);
  }
}

/** Both are directories, so that what is in one goes into the other. */
function merges(staged: Stats, present: Stats | undefined): boolean {
  return staged.isDirectory() && (present?.isDirectory() ?? false);
}

/** @throws KameError ALREADY_EXISTS before anything is changed, if a directory would replace a file or the other way round */
async function check(staged: string, target: string): Promise<void> {
  const [from, to] = [await lstat(staged), await statsOf(target)];
  if (merges(from, to)) {
    for (const name of await readdir(staged)) await check(join(staged, name), join(target, name));
    return;
  }
  if (!to || (!from.isDirectory() && !to.isDirectory())) return;
  const words = to.isDirectory()
    ? 'is a directory, and what is copied is not'
    : 'is not a directory, and what is copied is';
  throw new KameError('ALREADY_EXISTS', `${target} ${words}.`, {
    next: 'Choose another place, or move it away.',
  });
}

async function move(staged: string, target: string): Promise<void> {
  const [from, to] = [await lstat(staged), await statsOf(target)];
  if (merges(from, to)) {
    for (const name of await readdir(staged)) await move(join(staged, name), join(target, name));
  } else {
    await rename(staged, target).catch((error: unknown) => {
      throw fileError(error, target);
    });
  }
}

/**
 * Puts what was extracted in its place, as `cp -a` does: a file replaces a file, and a directory is added to a directory.
 * Both are in the same file system. What is in place is whole at every moment. Links in the target are not followed.
 * @throws KameError ALREADY_EXISTS, FILE_ACCESS
 */
export async function place(staged: string, target: string): Promise<void> {
  await check(staged, target);
  await move(staged, target);
}
