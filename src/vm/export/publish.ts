import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { KameError, errnoOf } from '../../core/errors.ts';
import { movingName, placedName } from '../../store/names.ts';
import { fileError, syncDirectory } from '../../sys/files.ts';
import { linkFile } from '../../sys/link.ts';
import { refuseTaken, takenError, type Destination } from './destination.ts';

/** Where files are published. */
type Place = Pick<Destination, 'path' | 'directory'> & { readonly kind: Destination['kind'] | 'vmdk' };

type Link = typeof linkFile;

/** Gives a file a second name, if nothing has that yet. @returns false where hard links are not possible */
async function placeFile(from: string, to: string, link: Link): Promise<boolean> {
  try {
    return await link(from, to);
  } catch (error) {
    const cause: unknown = error instanceof KameError ? error.cause : error;
    throw errnoOf(cause) === 'EEXIST' ? takenError(to) : error;
  }
}

/** Gives files their places, all of them or none. @returns false where hard links are not possible */
async function linkFiles(
  temporary: string,
  directory: string,
  names: readonly string[],
  link: Link,
): Promise<boolean> {
  const placed: string[] = [];
  let isDone = false;
  try {
    for (const name of names) {
      const path = join(directory, name);
      if (!(await placeFile(join(temporary, name), path, link))) return false;
      placed.push(path);
    }
    await syncDirectory(directory);
    // From now on they stay. While the directory has its old name, recovery takes back those that it still has.
    await rename(temporary, placedName(temporary));
    isDone = true;
    return true;
  } finally {
    if (!isDone) for (const path of placed) await rm(path, { force: true });
  }
}

/** Moves files to their places. All are complete: if a kill interrupts this, recovery moves the others. */
async function moveFiles(temporary: string, directory: string, names: readonly string[]): Promise<void> {
  const moving = movingName(temporary);
  await syncDirectory(temporary);
  await rename(temporary, moving);
  const moved: string[] = [];
  try {
    for (const name of names) {
      await refuseTaken(join(directory, name));
      await rename(join(moving, name), join(directory, name));
      moved.unshift(name);
    }
    await syncDirectory(directory);
  } catch (error) {
    for (const name of moved) await rename(join(directory, name), join(moving, name));
    throw error;
  }
}

async function placeFiles(temporary: string, { path, directory }: Place, link: Link): Promise<string[]> {
  const main = basename(path);
  // Who finds a descriptor must find all that it names, so it comes last.
  const others = (await readdir(temporary)).filter((name) => name !== main).sort();
  const names = [...others, main];
  for (const name of names) await refuseTaken(join(directory, name));
  if (!(await linkFiles(temporary, directory, names, link))) await moveFiles(temporary, directory, names);
  return names.map((name) => join(directory, name));
}

async function placeBundle(temporary: string, { path, directory }: Place): Promise<string[]> {
  const names = (await readdir(temporary)).sort();
  await syncDirectory(temporary);
  await refuseTaken(path);
  // Onto a directory that is not empty, or onto a file, this fails.
  await rename(temporary, path);
  await syncDirectory(directory);
  return names.map((name) => join(path, name));
}

/** A file of an export. */
export interface PublishedFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Fills a hidden directory beside the destination, and gives what is in it its place: all of it or nothing.
 * @param temporary the hidden directory; it does not exist before, nor afterwards
 * @param link makes hard links
 * @throws KameError ALREADY_EXISTS, DISK_FULL, FILE_ACCESS, and what `fill` throws
 */
export async function publish(
  place: Place,
  temporary: string,
  fill: (directory: string) => Promise<void>,
  link: Link = linkFile,
): Promise<readonly PublishedFile[]> {
  try {
    await mkdir(temporary, { mode: 0o700 });
    await fill(temporary);
    const paths =
      place.kind === 'vmwarevm'
        ? await placeBundle(temporary, place)
        : await placeFiles(temporary, place, link);
    return await Promise.all(paths.map(async (each) => ({ path: each, sizeBytes: (await stat(each)).size })));
  } catch (error) {
    throw fileError(error, place.path);
  } finally {
    for (const each of [placedName(temporary), movingName(temporary), temporary])
      await rm(each, { recursive: true, force: true });
  }
}
