import { dirname } from 'node:path';
import type { GrowDisk, GrownDisk } from '../../api/checkpoint.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { formatSize } from '../../core/units.ts';
import { type Layer, layersOf } from '../../disk/chain.ts';
import { maxVirtualSize } from '../../disk/format/limits.ts';
import { resize } from '../../disk/qemu-img.ts';
import type { Bundle } from '../../store/bundle.ts';
import { freeSpace } from '../../sys/free-space.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { changeDisks, journaled, refuseShared, rewriting, emitChange } from './change-disk.ts';
import { chosenChain } from './chosen-disk.ts';
import { refuseHeld, snapshotsOn } from './holders.ts';
import { describeNow } from './list.ts';

const sector = 512;

function checkSize(slot: string, { virtualSize }: Layer, sizeBytes: number): void {
  if (sizeBytes > maxVirtualSize) {
    throw new KameError(
      'INVALID_VALUE',
      `The size is ${formatSize(sizeBytes)}; it must be at most ${formatSize(maxVirtualSize)}.`,
      { next: 'Choose a smaller size, or distribute the data over several disks.', details: { sizeBytes } },
    );
  }
  if (sizeBytes < virtualSize) {
    throw new KameError(
      'INVALID_VALUE',
      `Cannot shrink ${slot} from ${formatSize(virtualSize)} (${virtualSize} bytes) to ${sizeBytes} bytes: the guest would lose data.`,
      { next: 'Choose a size that is larger than the current one.', details: { sizeBytes, virtualSize } },
    );
  }
}

/** A remark if the host has less space than was added. It needs the space only when the guest uses it. */
async function roomNote(top: Layer, sizeBytes: number): Promise<string> {
  const free = await freeSpace(dirname(top.path)).catch(() => Number.MAX_SAFE_INTEGER);
  return free < sizeBytes - top.virtualSize ? `The host currently has only ${formatSize(free)} free.` : '';
}

/** @returns remarks on it */
async function resizeTop(
  host: Host,
  bundle: Bundle,
  slot: string,
  top: Layer,
  sizeBytes: number,
): Promise<string[]> {
  const options = { qemuImg: await qemuImg(host), path: top.path, format: top.format, sizeBytes };
  await journaled(host, bundle, rewriting(bundle, top), async () => await resize(options));
  const room = await roomNote(top, sizeBytes);
  const message = `${slot} of ${bundle.name} was grown to ${formatSize(sizeBytes)}. ${room}`;
  await emitChange(host, bundle, message.trim());
  return room === '' ? [] : [room];
}

/**
 * Grows a disk of a stopped machine. As in VMware, the disk must not have snapshots, since a revert would change its size.
 * The disk of a linked clone can grow, because its own layer may be larger than its backing layer.
 * @throws KameError WRONG_STATE unless the machine is stopped, and naming the snapshots that hold the disk; INVALID_VALUE,
 * HAS_CLONES, BAD_IMAGE, FILE_ACCESS, BUSY, DISK_FULL, ENGINE_*
 */
export async function growDisk(
  host: Host,
  reference: string,
  which: string,
  body: GrowDisk,
  progress: Progress,
): Promise<GrownDisk> {
  return await changeDisks(host, reference, async (bundle) => {
    const { slot, top } = await chosenChain(host, bundle, which);
    const sizeBytes = Math.ceil(body.sizeBytes / sector) * sector;
    checkSize(slot, top, sizeBytes);
    refuseHeld(
      bundle,
      await snapshotsOn(host, bundle, { slot, layers: layersOf(top) }),
      `Cannot grow ${slot}`,
      `Delete the snapshots with kame snapshot delete, or grow the disk of a full clone: kame clone ${bundle.name} NEW --full.`,
    );
    await refuseShared(host, bundle, top, 'grow');
    if (progress.signal.aborted) throw new KameError('CANCELLED', `${slot} was not grown.`);
    const bytesAdded = sizeBytes - top.virtualSize;
    const notes = bytesAdded === 0 ? [] : await resizeTop(host, bundle, slot, top, sizeBytes);
    return { ...(await describeNow(host, bundle.names.vmx, slot)), bytesAdded, notes };
  });
}
