import { copyFile, rename as renameFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MachineDetails } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { checkMachineName, plainName } from '../../model/name.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { bundleExtension, isBundle, machineNames, type MachineNames } from '../../store/names.ts';
import { exists, fileError } from '../../sys/files.ts';
import { linkFile } from '../../sys/link.ts';
import { releaseLock } from '../../sys/lock.ts';
import { edit } from '../../vmx/document.ts';
import { bundleEvent } from '../host/events.ts';
import { findBundle, refuseTakenName } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { refuseLinkedClones } from '../layers/linked-clones.ts';
import { linkWithParents, unlinkFromParents } from '../layers/parents.ts';
import { describe } from '../running/describe.ts';
import { placedAt } from '../running/identity.ts';

/** Makes a hard link to a small file, or a copy if the file system has no hard links. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  // A file there is left over from an interrupted rename: no `.vmx` has that name yet.
  await rm(to, { force: true });
  if (!(await linkFile(from, to))) await copyFile(from, to);
}

/**
 * Renames the `.vmx` of a bundle and the files whose names derive from it. After a kill at any time there is one `.vmx`, with
 * a `.vmsd` of the same name.
 */
async function renameVmx(from: MachineNames, to: MachineNames): Promise<void> {
  if (from.vmx === to.vmx) return;
  if (await exists(from.snapshots)) await linkOrCopy(from.snapshots, to.snapshots);
  await renameFile(from.vmx, to.vmx);
  await rm(from.snapshots, { force: true });
  for (const log of ['log', 'serialLog', 'stallImage'] as const) {
    if (await exists(from[log])) await renameFile(from[log], to[log]);
  }
}

/** Moves a bundle to its new directory. @returns the new path of its `.vmx` */
async function moveBundle(host: Host, bundle: Bundle, target: string, name: string): Promise<string> {
  const moved = machineNames(join(target, `${bundle.names.stem}.vmx`));
  const renamed = machineNames(join(target, `${name}.vmx`));
  await linkWithParents(host, bundle, renamed.vmx);
  const renaming = [bundle.names.vmx, moved.vmx, renamed.vmx];
  await host.inventory.beginRenaming(renaming);
  try {
    await renameFile(bundle.names.directory, target);
    await renameVmx(moved, renamed);
  } catch (error) {
    throw fileError(error, target);
  } finally {
    await releaseLock(moved.lock);
    await host.inventory.finishRenaming(renaming);
  }
  await unlinkFromParents(host, await host.bundles.read(renamed.vmx), bundle.names.vmx);
  return renamed.vmx;
}

/** @returns the new path of the `.vmx` */
async function renameHeld(host: Host, bundle: Bundle, name: string): Promise<string> {
  await refuseLinkedClones(host, bundle, 'rename');
  const { document } = contentOf(bundle);
  const { directory, vmx } = bundle.names;
  const target = join(dirname(directory), `${name}${bundleExtension}`);
  const moves = isBundle(directory) && target !== directory;
  if (moves && (await exists(target))) throw new KameError('ALREADY_EXISTS', `${target} already exists.`);
  // First the name, then the directory: after a kill in between, the machine has its new name in the old bundle.
  const newVmx = moves ? join(target, `${name}.vmx`) : vmx;
  await writeVmx(vmx, edit(document, new Map([['displayName', name], ...placedAt(bundle, newVmx)])));
  return moves ? await moveBundle(host, bundle, target, name) : vmx;
}

/**
 * Renames a stopped machine, with its bundle, its `.vmx` and the files whose names derive from the `.vmx`. Disks keep their
 * names. A `.vmx` outside a bundle is not moved.
 * @throws KameError INVALID_NAME, ALREADY_EXISTS, WRONG_STATE, HAS_CLONES
 */
export async function rename(host: Host, reference: string, asked: string): Promise<MachineDetails> {
  const name = plainName(asked);
  checkMachineName(name);
  const found = await findBundle(host, reference);
  if (plainName(found.name) === name) return await describe(host, found);
  await refuseTakenName(host, name);
  const request = { verb: 'rename', needs: 'stopped' } as const;
  const vmx = await hold(host, found, request, async ({ bundle }) => await renameHeld(host, bundle, name));
  const renamed = await host.bundles.read(vmx);
  const message = `${found.name} was renamed to ${name}.`;
  host.events.emit(bundleEvent('machine.changed', renamed, message));
  return await describe(host, renamed);
}
