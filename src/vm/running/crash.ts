import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { repairLeaks } from '../../disk/repair.ts';
import { appendLog } from '../../store/bundle.ts';
import { readJournal } from '../../store/journal.ts';
import { resolveIn } from '../../store/names.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';

/**
 * Gives back what an engine that was killed had allocated and not used yet, in the layers it wrote to. Nothing is lost by
 * such leaks; without them a check of the disk has nothing to tell. What is worse is written to the log and left alone.
 */
export async function repairAfterCrash(host: Host, vmx: string): Promise<void> {
  const bundle = await host.bundles.read(vmx);
  const journal = await readJournal(bundle.names).catch(() => undefined);
  const begun =
    journal?.kind === 'layer' ? journal.layers.map(({ to }) => join(bundle.names.directory, to)) : [];
  const tops = (bundle.content?.model.disks ?? []).map((disk) => resolveIn(bundle.names, disk.fileName));
  for (const path of new Set([...tops, ...begun])) {
    try {
      const repaired = await repairLeaks({ qemuImg: await qemuImg(host), path });
      if (repaired > 0)
        await appendLog(bundle.names, `${repaired} leaked clusters of ${path} were given back`);
    } catch (error) {
      host.log('A disk was not repaired after a crash', {
        machine: bundle.name,
        path,
        reason: messageOf(error),
      });
    }
  }
}
