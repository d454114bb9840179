import { rm } from 'node:fs/promises';
import type { Bundle } from '../../store/bundle.ts';
import { runNames } from '../../store/names.ts';
import { removeRamFiles } from '../../store/ram-place.ts';
import { releaseLock } from '../../sys/lock.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import type { Host } from '../host/host.ts';
import { unlinkFromParents } from '../layers/parents.ts';

/** Ends and deletes an instant clone that failed. */
export async function discardClone(host: Host, clone: Bundle): Promise<void> {
  const machine = host.running.get(clone.names.vmx);
  await machine?.engine.kill();
  await machine?.ended;
  const run = runNames(host.names, clone.names.vmx);
  await clearRunDirectory(run);
  await removeRamFiles(host.names, run);
  await releaseLock(clone.names.lock);
  await unlinkFromParents(host, clone);
  await rm(clone.names.directory, { recursive: true, force: true });
}
