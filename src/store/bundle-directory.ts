import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
import { exists, fileError } from '../sys/files.ts';
import { bundleExtension, creatingExtension, deletingExtension, type HomeNames } from './names.ts';

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
