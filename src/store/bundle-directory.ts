import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
import { exists, fileError } from '../sys/files.ts';
import { bundleExtension, creatingExtension, deletingExtension, isBundle, type HomeNames } from './names.ts';

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

/**
 * Makes a bundle: `fill` writes into a hidden directory, which is renamed only when it is complete. After a failure it
 * is removed; after a kill, the next start of the daemon removes it.
 * @returns path of the `.vmx`
 * @throws KameError ALREADY_EXISTS, or any error of `fill`
 */
export async function createBundle(
  home: HomeNames,
  name: string,
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  const target = join(home.machines, `${name}${bundleExtension}`);
  const temporary = asideName(home.machines, name, creatingExtension);
  const taken = new KameError('ALREADY_EXISTS', `A machine named ${name} already exists: ${target}`, {
    next: `Choose another name, or delete the machine with \`kame delete ${name}\`.`,
    details: { machine: name },
  });
  if (await exists(target)) throw taken;
  try {
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    await fill(temporary);
    // rename() onto a non-empty directory fails, so only one of two concurrent creations can succeed.
    await rename(temporary, target);
    return join(target, `${name}.vmx`);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw taken;
    throw fileError(error, target);
  }
}
