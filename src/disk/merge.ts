import { realpath, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { KameError } from '../core/errors.ts';
import { silentProgress, type Progress } from '../core/progress.ts';
import { fileError, syncDirectory, temporaryName } from '../sys/files.ts';
import { requireFreeSpace } from '../sys/free-space.ts';
import { writableBackingName } from './backing-name.ts';
import { openChain } from './chain-disk.ts';
import { readChain, type Layer } from './chain.ts';
import { growthOf } from './estimate.ts';
import { ImageFile, badImage } from './format/image-file.ts';
import { followGrowth } from './growth.ts';
import { checkQcow2 } from './qcow2-header.ts';
import { clusterSize as ownClusterSize } from './qcow2-layout.ts';
import { call, failure, longTimeoutMs, type Call } from './qemu-img-call.ts';
import { isInPlace, onStandIn, withStandIn } from './stand-in.ts';
import { writeQcow2 } from './write-qcow2.ts';

/** Reads a chain again. The caller has already checked that all layers are in allowed directories. */
async function chainOf(path: string): Promise<Layer> {
  return await readChain(path, { inside: ['/'], tables: false });
}

interface Work extends Call {
  readonly stage: string;
  /** The layer that is written to, and the most bytes by which it grows. */
  readonly target: Layer;
  readonly bytesNeeded: number;
  readonly verb: string;
  readonly args: string[];
  readonly progress: Progress;
}

async function perform(work: Work): Promise<void> {
  const { target, bytesNeeded, progress, stage } = work;
  if (progress.signal.aborted) throw new KameError('CANCELLED', `${stage} was cancelled before it began.`);
  await requireFreeSpace(dirname(target.path), bytesNeeded, target.path);
  const growth = followGrowth(target.path, bytesNeeded, stage, progress, target.allocatedBytes);
  try {
    const result = await call(work, work.args, progress, longTimeoutMs);
    if (result.exitCode !== 0) throw failure(work.verb, target.path, result, bytesNeeded);
  } finally {
    growth.stop();
  }
  progress.report({ stage, done: bytesNeeded, total: bytesNeeded, unit: 'bytes' });
}

/**
 * Writes the data of an overlay into its backing file, which must have no other overlay. The overlay does not change
 * and shows the same content at every moment, so after a kill, a cancellation or a full disk this can be repeated or
 * given up. Once this has returned, everything is on the disk: the overlay can be removed, or the base renamed to it.
 * Only for a chain that readChain has accepted. Progress counts the bytes by which the base grows.
 * @throws KameError BAD_IMAGE when `base` is not the backing file, BUSY, DISK_FULL (with bytesNeeded), CANCELLED,
 * FILE_ACCESS, ENGINE_MISSING, ENGINE_FAILED
 */
export async function commitInto(
  options: Call & { overlay: string; base: string; baseFormat: 'qcow2' | 'raw'; progress?: Progress },
): Promise<void> {
  const overlay = await chainOf(resolve(options.overlay));
  const base = await realpath(options.base).catch((error: unknown) => {
    throw fileError(error, options.base);
  });
  const target = overlay.backing;
  if (target?.path !== base || target.format !== options.baseFormat) {
    const actual = target ? `the backing file ${target.path} (${target.format})` : 'no backing file';
    throw badImage(overlay.path, `has ${actual}, not ${base} (${options.baseFormat})`);
  }
  const bytesNeeded = await growthOf(target, overlay);
  const commit = async (...image: string[]) =>
    await perform({
      ...options,
      stage: 'Merging a layer of the disk',
      target,
      bytesNeeded,
      verb: 'merged into',
      // -d: do not empty the overlay, which would be useless, and one more step that a kill can interrupt.
      args: ['commit', '-q', '-d', ...image],
      progress: options.progress ?? silentProgress(),
    });
  if (!isInPlace(overlay)) return await commit('-f', 'qcow2', overlay.path);
  await refuseOtherClusters([overlay, target]);
  await withStandIn(
    overlay,
    async (standIn) => await commit(onStandIn([overlay.path, target.path], standIn)),
  );
}

/** With clusters of another size, the engine would fill up clusters from the stand-in. */
async function refuseOtherClusters(layers: readonly Layer[]): Promise<void> {
  for (const { path } of layers) {
    await using file = await ImageFile.open(path);
    const { clusterSize, mapping } = await checkQcow2(file, { backing: 'tell', tables: false });
    if (clusterSize === ownClusterSize && !mapping.extendedL2) continue;
    throw badImage(path, 'has clusters of another size than the layers that Kame makes');
  }
}

/** Completes an overlay with all that is below it, which may be in the files of another program. */
async function flatten(overlay: Layer, progress: Progress): Promise<void> {
  await using disk = await openChain(overlay);
  await requireFreeSpace(dirname(overlay.path), disk.estimate, overlay.path);
  const temporary = temporaryName(overlay.path);
  try {
    await writeQcow2(disk, temporary, progress);
    await rename(temporary, overlay.path);
  } finally {
    await rm(temporary, { force: true });
  }
  await syncDirectory(dirname(overlay.path));
}

/** The most bytes that the overlay receives from the layers between it and its new backing file. */
async function pulledBytes(overlay: Layer, stop: string | undefined): Promise<number> {
  let bytes = 0;
  for (let layer = overlay.backing; layer && layer.path !== stop; layer = layer.backing) {
    bytes += await growthOf(overlay, layer);
  }
  return bytes;
}

/**
 * Copies into an overlay the data of its backing file that `onto` lacks, then makes `onto` its backing file, or none if
 * `onto` is null. The old backing file is only read, so it may have other overlays. The overlay shows the same content
 * at every moment, even after a kill, a cancellation or a power failure: then repeat the call. If the backing file is
 * already `onto`, nothing happens. `onto.path` is written into the header as given: relative to the directory of the
 * overlay, or absolute. Usually it is the next layer down; any other image works but needs more copying. Progress
 * counts the bytes by which the overlay grows.
 * @throws KameError INVALID_VALUE for a name that a header cannot hold, BAD_IMAGE, BUSY, DISK_FULL (with bytesNeeded),
 * CANCELLED, FILE_ACCESS, ENGINE_MISSING, ENGINE_FAILED
 */
export async function pullInto(
  options: Call & {
    overlay: string;
    onto: { readonly path: string; readonly format: 'qcow2' | 'raw' } | null;
    progress?: Progress;
  },
): Promise<void> {
  const { onto } = options;
  const overlay = await chainOf(resolve(options.overlay));
  const name = onto === null ? null : writableBackingName(onto.path);
  if (overlay.backingName === name) return;
  const progress = options.progress ?? silentProgress();
  if (isInPlace(overlay)) {
    if (onto !== null)
      throw badImage(overlay.path, 'is used in place, and cannot be pulled onto another layer');
    return await flatten(overlay, progress);
  }
  const stop =
    name === null
      ? undefined
      : await realpath(resolve(dirname(overlay.path), name)).catch((error: unknown) => {
          throw fileError(error, name);
        });
  const reference = onto === null ? ['-b', ''] : ['-b', name ?? '', '-F', onto.format];
  await perform({
    ...options,
    stage: 'Copying a layer of the disk',
    target: overlay,
    bytesNeeded: await pulledBytes(overlay, stop),
    verb: 'completed',
    // Writethrough: with a cache, qemu-img writes the header with the new backing file before the tables that map the
    // copied data, and a kill in between would lose that data.
    args: ['rebase', '-q', '-t', 'writethrough', '-f', 'qcow2', ...reference, overlay.path],
    progress,
  });
}

/**
 * Replaces the backing file in the header of an overlay, and changes nothing else: only for one with the same content.
 * The header is in a single cluster, so at any instant it has either the old or the new name.
 * @throws KameError INVALID_VALUE, BUSY, FILE_ACCESS, ENGINE_MISSING, ENGINE_FAILED
 */
export async function repoint(
  options: Call & { overlay: string; backing: { readonly path: string; readonly format: 'qcow2' | 'raw' } },
): Promise<void> {
  const overlay = resolve(options.overlay);
  const { path, format } = options.backing;
  const args = ['rebase', '-u', '-q', '-f', 'qcow2', '-b', writableBackingName(path), '-F', format, overlay];
  const result = await call(options, args);
  if (result.exitCode !== 0) throw failure('given another backing file', overlay, result);
}
