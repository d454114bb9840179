import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { deletingName } from '../../store/bundle-directory.ts';
import type { Bundle } from '../../store/bundle.ts';
import { runNames } from '../../store/names.ts';
import { forgetOperation, operationsOf } from '../../store/operation-record.ts';
import { removeRamFiles } from '../../store/ram-place.ts';
import { fileError } from '../../sys/files.ts';
import { isOwnDirectory } from '../../sys/own-file.ts';
import type { Host } from '../host/host.ts';
import { unlinkFromParents } from '../layers/parents.ts';
import { removeTraces } from '../running/traces.ts';

/** Ends and deletes an instant clone that failed. @throws KameError BROKEN_MACHINE, FILE_ACCESS */
export async function discardClone(host: Host, clone: Bundle): Promise<void> {
  // Only a bundle in the home was made by Kame; no other directory is ever removed as a whole.
  if (!host.inventory.owns(clone.names.vmx) || !(await isOwnDirectory(clone.names.directory))) {
    throw new KameError('BROKEN_MACHINE', `${clone.names.directory} is not a bundle that Kame made.`, {
      details: { machine: clone.name, path: clone.names.directory },
    });
  }
  const machine = host.running.get(clone.names.vmx);
  await machine?.engine.kill();
  await machine?.ended;
  const run = runNames(host.names, clone.names.vmx);
  await removeTraces(host, { ...clone, run, removeRam: removeRamFiles });
  await unlinkFromParents(host, clone);
  const nonces = await operationsOf(host.names, clone.names);
  // First aside, so that a kill does not leave half a machine without its journal in the list.
  const aside = deletingName(dirname(clone.names.directory), clone.names.stem);
  await rename(clone.names.directory, aside).catch((error: unknown) => {
    throw fileError(error, aside);
  });
  for (const nonce of nonces) await forgetOperation(host.names, nonce);
  await rm(aside, { recursive: true, force: true });
}
