import { realpath } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { contentOf, readBundle, type Bundle } from '../../store/bundle.ts';
import { resolveIn, type MachineNames } from '../../store/names.ts';
import { openMarkBeside } from '../../store/open-marker.ts';
import { lockHolder } from '../../sys/lock.ts';
import { vmxPath } from '../library/register.ts';

/** @throws KameError WRONG_STATE while VMware or Kame has the machine open: its disks would change during the copy */
async function refuseOpen(bundle: Bundle, disks: readonly string[]): Promise<void> {
  const { names, name } = bundle;
  // First: a machine that Kame runs has a marker like that of VMware.
  if ((await lockHolder(names.lock)) !== undefined) {
    throw new KameError('WRONG_STATE', `${name} is running.`, {
      next: 'Shut it down first: `kame stop`.',
      details: { path: names.vmx },
    });
  }
  const lock = await openMarkBeside([
    names.vmx,
    ...disks.map((name) => join(names.directory, basename(name))),
  ]);
  if (lock !== undefined) {
    throw new KameError('WRONG_STATE', `${name} is open in VMware: ${lock} is beside its files.`, {
      next: `Shut it down and close it in VMware. If no program uses it, delete ${lock}.`,
      details: { path: names.vmx },
    });
  }
}

/**
 * Reads the machine to import. Nothing of it is written.
 * @throws KameError FILE_ACCESS, BROKEN_MACHINE when it cannot be read or is encrypted, WRONG_STATE while it is open
 */
export async function readSource(path: string): Promise<Bundle> {
  const bundle = await readBundle(await vmxPath(path));
  await refuseOpen(
    bundle,
    contentOf(bundle).model.disks.map(({ fileName }) => fileName),
  );
  return bundle;
}

/**
 * The path of a file that a foreign `.vmx` names, without symbolic links. Anyone may have written the `.vmx`: a file in another
 * directory, or one that a link leads to, may be anything.
 * @param use what it is, for messages: `the disk nvme0:0`
 * @throws KameError BAD_IMAGE unless it is in the directory of the machine
 */
export async function fileInside(names: MachineNames, fileName: string, use: string): Promise<string> {
  const path = resolveIn(names, fileName);
  const directory = await realpath(names.directory);
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) {
    throw new KameError('BAD_IMAGE', `${path} does not exist, but it is ${use} of ${names.vmx}.`, {
      next: 'Put all files of the machine into its directory, as they were in VMware.',
      details: { path },
    });
  }
  if (real.startsWith(directory + sep)) return real;
  throw new KameError('BAD_IMAGE', `${real} is ${use} of ${names.vmx}, but in another directory.`, {
    next: 'If it belongs to the machine, copy it into the machine’s directory and correct its name in the .vmx.',
    details: { path: real },
  });
}
