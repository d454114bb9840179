import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { KameError } from '../core/errors.ts';
import { silentProgress, type Progress } from '../core/progress.ts';
import { fileError } from '../sys/files.ts';
import { writableBackingName } from './backing-name.ts';
import { readChain, type Layer } from './chain.ts';
import { growthOf } from './estimate.ts';
import { requireFreeSpace } from '../sys/free-space.ts';
import { followGrowth } from './growth.ts';
import { badImage } from './format/image-file.ts';
import { call, failure, longTimeoutMs, type Call } from './qemu-img-call.ts';

/** The caller has read the chain with its own directories; here it is only looked at again. */
async function chainOf(path: string): Promise<Layer> {
  return await readChain(path, { inside: ['/'], tables: false });
}

interface Work extends Call {
  readonly stage: string;
  /** What is written to, and how much it can grow. */
  readonly target: Layer;
  readonly bytesNeeded: number;
  readonly verb: string;
  readonly args: string[];
  readonly progress: Progress;
}

async function perform(work: Work): Promise<void> {
  const { target, bytesNeeded, progress, stage } = work;
  if (progress.signal.aborted) throw new KameError('CANCELLED', `${stage}: cancelled before it began.`);
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
 * Writes what an overlay holds into the layer directly beneath it, of which nothing else may be a child. The overlay
 * stays as it is, and shows the same content at every moment: killed, cancelled or out of room, it is done again, or
 * left. Once this has returned, all is on the disk, and the overlay can be removed or the base take its name.
 * Only for a chain that readChain has accepted. Progress is in bytes by which the base grows.
 * @throws KameError BAD_IMAGE when `base` is not what lies beneath, BUSY, DISK_FULL (with bytesNeeded), CANCELLED,
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
    const beneath = target ? `${target.path} (${target.format})` : 'nothing';
    throw badImage(overlay.path, `lies over ${beneath}, not over ${base} (${options.baseFormat})`);
  }
  await perform({
    ...options,
    stage: 'Merging a layer of the disk',
    target,
    bytesNeeded: await growthOf(target, overlay),
    verb: 'merged into',
    // -d: the overlay is not emptied. Emptying it would be of no use, and one more thing to be killed in.
    args: ['commit', '-q', '-d', '-f', 'qcow2', overlay.path],
    progress: options.progress ?? silentProgress(),
  });
}

/** Bytes at most that come into the overlay from the layers above the one that will lie beneath it. */
async function pulledBytes(overlay: Layer, stop: string | undefined): Promise<number> {
  let bytes = 0;
  for (let layer = overlay.backing; layer && layer.path !== stop; layer = layer.backing) {
    bytes += await growthOf(overlay, layer);
  }
  return bytes;
}

/**
 * Copies into an overlay what the layer beneath it holds and `onto` does not, then makes `onto` its backing file, or
 * none. The layer beneath is only read, so others may lie over it. The overlay shows the same content at every moment,
 * after a kill, a cancel or a power cut too: then it is done again. Done already, nothing happens.
 * `onto.path` is written as it is given: relative to the overlay's directory, or absolute; it must hold what lies below
 * the layer beneath, or anything else, at the price of more copying. Progress is in bytes by which the overlay grows.
 * @throws KameError INVALID_VALUE for a name that no header can hold, BAD_IMAGE, BUSY, DISK_FULL (with bytesNeeded),
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
    // Writethrough: with a cache qemu-img writes the header, which names the new backing file, before the tables that
    // map what it has copied, and a kill between the two would lose that.
    args: ['rebase', '-q', '-t', 'writethrough', '-f', 'qcow2', ...reference, overlay.path],
    progress: options.progress ?? silentProgress(),
  });
}
