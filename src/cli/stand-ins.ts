import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf, KameError } from '../core/errors.ts';
import { fileError, temporaryName } from '../sys/files.ts';

/** Links in a directory of the user to files of Kame. Whatever else is there is neither written nor removed. */

/** What a stand-in says of itself in its first lines. */
const sign = /^# Kame[\u2019']s /mu;
const signBytes = 512;

async function beginningOf(path: string): Promise<string> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(signBytes), 0, signBytes, 0);
  return buffer.subarray(0, bytesRead).toString('utf8');
}

/** Whether a link leads to a stand-in of Kame, of this version or of another one, or to where one was. */
async function leadsToKame(link: string, target: string, own: string): Promise<boolean> {
  if (target === own) return true;
  if (basename(dirname(target)) !== basename(dirname(own)) || basename(target) !== basename(own))
    return false;
  const path = resolve(dirname(link), target);
  try {
    return sign.test(await beginningOf(path));
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}

/** What has the place of a link: nothing, a link of Kame, or something else. */
async function occupant(link: string, own: string): Promise<'nothing' | 'current' | 'older' | 'other'> {
  const found = await lstat(link).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileError(error, link);
  });
  if (!found) return 'nothing';
  if (!found.isSymbolicLink()) return 'other';
  const target = await readlink(link);
  if (target === own) return 'current';
  return (await leadsToKame(link, target, own)) ? 'older' : 'other';
}

/** The names in a directory of Kame that are linked. @throws KameError FILE_ACCESS */
async function namesIn(source: string): Promise<string[]> {
  const names = await readdir(source).catch((error: unknown) => {
    throw fileError(error, source);
  });
  return names.filter((name) => !name.startsWith('.')).sort();
}

/** Replaces what is at a path by a link, in one step. */
async function putLink(target: string, link: string): Promise<void> {
  const temporary = temporaryName(link);
  await symlink(target, temporary);
  await rename(temporary, link).catch(async (error: unknown) => {
    await rm(temporary, { force: true });
    throw error;
  });
}

/**
 * Links all that is in a directory of Kame into another one, which is created. All of it, or nothing if something else has one
 * of the names.
 * @returns the paths of the links
 * @throws KameError ALREADY_EXISTS, FILE_ACCESS
 */
export async function linkAll(source: string, directory: string): Promise<string[]> {
  const names = await namesIn(source);
  const places = await Promise.all(
    names.map(async (name) => {
      const [link, target] = [join(directory, name), join(source, name)];
      return { link, target, found: await occupant(link, target) };
    }),
  );
  const others = places.filter(({ found }) => found === 'other').map(({ link }) => link);
  if (others.length > 0) {
    throw new KameError(
      'ALREADY_EXISTS',
      `These files are not Kame’s, and stay as they are: ${others.join(', ')}.`,
      {
        next: 'Choose another directory, or move them away first. Nothing was linked.',
        details: { path: directory },
      },
    );
  }
  try {
    await mkdir(directory, { recursive: true });
    for (const { link, target, found } of places) if (found !== 'current') await putLink(target, link);
  } catch (error) {
    throw fileError(error, directory);
  }
  return places.map(({ link }) => link);
}

/**
 * Removes the links that `linkAll` has made in a directory.
 * @returns the paths of the links
 * @throws KameError FILE_ACCESS
 */
export async function unlinkAll(source: string, directory: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await namesIn(source)) {
    const link = join(directory, name);
    const found = await occupant(link, join(source, name));
    if (found !== 'current' && found !== 'older') continue;
    await rm(link, { force: true }).catch((error: unknown) => {
      throw fileError(error, link);
    });
    removed.push(link);
  }
  return removed;
}
