import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { KameError, errnoOf } from '../../core/errors.ts';
import { fileError, syncDirectory } from '../../sys/files.ts';
import { linkFile } from '../../sys/link.ts';
import { refuseTaken, takenError, type Destination } from './destination.ts';

/** Gives a file its place, if nothing is there yet. */
async function placeFile(from: string, to: string): Promise<void> {
  try {
    if (await linkFile(from, to)) return;
    await refuseTaken(to);
    await rename(from, to);
  } catch (error) {
    const cause: unknown = error instanceof KameError ? error.cause : error;
    throw errnoOf(cause) === 'EEXIST' ? takenError(to) : fileError(error, to);
  }
}

/** Who finds a descriptor must find all that it names, so it comes last. */
function descriptorLast(names: readonly string[]): string[] {
  const isDescriptor = (name: string) => extname(name).toLowerCase() === '.ovf';
  return [...names.filter((name) => !isDescriptor(name)), ...names.filter(isDescriptor)];
}

async function placeFiles(temporary: string, directory: string): Promise<string[]> {
  const names = descriptorLast((await readdir(temporary)).sort());
  for (const name of names) await refuseTaken(join(directory, name));
  const placed: string[] = [];
  try {
    for (const name of names) {
      const path = join(directory, name);
      await placeFile(join(temporary, name), path);
      placed.push(path);
    }
  } catch (error) {
    for (const path of placed) await rm(path, { force: true });
    throw error;
  }
  return placed;
}

async function placeBundle(temporary: string, path: string): Promise<string[]> {
  const names = (await readdir(temporary)).sort();
  await syncDirectory(temporary);
  await refuseTaken(path);
  // Onto a directory that is not empty, or onto a file, this fails.
  await rename(temporary, path);
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
 * @throws KameError ALREADY_EXISTS, DISK_FULL, FILE_ACCESS, and what `fill` throws
 */
export async function publish(
  { kind, path, directory }: Destination,
  temporary: string,
  fill: (directory: string) => Promise<void>,
): Promise<readonly PublishedFile[]> {
  try {
    await mkdir(temporary, { mode: 0o700 });
    await fill(temporary);
    const paths =
      kind === 'vmwarevm' ? await placeBundle(temporary, path) : await placeFiles(temporary, directory);
    await syncDirectory(directory);
    return await Promise.all(paths.map(async (each) => ({ path: each, sizeBytes: (await stat(each)).size })));
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
