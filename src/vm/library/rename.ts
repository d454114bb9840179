import { copyFile, rename as renameFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MachineDetails } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { checkMachineName } from '../../model/name.ts';
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
import { registerWithParents, refuseLinkedClones } from '../layers/linked-clones.ts';
import { describe } from '../running/describe.ts';

/** A second name for a small file, or a copy of it where the file system has no hard links. */
async function copyName(from: string, to: string): Promise<void> {
  // Left by a rename that was killed: no `.vmx` has that name yet, so nobody reads it.
  await rm(to, { force: true });
  if (!(await linkFile(from, to))) await copyFile(from, to);
}

/**
 * Gives the `.vmx` of a bundle another name, and with it the files that are found by its name. Killed at any instant, one
 * `.vmx` is there, and beside it the `.vmsd` of its name.
 */
async function renameVmx(from: MachineNames, to: MachineNames): Promise<void> {
  if (from.vmx === to.vmx) return;
  if (await exists(from.snapshots)) await copyName(from.snapshots, to.snapshots);
  await renameFile(from.vmx, to.vmx);
  await rm(from.snapshots, { force: true });
  for (const log of ['log', 'serialLog'] as const) {
    if (await exists(from[log])) await renameFile(from[log], to[log]);
  }
}

/** @returns path of the `.vmx` in its new place */
async function moveBundle(host: Host, bundle: Bundle, target: string, name: string): Promise<string> {
  const moved = machineNames(join(target, `${bundle.names.stem}.vmx`));
  const renamed = machineNames(join(target, `${name}.vmx`));
  await registerWithParents(bundle, renamed.vmx);
  const registered = !host.inventory.owns(bundle.names.vmx);
  // A path too many on the list shows as broken for an instant; one too few would lose the machine.
  const paths = registered ? [moved.vmx, renamed.vmx] : [];
  for (const vmx of paths) await host.inventory.register(vmx);
  try {
    await renameFile(bundle.names.directory, target);
    await renameVmx(moved, renamed);
  } catch (error) {
    throw fileError(error, target);
  } finally {
    for (const vmx of new Set([bundle.names.vmx, ...paths])) {
      if (registered && !(await exists(vmx))) await host.inventory.unregister(vmx);
    }
    await releaseLock(moved.lock);
  }
  return renamed.vmx;
}

/** @returns path of the `.vmx` afterwards */
async function renameHeld(host: Host, bundle: Bundle, name: string): Promise<string> {
  await refuseLinkedClones(bundle, 'rename');
  const { document } = contentOf(bundle);
  const { directory, vmx } = bundle.names;
  const target = join(dirname(directory), `${name}${bundleExtension}`);
  const moves = isBundle(directory) && target !== directory;
  if (moves && (await exists(target))) throw new KameError('ALREADY_EXISTS', `${target} exists already.`);
  // First the name, then the place: killed in between, the machine has its new name in the old bundle.
  await writeVmx(vmx, edit(document, new Map([['displayName', name]])));
  return moves ? await moveBundle(host, bundle, target, name) : vmx;
}

/**
 * Gives a stopped machine another name; its bundle and its `.vmx` are renamed with it, and the files that are found
 * by the name of the `.vmx`. Disks keep their names. A `.vmx` outside of a bundle stays where it is.
 * @throws KameError INVALID_NAME, ALREADY_EXISTS, WRONG_STATE, HAS_CLONES
 */
export async function rename(host: Host, reference: string, name: string): Promise<MachineDetails> {
  checkMachineName(name);
  const found = await findBundle(host, reference);
  if (found.name === name) return await describe(host, found);
  await refuseTakenName(host, name);
  const request = { verb: 'rename', needs: 'stopped' } as const;
  const vmx = await hold(host, found, request, async ({ bundle }) => await renameHeld(host, bundle, name));
  const renamed = await host.bundles.read(vmx);
  const message = `${found.name} was renamed to ${name}.`;
  host.events.emit(bundleEvent('machine.changed', renamed, message));
  return await describe(host, renamed);
}
