import { realpath } from 'node:fs/promises';
import { extname } from 'node:path';
import type { MachineDetails, RegisterMachine } from '../../api/machine.ts';
import { KameError, errnoOf } from '../../core/errors.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { vmxOfBundle } from '../../store/bundle-directory.ts';
import { bundleExtension, isBundle } from '../../store/names.ts';
import { fileError } from '../../sys/files.ts';
import { bundleEvent } from '../host/events.ts';
import { refuseTakenName } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { agree, agreements, requireAgreed } from '../host/outside-files.ts';
import { refuseRunning } from '../host/state.ts';
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
  if (isBundle(real)) return await vmxOfBundle(real);
  if (extname(real).toLowerCase() !== '.vmx') {
    throw new KameError('USAGE', `${path} is neither a .vmx file nor a ${bundleExtension} bundle.`);
  }
  return real;
}

/** What a `.vmx` describes, whether it is in the list or not. @throws KameError BROKEN_MACHINE, FILE_ACCESS, USAGE */
export async function inspect(host: Host, path: string): Promise<MachineDetails> {
  const bundle = await host.bundles.read(await vmxPath(path));
  contentOf(bundle);
  return await describe(host, bundle);
}

/** Records which outside files the machine may use. @throws KameError OUTSIDE_FILES if it would use more than those */
async function agreeByName(host: Host, bundle: Bundle, allowed: readonly string[]): Promise<void> {
  const files = await agreements(host, bundle);
  await agree(
    host,
    bundle.names.vmx,
    files.filter(({ path }) => allowed.includes(path)),
  );
  await requireAgreed(host, bundle);
}

/**
 * Adds an existing `.vmx`, in any directory, to the inventory. For a machine of the list, records the files outside its
 * directory that it may use.
 * @throws KameError BROKEN_MACHINE when it cannot be read, ALREADY_EXISTS when its name is in use, OUTSIDE_FILES
 */
export async function register(host: Host, request: RegisterMachine): Promise<MachineDetails> {
  const vmx = await vmxPath(request.path);
  const found = await host.bundles.read(vmx);
  contentOf(found);
  const isListed = (await host.inventory.paths()).includes(vmx);
  if (!isListed) await refuseTakenName(host, found.name);
  await agreeByName(host, found, request.allowOutside ?? []);
  const bundle = await ensureUuid(host, found);
  if (!isListed) {
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
