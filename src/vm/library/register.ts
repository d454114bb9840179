import { realpath } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { MachineDetails } from '../../api/machine.ts';
import { KameError, errnoOf } from '../../core/errors.ts';
import { contentOf } from '../../store/bundle.ts';
import { bundleExtension } from '../../store/names.ts';
import { fileError } from '../../sys/files.ts';
import { bundleEvent } from '../host/events.ts';
import { refuseTakenName } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { noteIfUnreachable, refuseRunning } from '../host/state.ts';
import { refuseLinkedClones } from '../layers/linked-clones.ts';
import { describe } from '../running/describe.ts';
import { ensureUuid } from '../running/ensure-uuid.ts';

async function vmxPath(path: string): Promise<string> {
  let real: string;
  try {
    real = await realpath(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fileError(error, path);
    throw new KameError('FILE_ACCESS', `${path} does not exist.`, { cause: error, details: { path } });
  }
  if (real.endsWith(bundleExtension)) {
    const stem = real.slice(dirname(real).length + 1, -bundleExtension.length);
    return join(real, `${stem}.vmx`);
  }
  if (extname(real).toLowerCase() !== '.vmx') {
    throw new KameError('USAGE', `${path} is neither a .vmx file nor a ${bundleExtension} bundle.`);
  }
  return real;
}

/**
 * Adds an existing `.vmx`, in any directory, to the inventory.
 * @throws KameError BROKEN_MACHINE when it cannot be read, ALREADY_EXISTS when its name is in use
 */
export async function register(host: Host, path: string): Promise<MachineDetails> {
  const vmx = await vmxPath(path);
  const found = await host.bundles.read(vmx);
  contentOf(found);
  // An engine that runs it is adopted first; until then nothing of the machine changes.
  const isHeld = await noteIfUnreachable(host, found);
  const bundle = isHeld ? found : await ensureUuid(host, found);
  if (!(await host.inventory.paths()).includes(vmx)) {
    await refuseTakenName(host, bundle.name);
    await host.inventory.register(vmx);
    host.events.emit(bundleEvent('machine.created', bundle, `${bundle.name} was registered.`));
  }
  return await describe(host, bundle);
}

/** Removes a machine from the inventory but keeps its files. @throws KameError WRONG_STATE while it is running, HAS_CLONES */
export async function unregister(host: Host, reference: string): Promise<void> {
  const request = { verb: 'unregister', needs: 'any', settles: false } as const;
  await hold(host, reference, request, async ({ bundle }) => {
    refuseRunning(host, bundle, 'unregister');
    await refuseLinkedClones(bundle, 'unregister');
    await host.inventory.unregister(bundle.names.vmx);
    host.events.emit(bundleEvent('machine.deleted', bundle, `${bundle.name} was unregistered.`));
  });
}
