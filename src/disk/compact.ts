import { chmod, lstat, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { KameError } from '../core/errors.ts';
import { silentProgress, type Progress } from '../core/progress.ts';
import { allocatedOf, fileError, syncDirectory, syncFile, temporaryName } from '../sys/files.ts';
import { requireFreeSpace } from '../sys/free-space.ts';
import type { RunResult } from '../sys/process.ts';
import { readChain, type Layer } from './chain.ts';
import { ownBytes } from './estimate.ts';
import { ImageFile, badImage } from './format/image-file.ts';
import { followGrowth } from './growth.ts';
import { repoint } from './merge.ts';
import { checkQcow2 } from './qcow2-header.ts';
import { call, failure, longTimeoutMs, type Call } from './qemu-img-call.ts';
import { isInPlace, onStandIn, withStandIn } from './stand-in.ts';

const stage = 'Compacting the disk';

export interface Compacted {
  /** Bytes allocated on the host, before and after. Equal if nothing could be saved. */
  readonly before: number;
  readonly after: number;
}

type Options = Call & { path: string; progress?: Progress };

/** Refuses a layer that a copy would damage. */
async function refuseLoss(layer: Layer): Promise<void> {
  if (layer.format === 'raw') return;
  await using file = await ImageFile.open(layer.path);
  const { corrupt, snapshots } = await checkQcow2(file, { backing: 'tell' });
  if (corrupt) throw badImage(layer.path, 'is marked as corrupt');
  if (snapshots === 0) return;
  throw badImage(
    layer.path,
    `contains ${snapshots} internal snapshots, which compacting would lose`,
    'Delete them first with `qemu-img snapshot -d NAME FILE`.',
  );
}

/** The layer with its real path, so that the copy replaces the file and not a symbolic link to it. */
async function layerAt(path: string): Promise<Layer> {
  const layer = await readChain(path, { inside: ['/'], tables: false });
  if (!(await lstat(path)).isSymbolicLink()) return layer;
  if (layer.backing)
    throw badImage(path, 'is a symbolic link to a layer', 'Give the path of the file itself.');
  return { ...layer, path: await realpath(path) };
}

function convertArgs(layer: Layer, target: string, standIn?: string): string[] {
  if (standIn !== undefined) {
    const layers = ['-B', standIn, '-F', 'raw', onStandIn([layer.path], standIn)];
    return ['convert', '-q', '-O', 'qcow2', ...layers, target];
  }
  const args = ['convert', '-q', '-f', layer.format, '-O', layer.format];
  // With -B only the data of the layer itself is copied, including its zeros that hide data of the layer below.
  if (layer.backing) args.push('-B', layer.backingName ?? '', '-F', layer.backing.format);
  return [...args, layer.path, target];
}

/** Copies the data of a layer to a new file. @throws KameError */
async function copyOwnData(options: Options, layer: Layer, target: string): Promise<RunResult> {
  const run = async (args: string[]) => await call(options, args, options.progress, longTimeoutMs);
  const { backing, backingName } = layer;
  if (!backing || !isInPlace(layer)) return await run(convertArgs(layer, target));
  return await withStandIn(layer, async (standIn) => {
    const result = await run(convertArgs(layer, target, standIn));
    const named = { path: backingName ?? '', format: backing.format };
    if (result.exitCode === 0) await repoint({ ...options, overlay: target, backing: named });
    return result;
  });
}

/** Replaces a layer with its finished copy if that saves space. Returns the bytes allocated. */
async function replace(layer: Layer, temporary: string): Promise<number> {
  const [old, made] = await Promise.all([stat(layer.path), stat(temporary)]);
  if (made.blocks >= old.blocks) return allocatedOf(old);
  await chmod(temporary, old.mode & 0o777);
  await syncFile(temporary);
  await rename(temporary, layer.path);
  await syncDirectory(dirname(layer.path));
  return allocatedOf(made);
}

/**
 * Frees unused space in the disk of a stopped machine: clusters of zeros or discarded data, and leaks. Only the top
 * layer is compacted; the layers below are read-only and do not change. The content stays the same. This makes a copy,
 * which needs free space, and replaces the file only if the copy is smaller. Only for a chain that readChain has
 * accepted.
 * @throws KameError DISK_FULL (with bytesNeeded) before anything is written or when the disk fills up, BUSY when a
 * machine runs on it, BAD_IMAGE, CANCELLED, FILE_ACCESS, ENGINE_MISSING, ENGINE_FAILED
 */
export async function compact(options: Options): Promise<Compacted> {
  const progress = options.progress ?? silentProgress();
  const layer = await layerAt(resolve(options.path));
  await refuseLoss(layer);
  if (progress.signal.aborted) throw new KameError('CANCELLED', `Compacting ${layer.path} was cancelled.`);
  const needed = await ownBytes(layer);
  await requireFreeSpace(dirname(layer.path), needed, layer.path);
  const temporary = temporaryName(layer.path);
  const growth = followGrowth(temporary, needed, stage, progress);
  try {
    const result = await copyOwnData({ ...options, progress }, layer, temporary);
    if (result.exitCode !== 0) throw failure('compacted', layer.path, result, needed);
    const after = await replace(layer, temporary);
    progress.report({ stage, done: needed, total: needed, unit: 'bytes' });
    return { before: layer.allocatedBytes, after };
  } catch (error) {
    throw fileError(error, layer.path);
  } finally {
    growth.stop();
    await rm(temporary, { force: true });
  }
}
