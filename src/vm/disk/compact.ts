import type { CompactedDisk } from '../../api/checkpoint.ts';
import type { Progress } from '../../core/progress.ts';
import { formatSize } from '../../core/units.ts';
import { readChain } from '../../disk/chain.ts';
import { compact, type Compacted } from '../../disk/compact.ts';
import { slotName } from '../../model/slots.ts';
import { resolveIn } from '../../store/names.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { layerDirectories } from '../layers/chains.ts';
import { changeDisks, journaled, refuseShared, rewriting, tellChange } from './change-disk.ts';
import { chosenDisk } from './chosen-disk.ts';
import { refuseHeld, snapshotsNaming } from './holders.ts';
import { describeNow } from './list.ts';

/**
 * Gives back to the host what a stopped machine's disk takes for nothing. Of a disk with snapshots, or of a linked clone,
 * only the top layer is rewritten, which holds what was written since; the layers beneath belong to others too.
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
    const disk = chosenDisk(bundle, which);
    const slot = slotName(disk);
    const inside = await layerDirectories(host, bundle);
    const top = await readChain(resolveIn(bundle.names, disk.fileName), { inside });
    refuseShared(bundle, top, 'compacted');
    // Another program's snapshot may name the very file that the machine goes on with; there may be clones over it.
    const next = `Start ${bundle.name} and take a snapshot, or delete those; then there is a layer to compact.`;
    refuseHeld(bundle, await snapshotsNaming(bundle, top.path), `${slot} can’t be compacted`, next);
    const beneath = top.backing
      ? ' Only what was written since the last snapshot or clone is looked at.'
      : '';
    progress.report({ stage: `Compacting ${slot} of ${bundle.name}.${beneath}` });
    let result: Compacted = { before: top.allocatedBytes, after: top.allocatedBytes };
    const program = await qemuImg(host);
    await journaled(host, bundle, rewriting(bundle, top), async () => {
      result = await compact({ qemuImg: program, path: top.path, progress });
    });
    const bytesFreed = result.before - result.after;
    const message = `${slot} of ${bundle.name} was compacted: ${formatSize(bytesFreed)} given back.${beneath}`;
    await tellChange(host, bundle, message);
    return { ...(await describeNow(host, bundle.names.vmx, slot)), bytesFreed };
  });
}
