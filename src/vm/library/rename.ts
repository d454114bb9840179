import { rename as renameFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MachineDetails } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { checkMachineName } from '../../model/name.ts';

import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { bundleExtension, isBundle, machineNames } from '../../store/names.ts';
import { exists, fileError } from '../../sys/files.ts';
import { releaseLock } from '../../sys/lock.ts';
import { edit } from '../../vmx/document.ts';
import { bundleEvent } from '../host/events.ts';
import { findBundle, refuseTakenName } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { inheritParents, refuseClonedFrom } from '../layers/linked-clones.ts';
import { describe } from '../running/describe.ts';

async function moveBundle(host: Host, bundle: Bundle, target: string): Promise<string> {
  const vmx = join(target, `${bundle.names.stem}.vmx`);
  const registered = !host.inventory.owns(bundle.names.vmx);
  // A path too many on the list shows as broken for an instant; one too few would lose the machine.
  if (registered) await host.inventory.register(vmx);
  try {
    await renameFile(bundle.names.directory, target);
  } catch (error) {
    if (registered) await host.inventory.unregister(vmx);
    throw fileError(error, target);
  }
  if (registered) await host.inventory.unregister(bundle.names.vmx);
  await releaseLock(machineNames(vmx).lock);
  return vmx;
}

/** @returns path of the `.vmx` afterwards */
async function renameHeld(host: Host, bundle: Bundle, name: string): Promise<string> {
  await refuseClonedFrom(bundle, 'rename');
  const { document } = contentOf(bundle);
  const { directory } = bundle.names;
  const target = join(dirname(directory), `${name}${bundleExtension}`);
  const moves = isBundle(directory) && target !== directory;
  if (moves) await inheritParents(bundle, join(target, `${bundle.names.stem}.vmx`));
  if (moves && (await exists(target))) {
    throw new KameError('ALREADY_EXISTS', `${target} exists already.`);
  }
  // First the name, then the place: killed in between, the machine has its new name in the old bundle.
  await writeVmx(bundle.names.vmx, edit(document, new Map([['displayName', name]])));
  return moves ? await moveBundle(host, bundle, target) : bundle.names.vmx;
}

/**
 * Gives a stopped machine another name; its bundle is renamed with it. The files in it keep their names, as in Fusion.
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
