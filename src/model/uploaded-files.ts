import { KameError } from '../core/errors.ts';
import { utf8Length } from '../core/text-width.ts';
import { shown } from './problem.ts';

/** The files of a machine, an appliance or a disk that a client sends: their names and sizes, which anyone may have made up. */

/** A disk that is split into parts of 2 GB has a thousand of them when it has 2 TB. */
export const maxUploadedFiles = 4096;
const maxPathBytes = 1024;
const maxPartBytes = 255;
const maxDepth = 8;

export interface NamedFile {
  /** Its name, after those of the folders that it is in, with slashes between them. */
  readonly path: string;
}

function partFault(part: string): string | undefined {
  if (part === '' || part === '.' || part === '..') return 'is not the plain name of a file';
  if (utf8Length(part) > maxPartBytes) return 'is too long';
  return /[\p{Cc}\p{Surrogate}\\]/u.test(part) ? 'contains a character that is not allowed' : undefined;
}

function pathFault(path: string): string | undefined {
  const parts = path.split('/');
  if (parts.length > maxDepth) return `is in more than ${maxDepth - 1} folders`;
  if (utf8Length(path) > maxPathBytes) return 'is too long';
  return parts.map(partFault).find((fault) => fault !== undefined);
}

/** Names that are the same file on a host that ignores case, as macOS does. */
function folded(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

/** @throws KameError INVALID_NAME */
function refuse(path: string, fault: string): never {
  throw new KameError('INVALID_NAME', `${JSON.stringify(shown(path))} ${fault}.`, {
    next: 'Give the file another name, and upload it again.',
    details: { name: shown(path) },
  });
}

/**
 * Checks that files can be written under their names into one directory.
 * @throws KameError INVALID_NAME for a name that leads out of it, or that two of them have
 */
export function checkUploadedFiles(files: readonly NamedFile[]): void {
  const names = new Set<string>();
  const folders = new Set<string>();
  for (const { path } of files) {
    const fault = pathFault(path);
    if (fault !== undefined) refuse(path, fault);
    const name = folded(path);
    if (names.has(name)) refuse(path, 'is the name of two files');
    names.add(name);
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1))
      folders.add(name.slice(0, at));
  }
  for (const { path } of files) if (folders.has(folded(path))) refuse(path, 'is a file and a folder');
}

/** Parts of a VMDK, which its descriptor names, and layers of snapshots: `web-s001.vmdk`, `web-flat.vmdk`, `web-000001-delta.vmdk`. */
const extentName = /-(?:[sf]\d{3,}|flat|delta|ctk|sesparse)\.vmdk$/iu;
/** What a machine is recognised by: the first kind that is there. */
const kinds: readonly RegExp[] = [
  /\.vmx$/iu,
  /\.ovf$/iu,
  /\.ova$/iu,
  /\.(?:vmdk|qcow2|raw|img|vhdx|vdi|vhd)$/iu,
];

function depthOf(path: string): number {
  return path.split('/').length;
}

/**
 * The file that says what all of them are: a `.vmx`, an `.ovf`, an `.ova`, or a disk. Of several, those in a folder are left out.
 * @throws KameError USAGE if there is none, or more than one
 */
export function mainFileOf(files: readonly NamedFile[]): string {
  for (const kind of kinds) {
    const found = files.map(({ path }) => path).filter((path) => kind.test(path) && !extentName.test(path));
    if (found.length === 0) continue;
    const least = Math.min(...found.map(depthOf));
    const [only = '', other] = found.filter((path) => depthOf(path) === least);
    if (other === undefined) return only;
    throw new KameError('USAGE', `${shown(only)} and ${shown(other)} are two machines.`, {
      next: 'Upload the files of one machine at a time.',
    });
  }
  throw new KameError('USAGE', 'None of these files is a machine: there is no .vmx, .ovf, .ova or disk.', {
    next: 'Upload an appliance (.ova), or the whole folder of a machine.',
  });
}
