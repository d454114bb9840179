import { rm } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { errnoOf } from '../../core/errors.ts';
import { nilUuid } from '../../model/uuid.ts';
import { deletingName } from '../../store/bundle-directory.ts';
import type { Bundle } from '../../store/bundle.ts';
import { isBundle, knownHostsFile, runNames } from '../../store/names.ts';
import { forgetOperation, operationsOf } from '../../store/operation-record.ts';
import { exists } from '../../sys/files.ts';
import { releaseLock, takeLock } from '../../sys/lock.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import { bundleEvent } from '../host/events.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { refuseRunning } from '../host/state.ts';
import { removeOpenMarker } from '../../store/open-marker.ts';
import { refuseLinkedClones } from '../layers/linked-clones.ts';
import { unlinkFromParents } from '../layers/parents.ts';
import { machineFiles } from './machine-files.ts';

/** @returns the files that stay */
async function deleteFiles(host: Host, bundle: Bundle): Promise<readonly string[]> {
  const { names } = bundle;
  await takeLock(names.lock, 'kamed', bundle.name);
  try {
    // A copy that was made while the machine ran has one.
    await removeOpenMarker(names);
    const nonces = await operationsOf(host.names, names);
    const { deleted, kept } = await machineFiles(host, bundle);
    const whole = isBundle(names.directory) && !kept.some((path) => path.startsWith(names.directory + sep));
    const parent = isBundle(names.directory) ? dirname(names.directory) : names.directory;
    await host.inventory.deleteFiles({
      vmx: names.vmx,
      aside: deletingName(parent, names.stem),
      files: whole ? [] : deleted,
    });
    for (const nonce of nonces) await forgetOperation(host.names, nonce);
    await clearRunDirectory(runNames(host.names, names.vmx));
    return kept;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') await releaseLock(names.lock);
    throw error;
  }
}

/**
 * Deletes a stopped or broken machine with its files. Files that are not part of a virtual machine stay; see machineFiles.
 * @returns the files that stay
 * @throws KameError WRONG_STATE while it is running, HAS_CLONES
 */
export async function remove(host: Host, reference: string): Promise<readonly string[]> {
  // A machine that cannot be settled can still be deleted.
  const request = { verb: 'delete', needs: 'any', settles: false } as const;
  return await hold(host, reference, request, async ({ bundle }) => {
    refuseRunning(host, bundle, 'delete');
    await refuseLinkedClones(host, bundle, 'delete');
    await unlinkFromParents(host, bundle);
    const kept = (await exists(bundle.names.directory)) ? await deleteFiles(host, bundle) : [];
    await host.inventory.unregister(bundle.names.vmx);
    const uuid = bundle.content?.model.uuid ?? nilUuid;
    await rm(knownHostsFile(host.names, uuid), { force: true });
    host.events.emit(bundleEvent('machine.deleted', bundle, `${bundle.name} was deleted.`));
    return kept;
  });
}
