import { copyFile, open, realpath, rename, rm, stat, utimes } from 'node:fs/promises';
import { constants } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { KameError } from '../core/errors.ts';
import { fileError, syncDirectory, temporaryName } from '../sys/files.ts';
import type { DiskMap, OriginalFile } from './disk-map.ts';
import { isUnchanged, stampOf } from './file-stamp.ts';
import { ImageFile } from './format/image-file.ts';
import { readMapFacts, writeMapFacts } from './map-facts.ts';

/** The place of an original in another directory: in it, or in one inside of it of the same name as before. */
async function placeIn(directory: string, original: OriginalFile): Promise<OriginalFile> {
  const name = basename(original.path);
  const places = [join(directory, name), join(directory, basename(dirname(original.path)), name)];
  for (const path of places) {
    const stamp = await stampOf(path);
    if (!stamp) continue;
    if (isUnchanged(original, stamp)) return { ...original, ...stamp, path };
    throw new KameError(
      'BROKEN_MACHINE',
      `${path} is not the file that it was: it has another size or time.`,
      {
        next: 'Restore the original from a backup with its time, or import it anew.',
        details: { path },
      },
    );
  }
  throw new KameError('FILE_ACCESS', `${name} is not in ${directory}.`, {
    next: 'Give the directory of the original machine, with all files of its disks.',
    details: { path: directory },
  });
}

async function replaceFacts(path: string, facts: DiskMap): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const { atime, mtime } = await stat(path);
    await copyFile(path, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const map = await open(temporary, 'r+');
    try {
      await writeMapFacts(map, facts);
    } finally {
      await map.close();
    }
    // Linked clones know it by its time.
    await utimes(temporary, atime, mtime);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Points a map at its originals after they were moved: each must be the same file, or a faithful copy.
 * @param path of the map, which no engine may have open
 * @returns the paths of the originals, or undefined if the map names these already
 * @throws KameError FILE_ACCESS, BROKEN_MACHINE naming the file, BAD_IMAGE, DISK_FULL
 */
export async function moveMap(path: string, directory: string): Promise<readonly string[] | undefined> {
  await using file = await ImageFile.open(path, { follow: false });
  const facts = await readMapFacts(file);
  const real = await realpath(directory).catch((error: unknown) => {
    throw fileError(error, directory);
  });
  const places = new Map<string, OriginalFile>();
  for (const original of facts.originals) places.set(original.path, await placeIn(real, original));
  const originals = [...places.values()];
  if (originals.every((original) => places.has(original.path))) return undefined;
  const parts = facts.parts.map((part) => ({ ...part, path: places.get(part.path)?.path ?? part.path }));
  await replaceFacts(path, { ...facts, parts, originals });
  return originals.map((original) => original.path);
}
