import { rename, rm } from 'node:fs/promises';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { SavedRam } from '../../store/checkpoint.ts';
import type { CheckpointNames } from '../../store/names.ts';
import { copyExtents, extentBytes, type CopyExtentsOptions } from '../../sys/extents.ts';
import { requireFreeSpace } from '../../sys/free-space.ts';

function withBytesNeeded(error: unknown, bytesNeeded: number): unknown {
  if (!(error instanceof KameError) || error.code !== 'DISK_FULL') return error;
  if (error.details['bytesNeeded'] !== undefined) return error;
  return new KameError('DISK_FULL', `${error.message} The memory needs ${bytesNeeded} bytes.`, {
    cause: error,
    details: { ...error.details, bytesNeeded },
  });
}

/**
 * Copies RAM to a place that survives a restart of the host: flushed, with holes for zeros. Reports progress and can be
 * cancelled.
 * @param total bytes to copy
 * @throws KameError DISK_FULL with the bytes needed, CANCELLED, FILE_ACCESS
 */
export async function writeLastingRam(
  total: number,
  progress: Progress,
  copy: (options: Omit<CopyExtentsOptions, 'size'>) => Promise<void>,
): Promise<void> {
  const stage = 'Writing memory';
  try {
    await copy({
      sync: true,
      skipZeros: true,
      signal: progress.signal,
      onBytes: (done) => progress.report({ stage, done, total, unit: 'bytes' }),
    });
  } catch (error) {
    throw withBytesNeeded(error, total);
  }
}

/**
 * Moves a checkpoint's RAM from the memory file system into the checkpoint. `checkpoint.ram` appears complete or not at all.
 * @param waiting path of the RAM on the memory file system
 * @throws KameError DISK_FULL with the bytes needed, CANCELLED, FILE_ACCESS
 */
export async function persistRam(
  checkpoint: CheckpointNames,
  waiting: string,
  ram: SavedRam,
  progress: Progress,
): Promise<void> {
  if (ram.kind !== 'file') return;
  const { size, extents } = ram;
  const part = `${checkpoint.ram}.part`;
  const total = extentBytes(extents);
  try {
    await requireFreeSpace(checkpoint.directory, total, checkpoint.ram);
    await writeLastingRam(total, progress, async (options) => {
      await copyExtents(waiting, part, extents, { size, ...options });
    });
    await rename(part, checkpoint.ram);
    await rm(waiting, { force: true });
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
