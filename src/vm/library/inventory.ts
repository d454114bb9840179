import { realpath, rename as renameFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { KameError, errnoOf } from '../../core/errors.ts';
import type { MachineDetails } from '../../api/machine.ts';
import { checkMachineName } from '../../model/name.ts';
import { edit } from '../../vmx/document.ts';
import { deletingName } from '../../store/bundle-directory.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { bundleExtension, isBundle, machineNames, runNames, resolveIn } from '../../store/names.ts';
import { removeRunDirectory } from '../../store/run-record.ts';
import { exists, fileError } from '../../sys/files.ts';
import { releaseLock, takeLock } from '../../sys/lock.ts';
import { inheritParents, refuseClonedFrom } from '../layers/linked-clones.ts';
import { describe } from '../running/describe.ts';
import { findBundle, allBundles } from '../host/find.ts';
import { ensureUuid } from '../running/ensure-uuid.ts';
import type { Host } from '../host/host.ts';
import { refuseRunning } from '../host/state.ts';

/** @throws KameError ALREADY_EXISTS when another machine has that name */
export async function refuseTakenName(host: Host, name: string): Promise<void> {
  const other = (await allBundles(host)).find((bundle) => bundle.name === name);
  if (other) {
    throw new KameError('ALREADY_EXISTS', `There is a machine ${name} already: ${other.names.vmx}`, {
      next: 'Choose another name, or rename or delete that one.',
      details: { machine: name, path: other.names.vmx },
    });
  }
}

async function vmxPath(path: string): Promise<string> {
  let real: string;
  try {
    real = await realpath(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fileError(error, path);
    throw new KameError('FILE_ACCESS', `There is no file ${path}.`, { cause: error, details: { path } });
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
 * Adds a `.vmx` that lies anywhere to the list.
 * @throws KameError BROKEN_MACHINE when it can't be read, ALREADY_EXISTS for a name that is taken
 */
export async function register(host: Host, path: string): Promise<MachineDetails> {
  const vmx = await vmxPath(path);
  const found = await host.bundles.read(vmx);
  contentOf(found);
  const bundle = await ensureUuid(host, found);
  if (!(await host.inventory.paths()).includes(vmx)) {
    await refuseTakenName(host, bundle.name);
    await host.inventory.register(vmx);
    changed(host, bundle, 'machine.created', `${bundle.name} was registered.`);
  }
  return await describe(host, bundle);
}

/** Takes a machine off the list; its files stay. @throws KameError WRONG_STATE while it runs */
export async function unregister(host: Host, reference: string): Promise<void> {
  const bundle = await findBundle(host, reference);
  refuseRunning(host, bundle, 'unregistered');
  await refuseClonedFrom(bundle, 'taken off the list');
  await host.inventory.unregister(bundle.names.vmx);
  changed(host, bundle, 'machine.deleted', `${bundle.name} was unregistered.`);
}

function changed(
  host: Host,
  bundle: Bundle,
  type: 'machine.created' | 'machine.deleted' | 'machine.changed',
  message: string,
) {
  host.events.emit({
    type,
    machine: bundle.name,
    id: bundle.content?.model.uuid ?? null,
    state: null,
    message,
  });
}

/** Runs `work` while no one else can start or change the machine. */
export async function whileStopped<T>(
  host: Host,
  bundle: Bundle,
  participle: string,
  work: () => Promise<T>,
): Promise<T> {
  const about = { key: bundle.names.vmx, machine: bundle.name, verb: participle };
  return await host.operations.exclusive(about, async () => {
    refuseRunning(host, bundle, participle);
    await takeLock(bundle.names.lock, 'kamed', bundle.name);
    try {
      return await work();
    } finally {
      await releaseLock(bundle.names.lock);
    }
  });
}

/**
 * Gives a stopped machine another name; its bundle is renamed with it. The files within keep theirs, as in Fusion.
 * @throws KameError INVALID_NAME, ALREADY_EXISTS, WRONG_STATE
 */
export async function rename(host: Host, reference: string, name: string): Promise<MachineDetails> {
  checkMachineName(name);
  const bundle = await findBundle(host, reference);
  if (bundle.name === name) return await describe(host, bundle);
  await refuseTakenName(host, name);
  await refuseClonedFrom(bundle, 'renamed');
  const vmx = await whileStopped(host, bundle, 'renamed', async () => {
    const { document } = contentOf(bundle);
    const { directory } = bundle.names;
    const target = join(dirname(directory), `${name}${bundleExtension}`);
    const moves = isBundle(directory) && target !== directory;
    if (moves) await inheritParents(bundle, join(target, `${bundle.names.stem}.vmx`));
    if (moves && (await exists(target))) {
      throw new KameError('ALREADY_EXISTS', `${target} is there already.`);
    }
    // First the name, then the place: killed in between, the machine has its new name in the old bundle.
    await writeVmx(bundle.names.vmx, edit(document, new Map([['displayName', name]])));
    return moves ? await moveBundle(host, bundle, target) : bundle.names.vmx;
  });
  const renamed = await host.bundles.read(vmx);
  changed(host, renamed, 'machine.changed', `${bundle.name} was renamed to ${name}.`);
  return await describe(host, renamed);
}

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

/** The files of a machine whose directory is not its own. Only what its `.vmx` names and lies beside it goes. */
function ownFiles(bundle: Bundle): string[] {
  const { names, content } = bundle;
  const named = [
    ...(content?.model.disks ?? []).map((disk) => disk.fileName),
    ...(content ? [content.model.firmware.nvram] : []),
    ...(content?.model.kame.seed === undefined ? [] : [content.model.kame.seed]),
  ].map((name) => resolveIn(names, name));
  const beside = named.filter((path) => dirname(path) === names.directory);
  const vmsd = join(names.directory, `${names.stem}.vmsd`);
  return [names.vmx, ...beside, vmsd, names.log, names.serialLog, names.lock];
}

/**
 * Deletes a stopped machine with its files. A broken one can be deleted too.
 * @throws KameError WRONG_STATE while it runs
 */
export async function remove(host: Host, reference: string): Promise<void> {
  const bundle = await findBundle(host, reference);
  const { names } = bundle;
  const about = { key: names.vmx, machine: bundle.name, verb: 'deleted' };
  await host.operations.exclusive(about, async () => {
    refuseRunning(host, bundle, 'deleted');
    await refuseClonedFrom(bundle, 'deleted');
    if (!(await exists(names.directory))) {
      await host.inventory.unregister(names.vmx);
      return;
    }
    await takeLock(names.lock, 'kamed', bundle.name);
    try {
      const parent = isBundle(names.directory) ? dirname(names.directory) : names.directory;
      const aside = deletingName(parent, names.stem);
      await host.inventory.deleteFiles({
        vmx: names.vmx,
        aside,
        files: isBundle(names.directory) ? [] : ownFiles(bundle),
      });
      await removeRunDirectory(runNames(host.names, names.vmx));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') await releaseLock(names.lock);
      throw error;
    }
  });
  changed(host, bundle, 'machine.deleted', `${bundle.name} was deleted.`);
}
