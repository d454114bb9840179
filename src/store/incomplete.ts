import { lstat, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { placedName, placingExtension } from './names.ts';

/**
 * Removes a hidden directory whose content was not complete when Kame was killed. If its files were to be beside it, those that have
 * their names there already, by a hard link, are removed too. A bundle gets its place as a whole: a clone may have hard links to files
 * of its source, which may be beside it, and stay.
 */
export async function removeIncomplete(directory: string): Promise<void> {
  if (directory.endsWith(placingExtension)) {
    await removePlaced(directory);
    await rm(placedName(directory), { recursive: true, force: true });
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

/** Device and inode of a regular file. */
async function fileOf(path: string): Promise<string | undefined> {
  return await lstat(path, { bigint: true }).then(
    (found) => (found.isFile() ? `${found.dev}:${found.ino}` : undefined),
    () => undefined,
  );
}
