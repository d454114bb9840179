import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
import { exists, fileError } from '../sys/files.ts';
import {
  bundleExtension,
  creatingExtension,
  deletingExtension,
  isBundle,
  placingExtension,
} from './names.ts';

/** The names of the `.vmx` files in a directory, sorted; those of hidden files, such as macOS's `._x.vmx`, are left out. */
async function vmxFilesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory);
  return names.filter((name) => name.endsWith('.vmx') && !name.startsWith('.')).sort();
}

/** The path of the `.vmx` that a bundle has by its name. */
function expectedVmx(bundle: string): string {
  return join(bundle, `${basename(bundle, bundleExtension)}.vmx`);
}

/**
 * The `.vmx` of a bundle: the one that is named like the bundle, or the only one, since a bundle may have been renamed by
 * hand. Otherwise the path that is missing, so that the machine is listed as broken. Never throws.
 */
export async function vmxOfBundle(bundle: string): Promise<string> {
  const expected = expectedVmx(bundle);
  const files = await vmxFilesIn(bundle).catch((): string[] => []);
  const [only] = files;
  return only === undefined || files.length > 1 || files.includes(basename(expected))
    ? expected
    : join(bundle, only);
}

/** Why there is no `.vmx` at a path, as a sentence that says what to do if it is in a bundle with others. */
export async function whyMissing(vmx: string): Promise<string> {
  const directory = dirname(vmx);
  const others = isBundle(directory) ? await vmxFilesIn(directory).catch((): string[] => []) : [];
  if (others.length < 2) return `${vmx} is not there.`;
  return `${vmx} is not there, and the bundle contains several others: ${others.join(', ')}. Give the right one this name.`;
}

/**
 * A hidden directory next to the bundles, `.NAME.XXXX.creating`, so that an incomplete bundle never looks like a
 * machine.
 */
function asideName(parent: string, name: string, extension: string): string {
  return join(parent, `.${name}.${randomBytes(4).toString('hex')}${extension}`);
}

/** The directory to which the files of a bundle are moved for deletion. */
export function deletingName(parent: string, name: string): string {
  return asideName(parent, name, deletingExtension);
}

/** The directory in which the machine of a `.vmx` is made, beside its place. */
export function creatingName(vmx: string): string {
  const directory = dirname(vmx);
  return asideName(dirname(directory), basename(directory, bundleExtension), creatingExtension);
}

/** The hidden directory in which files are made that get their place in `directory` when they are complete. */
export function placingName(directory: string): string {
  return asideName(directory, 'kame', placingExtension);
}

function takenError(vmx: string): KameError {
  const directory = dirname(vmx);
  const name = basename(vmx, extname(vmx));
  if (!isBundle(directory))
    return new KameError('ALREADY_EXISTS', `${directory} is not empty, so no machine can be made in it.`, {
      next: 'Choose a directory that is empty or does not exist.',
      details: { path: directory },
    });
  return new KameError('ALREADY_EXISTS', `A machine named ${name} already exists: ${directory}`, {
    next: `Choose another name, or delete the machine with \`kame delete ${name}\`.`,
    details: { machine: name },
  });
}

/** Whether nothing is there, or for a directory that is not a bundle: nothing is in it. */
async function isVacant(directory: string): Promise<boolean> {
  if (isBundle(directory)) return !(await exists(directory));
  return await readdir(directory).then(
    (names) => names.length === 0,
    (error: unknown) => errnoOf(error) === 'ENOENT',
  );
}

/**
 * Makes the directory of a machine: `fill` writes into a hidden directory, which is renamed only when it is complete. After a
 * failure it is removed; after a kill, the next start of the daemon removes it, if it is in the home or the inventory knows it.
 * @param vmx path of the `.vmx`, whose directory does not exist; it may be empty unless it is a bundle
 * @param temporary as `creatingName` makes it
 * @throws KameError ALREADY_EXISTS, or any error of `fill`
 */
export async function createBundle(
  vmx: string,
  temporary: string,
  fill: (directory: string) => Promise<void>,
): Promise<void> {
  const target = dirname(vmx);
  if (!(await isVacant(target))) throw takenError(vmx);
  try {
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    await fill(temporary);
    // rename() onto a non-empty directory fails, so only one of two concurrent creations can succeed.
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw takenError(vmx);
    throw fileError(error, target);
  }
}
