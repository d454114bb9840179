import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { repairLeaks } from '../../disk/repair.ts';
import { appendLog } from '../../store/bundle.ts';
import { readJournal } from '../../store/journal.ts';
import { resolveIn } from '../../store/names.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';

/**
 * Repairs leaked clusters that a killed engine left in the layers it wrote to. Leaks are harmless, but a check of the disk
 * would report them. Any other damage is logged and left as it is.
 */
export async function repairAfterCrash(host: Host, vmx: string): Promise<void> {
  const bundle = await host.bundles.read(vmx);
  const journal = await readJournal(host.names, bundle.names).catch(() => undefined);
  const newLayers =
    journal?.kind === 'layer' ? journal.layers.map(({ to }) => join(bundle.names.directory, to)) : [];
  const tops = (bundle.content?.model.disks ?? []).map((disk) => resolveIn(bundle.names, disk.fileName));
  for (const path of new Set([...tops, ...newLayers])) {
    try {
      const repaired = await repairLeaks({ qemuImg: await qemuImg(host), path });
      if (repaired > 0) await appendLog(bundle.names, `${repaired} leaked clusters of ${path} were freed`);
    } catch (error) {
      host.log('Could not repair a disk after a crash', {
        machine: bundle.name,
        path,
        reason: messageOf(error),
      });
    }
  }
}
