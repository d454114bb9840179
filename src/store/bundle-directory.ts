import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
import { exists, fileError } from '../sys/files.ts';
import { bundleExtension, creatingExtension, deletingExtension, type HomeNames } from './names.ts';

/** A hidden directory beside the bundles, `.NAME.XXXX.creating`: half-made things never look like machines. */
function asideName(parent: string, name: string, extension: string): string {
  return join(parent, `.${name}.${randomBytes(4).toString('hex')}${extension}`);
}

/** Where a bundle's files are moved to be deleted. */
export function deletingName(parent: string, name: string): string {
  return asideName(parent, name, deletingExtension);
}

/**
 * Makes a bundle: `fill` writes into a hidden directory, which gets its name only when complete. On any failure, and after
 * a kill on the next start of the daemon, nothing of it stays.
 * @returns path of the `.vmx`
 * @throws KameError ALREADY_EXISTS, or what `fill` throws
 */
export async function createBundle(
  home: HomeNames,
  name: string,
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  const target = join(home.machines, `${name}${bundleExtension}`);
  const temporary = asideName(home.machines, name, creatingExtension);
  const taken = new KameError('ALREADY_EXISTS', `A machine named ${name} already exists: ${target}`, {
    next: 'Choose another name, or kame delete it first.',
  });
  if (await exists(target)) throw taken;
  try {
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    await fill(temporary);
    // rename() onto a non-empty directory fails, so two creates of one name can't both win.
    await rename(temporary, target);
    return join(target, `${name}.vmx`);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw taken;
    throw fileError(error, target);
  }
}
