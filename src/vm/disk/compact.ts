import type { CompactedDisk } from '../../api/checkpoint.ts';
import type { Progress } from '../../core/progress.ts';
import { formatSize } from '../../core/units.ts';
import { compact, type Compacted } from '../../disk/compact.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { changeDisks, journaled, refuseShared, rewriting, emitChange } from './change-disk.ts';
import { chosenChain } from './chosen-disk.ts';
import { refuseHeld, snapshotsNaming } from './holders.ts';
import { describeNow } from './list.ts';

/**
 * Returns unused space of a stopped machine's disk to the host. If the disk has snapshots or is a linked clone's, only the
 * top layer is rewritten, which contains the writes since then; the layers beneath it are shared.
 * @throws KameError WRONG_STATE unless the machine is stopped; DISK_FULL (with bytesNeeded) before anything is written;
 * HAS_CLONES, BAD_IMAGE, FILE_ACCESS, BUSY, CANCELLED, ENGINE_*
 */
export async function compactDisk(
  host: Host,
  reference: string,
  which: string,
  progress: Progress,
): Promise<CompactedDisk> {
  return await changeDisks(host, reference, async (bundle) => {
    const { slot, top } = await chosenChain(host, bundle, which);
    await refuseShared(host, bundle, top, 'compact');
    // A snapshot of another program may refer to the file that the machine writes to, and clones may depend on it.
    const next = `Take another snapshot of ${bundle.name}, so that there is a layer to compact, or delete those snapshots.`;
    refuseHeld(bundle, await snapshotsNaming(bundle, top.path), `Cannot compact ${slot}`, next);
    const scope = top.backing ? ' Only the layer written since the last snapshot or clone is compacted.' : '';
    progress.report({ stage: `Compacting ${slot} of ${bundle.name}.${scope}` });
    let result: Compacted = { before: top.allocatedBytes, after: top.allocatedBytes };
    const program = await qemuImg(host);
    await journaled(host, bundle, rewriting(bundle, top), async () => {
      result = await compact({ qemuImg: program, path: top.path, progress });
    });
    const bytesFreed = result.before - result.after;
    const message = `${slot} of ${bundle.name} was compacted: ${formatSize(bytesFreed)} freed.${scope}`;
    await emitChange(host, bundle, message);
    return { ...(await describeNow(host, bundle.names.vmx, slot)), bytesFreed };
  });
}
