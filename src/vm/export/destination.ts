import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { KameError, errnoOf } from '../../core/errors.ts';
import { fileError, isTaken } from '../../sys/files.ts';
import type { Host } from '../host/host.ts';

const kinds = ['ova', 'ovf', 'vmwarevm'] as const;

/** Where an export goes. */
export interface Destination {
  readonly kind: (typeof kinds)[number];
  /** Of the result; its directory has no symbolic links. */
  readonly path: string;
  readonly directory: string;
  /** Its name without extension. */
  readonly name: string;
  /** What the names of files inside begin with: ASCII that needs no escaping in XML, in a URI or in a tar header. */
  readonly stem: string;
}

/** Names in ustar headers have at most 100 bytes, with `-disk12.vmdk`. */
const maxStem = 80;

function stemFor(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[-.]+|-+$/g, '');
  return plain === '' ? 'machine' : plain.slice(0, maxStem);
}

/** The directory of a new file, without symbolic links. @throws KameError FILE_ACCESS */
export async function realDirectory(path: string): Promise<string> {
  const directory = await realpath(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw fileError(error, path);
    throw new KameError('FILE_ACCESS', `The directory ${path} does not exist.`, {
      next: 'Create it first, or choose another place.',
      details: { path },
    });
  });
  if ((await stat(directory)).isDirectory()) return directory;
  throw new KameError('FILE_ACCESS', `${path} is not a directory.`, { details: { path } });
}

export function takenError(path: string): KameError {
  return new KameError('ALREADY_EXISTS', `${path} already exists, and an export never overwrites anything.`, {
    next: 'Choose another name, or move it away.',
    details: { path },
  });
}

/** @throws KameError ALREADY_EXISTS if something has that name, even a link that leads nowhere */
export async function refuseTaken(path: string): Promise<void> {
  if (await isTaken(path)) throw takenError(path);
}

/**
 * Checks where an export goes.
 * @throws KameError USAGE for a path that is not absolute, has another extension or would become a machine of the home;
 * FILE_ACCESS if its directory does not exist; ALREADY_EXISTS
 */
export async function destinationOf(host: Host, wanted: string): Promise<Destination> {
  const extension = extname(wanted);
  const kind = kinds.find((each) => `.${each}` === extension.toLowerCase());
  if (kind === undefined || !isAbsolute(wanted)) {
    const reason = kind === undefined ? 'has none of the extensions of an export' : 'is not an absolute path';
    throw new KameError('USAGE', `${wanted} ${reason}.`, {
      next: 'Name a file that ends with .ova or .ovf, or a bundle that ends with .vmwarevm.',
    });
  }
  const directory = await realDirectory(dirname(wanted));
  const path = join(directory, basename(wanted));
  if (host.inventory.owns(join(path, 'x.vmx'))) {
    throw new KameError('USAGE', `${path} is where Kame keeps its own machines.`, {
      next: 'Export to another directory. `kame clone` makes another machine for Kame.',
      details: { path },
    });
  }
  await refuseTaken(path);
  const name = basename(wanted, extension);
  return { kind, path, directory, name, stem: stemFor(name) };
}
