import { messageOf } from '../../core/errors.ts';
import type { HomeNames, MachineNames, RunNames } from '../../store/names.ts';
import { removeOpenMarker } from '../../store/open-marker.ts';
import { lockHolder, releaseLock } from '../../sys/lock.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import type { Host } from '../host/host.ts';

export interface Traces {
  /** The name of the machine, for the log. */
  readonly name: string;
  readonly names: MachineNames;
  readonly run: RunNames;
  /** Removes the RAM of the engine, and what else of it nobody needs any more. */
  readonly removeRam: (home: HomeNames, run: RunNames) => Promise<void>;
}

/** Releases the lock of a machine whose engine is gone, unless another process has it by now. */
async function releaseOwnLock(path: string): Promise<void> {
  const holder = await lockHolder(path);
  if (holder === undefined || holder.pid === process.pid) await releaseLock(path);
}

/**
 * Removes what belongs to an engine that has ended, or was not started after all: RAM, companions, run directory, marker and lock. What
 * cannot be removed is logged, and left to the next start or daemon: the machine does not run, whatever is left of it, and must
 * not stay locked for it.
 */
export async function removeTraces(host: Host, { name, names, run, removeRam }: Traces): Promise<void> {
  const steps = [
    async () => await removeRam(host.names, run),
    async () => await clearRunDirectory(run),
    async () => await removeOpenMarker(names),
    async () => await releaseOwnLock(names.lock),
  ];
  for (const step of steps) {
    await step().catch((error: unknown) => {
      host.log('Could not remove all traces of an engine', { machine: name, reason: messageOf(error) });
    });
  }
}
