import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isTaken, syncDirectory } from '../sys/files.ts';
import { isOwnDirectory } from '../sys/own-file.ts';
import { movingName, placedName, placingExtension } from './names.ts';

/**
 * Removes a hidden directory whose content was not complete when Kame was killed. If its files were to be beside it, those that have
 * their names there already, by a hard link, are removed too; where they were moved, which begins when all are complete, the others
 * follow. A bundle gets its place as a whole: a clone may have hard links to files of its source, which may be beside it, and stay.
 */
export async function removeIncomplete(directory: string): Promise<void> {
  if (directory.endsWith(placingExtension)) {
    await removePlaced(directory);
    await finishMoving(movingName(directory));
    for (const each of [placedName(directory), movingName(directory)])
      await rm(each, { recursive: true, force: true });
  }
  await rm(directory, { recursive: true, force: true });
}

async function removePlaced(directory: string): Promise<void> {
  const names = await readdir(directory).catch((): string[] => []);
  for (const name of names) {
    const place = join(dirname(directory), name);
    const [own, placed] = await Promise.all([join(directory, name), place].map(fileOf));
    if (own !== undefined && own === placed) await rm(place);
  }
}

/** Moves to their places what a kill left behind, unless one of them was taken in the meantime. */
async function finishMoving(directory: string): Promise<void> {
  // In a place that is open to others, somebody may have put a link there.
  if (!(await isOwnDirectory(directory).catch(() => false))) return;
  const place = dirname(directory);
  // The names of other files begin with that of the descriptor, and `-` comes before its extension: so it is the last one.
  const names = (await readdir(directory)).sort();
  const taken = await Promise.all(names.map(async (name) => await isTaken(join(place, name))));
  if (names.length === 0 || taken.includes(true)) return;
  for (const name of names) await rename(join(directory, name), join(place, name));
  await syncDirectory(place);
}

/** Device and inode of a regular file. */
async function fileOf(path: string): Promise<string | undefined> {
  return await lstat(path, { bigint: true }).then(
    (found) => (found.isFile() ? `${found.dev}:${found.ino}` : undefined),
    () => undefined,
  );
}
