import { realpath } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { MachineDetails } from '../../api/machine.ts';
import { KameError, errnoOf, messageOf } from '../../core/errors.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { bundleExtension } from '../../store/names.ts';
import { fileError } from '../../sys/files.ts';
import { bundleEvent } from '../host/events.ts';
import { refuseTakenName } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { noteIfUnreachable, refuseRunning } from '../host/state.ts';
import { refuseLinkedClones } from '../layers/linked-clones.ts';
import { repairLinks } from '../layers/repair-links.ts';
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
 * A linked clone, or the parent of some, is linked again with the others; what was not possible is in `problems`.
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
  const details = await describe(host, bundle);
  if (isHeld) return details;
  const problems = (await linkAgain(host, bundle)).map((message) => ({
    severity: 'warning' as const,
    key: '',
    message,
  }));
  return { ...details, problems: [...details.problems, ...problems] };
}

/** Re-links a machine that was moved before it was registered with its parents and clones. Returns what was not possible. */
async function linkAgain(host: Host, bundle: Bundle): Promise<string[]> {
  const request = { verb: 'repair', needs: 'any', settles: false } as const;
  try {
    return (await hold(host, bundle, request, async (held) => await repairLinks(host, held.bundle))).problems;
  } catch (error) {
    return [messageOf(error)];
  }
}

/** Removes a machine from the inventory but keeps its files. @throws KameError WRONG_STATE while it is running, HAS_CLONES */
export async function unregister(host: Host, reference: string): Promise<void> {
  const request = { verb: 'unregister', needs: 'any', settles: false } as const;
  await hold(host, reference, request, async ({ bundle }) => {
    refuseRunning(host, bundle, 'unregister');
    await refuseLinkedClones(host, bundle, 'unregister');
    await host.inventory.unregister(bundle.names.vmx);
    host.events.emit(bundleEvent('machine.deleted', bundle, `${bundle.name} was unregistered.`));
  });
}
