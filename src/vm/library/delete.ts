import { dirname, join } from 'node:path';
import { errnoOf } from '../../core/errors.ts';
import { deletingName } from '../../store/bundle-directory.ts';
import type { Bundle } from '../../store/bundle.ts';
import { isBundle, resolveIn, runNames } from '../../store/names.ts';
import { exists } from '../../sys/files.ts';
import { releaseLock, takeLock } from '../../sys/lock.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import { bundleEvent } from '../host/events.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { refuseRunning } from '../host/state.ts';
import { refuseLinkedClones } from '../layers/linked-clones.ts';
import { unlinkFromParents } from '../layers/parents.ts';

/** The files to delete for a machine without a bundle: only those in the directory of its `.vmx` that the `.vmx` refers to. */
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

async function deleteFiles(host: Host, bundle: Bundle): Promise<void> {
  const { names } = bundle;
  await takeLock(names.lock, 'kamed', bundle.name);
  try {
    const parent = isBundle(names.directory) ? dirname(names.directory) : names.directory;
    await host.inventory.deleteFiles({
      vmx: names.vmx,
      aside: deletingName(parent, names.stem),
      files: isBundle(names.directory) ? [] : ownFiles(bundle),
    });
    await clearRunDirectory(runNames(host.names, names.vmx));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') await releaseLock(names.lock);
    throw error;
  }
}

/**
 * Deletes a stopped or broken machine with its files.
 * @throws KameError WRONG_STATE while it is running, HAS_CLONES
 */
export async function remove(host: Host, reference: string): Promise<void> {
  // A machine that cannot be settled can still be deleted.
  const request = { verb: 'delete', needs: 'any', settles: false } as const;
  await hold(host, reference, request, async ({ bundle }) => {
    refuseRunning(host, bundle, 'delete');
    await refuseLinkedClones(host, bundle, 'delete');
    await unlinkFromParents(host, bundle);
    if (await exists(bundle.names.directory)) await deleteFiles(host, bundle);
    else await host.inventory.unregister(bundle.names.vmx);
    host.events.emit(bundleEvent('machine.deleted', bundle, `${bundle.name} was deleted.`));
  });
}
