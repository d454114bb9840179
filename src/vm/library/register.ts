import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { extname } from 'node:path';
import type { RegisterMachine } from '../../api/library.ts';
import type { MachineDetails } from '../../api/machine.ts';
import { KameError, errnoOf, messageOf } from '../../core/errors.ts';
import { plainName } from '../../model/name.ts';
import { contentOf, fileNameOf, type Bundle } from '../../store/bundle.ts';
import { vmxOfBundle } from '../../store/bundle-directory.ts';
import { bundleExtension, isBundle } from '../../store/names.ts';
import { removeOpenMarker } from '../../store/open-marker.ts';
import { forgetSettled } from '../../store/operation-record.ts';
import { sweepTemporaries } from '../../store/temporaries.ts';
import { exists, fileError } from '../../sys/files.ts';
import { clearDeadLock, lockHolder } from '../../sys/lock.ts';
import { bundleEvent } from '../host/events.ts';
import { allBundles, refuseTakenName } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { wasLastAt } from '../host/location.ts';
import { agree, agreements, requireAgreed } from '../host/outside-files.ts';
import { noteIfUnreachable, refuseRunning } from '../host/state.ts';
import { refuseLinkedClones } from '../layers/linked-clones.ts';
import { repairLinks } from '../layers/repair-links.ts';
import { removeOrphanedCheckpoints } from '../layers/tidy.ts';
import { repairAfterCrash } from '../running/crash.ts';
import { describe } from '../running/describe.ts';
import { decideIdentity, settleIdentity } from '../running/identity.ts';

/** The real path of a `.vmx`, given itself or its bundle. @throws KameError FILE_ACCESS, USAGE */
export async function vmxPath(path: string): Promise<string> {
  let real: string;
  try {
    real = await realpath(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fileError(error, path);
    throw new KameError('FILE_ACCESS', `${path} does not exist.`, { cause: error, details: { path } });
  }
  if (isBundle(real)) return await vmxOfBundle(real);
  if (extname(real).toLowerCase() !== '.vmx') {
    throw new KameError('USAGE', `${path} is neither a .vmx file nor a ${bundleExtension} bundle.`, {
      next: 'Give the path of a .vmx. `kame import` also takes .ova, .ovf, .vmdk, .qcow2, .raw, .img, .vhdx and .vdi.',
    });
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

/** A copy under the first name that is free: its own, that of its bundle, or that with a number, since both can be the original's. */
async function asCopy(host: Host, bundle: Bundle): Promise<Bundle> {
  const taken = new Set((await allBundles(host)).map(({ name }) => plainName(name)));
  const isFree = (name: string) => !taken.has(plainName(name));
  const fileName = fileNameOf(bundle.names);
  let name = isFree(bundle.name) ? bundle.name : fileName;
  for (let number = 2; !isFree(name); number += 1) name = `${fileName}-${number}`;
  return name === bundle.name ? bundle : { ...bundle, name };
}

/**
 * Finishes or undoes what a kill has left, as the start of a daemon does: a machine may be moved by hand before that. One that
 * cannot be settled is registered all the same, and every command that changes it says why.
 */
async function settleMoved(host: Host, { names, name }: Bundle): Promise<Bundle> {
  if (await exists(names.lock)) await repairAfterCrash(host, names.vmx);
  await removeOpenMarker(names);
  await clearDeadLock(names.lock);
  if (isBundle(names.directory)) await sweepTemporaries(names.directory);
  try {
    await hold(host, await host.bundles.read(names.vmx), 'register', async ({ bundle }) => {
      await removeOrphanedCheckpoints(bundle);
      await forgetSettled(host.names, names);
    });
  } catch (error) {
    host.log('Could not settle a machine that is being registered', {
      machine: name,
      reason: messageOf(error),
    });
  }
  return await host.bundles.read(names.vmx);
}

/** Gives a machine its identity before it is listed, unless an engine runs it, perhaps of another home. */
async function identified(
  host: Host,
  asFound: Bundle,
  isListed: boolean,
  { movedOrCopied: said, sameName }: RegisterMachine,
): Promise<Bundle> {
  if ((await lockHolder(asFound.names.lock)) !== undefined) return asFound;
  const found = isListed ? asFound : await settleMoved(host, asFound);
  const decided = said ?? (await decideIdentity(host, found));
  const named = decided === 'copied' && !isListed ? await asCopy(host, found) : found;
  if (!isListed && sameName !== true) await refuseTakenName(host, named.name);
  return await settleIdentity(host, named, { answer: decided === 'copied' ? decided : said });
}

/** A machine that is listed where Kame last saw it, and is no longer there, was moved: the list follows it. */
async function followMove(host: Host, moved: Bundle): Promise<void> {
  const { vmx } = moved.names;
  const paths = await host.inventory.paths();
  const former = paths.find((path) => path !== vmx && wasLastAt(moved, path) && !existsSync(path));
  if (former === undefined) return;
  const renaming = [former, vmx];
  await host.inventory.beginRenaming(renaming);
  await host.inventory.finishRenaming(renaming);
}

/**
 * Adds an existing `.vmx`, in any directory, to the inventory. For a machine of the list, records the files outside its
 * directory that it may use, and what a person says of its identity. A linked clone, or the parent of some, is linked again
 * with the others; what was not possible is in `problems`.
 * @throws KameError BROKEN_MACHINE when it cannot be read, ALREADY_EXISTS when its name is in use, OUTSIDE_FILES,
 * MOVED_OR_COPIED, WRONG_STATE for a copy that is suspended
 */
export async function register(host: Host, request: RegisterMachine): Promise<MachineDetails> {
  const vmx = await vmxPath(request.path);
  const found = await host.bundles.read(vmx);
  contentOf(found);
  await followMove(host, found);
  const isListed = (await host.inventory.paths()).includes(vmx);
  await agreeByName(host, found, request.allowOutside ?? []);
  // An engine that runs it is adopted first; until then nothing of the machine changes.
  const isHeld = await noteIfUnreachable(host, found);
  const bundle = await identified(host, found, isListed, request);
  if (!isListed) {
    if (request.sameName !== true) await refuseTakenName(host, bundle.name);
    await host.inventory.register(vmx);
    host.events.emit(bundleEvent('machine.created', bundle, `${bundle.name} was registered.`));
  }
  const unlinked = isHeld ? [] : await linkAgain(host, bundle);
  // Only now: a disk may be readable again.
  const details = await describe(host, bundle);
  const problems = unlinked.map((message) => ({ severity: 'warning' as const, key: '', message }));
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
