import { lstat, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Removes a hidden directory whose content was not complete when Kame was killed. Files of it that have a name beside it already,
 * by a hard link, were being put in their place: these names are removed too.
 */
export async function removeIncomplete(directory: string): Promise<void> {
  const names = await readdir(directory).catch((): string[] => []);
  for (const name of names) {
    const place = join(dirname(directory), name);
    const [own, placed] = await Promise.all([join(directory, name), place].map(fileOf));
    if (own !== undefined && own === placed) await rm(place);
  }
  await rm(directory, { recursive: true, force: true });
}

/** Device and inode of a regular file. */
async function fileOf(path: string): Promise<string | undefined> {
  return await lstat(path, { bigint: true }).then(
    (found) => (found.isFile() ? `${found.dev}:${found.ino}` : undefined),
    () => undefined,
  );
}
