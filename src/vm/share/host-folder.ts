import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';
import { KameError, errnoOf } from '../../core/errors.ts';
import { fileError } from '../../sys/files.ts';
import { isOwner } from '../../sys/own-file.ts';
import type { Host } from '../host/host.ts';
import { kameDirectories } from '../running/kame-directories.ts';

/** Directories of the kernel: what is read or written there is no file. */
const kernelDirectories = ['/proc', '/sys', '/dev'];
/** Files in memory are files; but those of Kame there, of any home, are the memory of guests. */
const inMemory = /^\/dev\/shm\/(?!kame-)[^/]/;

function refused(path: string, why: string): KameError {
  return new KameError('INVALID_VALUE', `${path} is not shared: ${why}.`, {
    next: 'Choose a folder with files of your own.',
    details: { path },
  });
}

function isIn(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory + sep);
}

/**
 * The folder that a person wants to share, without links: it stays that folder when a link is changed later.
 * @throws KameError INVALID_VALUE for what must not be shared, FILE_ACCESS when it cannot be read
 */
export async function hostFolder(host: Host, path: string): Promise<string> {
  if (!isAbsolute(path)) throw refused(path, 'the path is not absolute');
  let real: string;
  try {
    real = await realpath(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw refused(path, 'it does not exist');
    throw fileError(error, path);
  }
  const found = await stat(real);
  if (!found.isDirectory()) throw refused(path, 'it is not a folder');
  if (real === sep) throw refused(path, 'it is the whole host');
  if (kernelDirectories.some((directory) => isIn(directory, real)) && !inMemory.test(real))
    throw refused(path, 'it belongs to the kernel');
  if (!isOwner(found.uid)) throw refused(path, `it belongs to another user (uid ${found.uid})`);
  const kame = (await kameDirectories(host)).find((directory) => isIn(directory, real));
  if (kame !== undefined) throw refused(path, `${kame} has files of Kame, which no guest may change`);
  return real;
}
