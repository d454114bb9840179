import { rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { formatSize } from '../core/units.ts';
import { fileError, isTaken, temporaryName } from '../sys/files.ts';
import { requireFreeSpace } from '../sys/free-space.ts';
import { copyImage } from './copy.ts';
import { isForeign, openForeign, type ForeignFormat, type ForeignImage } from './foreign-disk.ts';
import { badImage } from './format/image-file.ts';
import { probeImage, type ProbedImage } from './probe.ts';
import { convert, resize } from './qemu-img.ts';
import { writeQcow2 } from './write-qcow2.ts';

export interface ImportOptions {
  /** A file in any format that probeImage knows. It is never written. */
  readonly source: string;
  /** Path of the new qcow2; must not exist. */
  readonly target: string;
  /** Grows the disk to this many bytes. */
  readonly sizeBytes?: number;
  /** Path or name of the program. Default: `qemu-img`. */
  readonly qemuImg?: string;
  /** Accept a file without a known signature as raw. */
  readonly allowRaw?: boolean;
  readonly progress: Progress;
}

export interface ImportedDisk {
  readonly format: 'qcow2' | 'raw' | ForeignFormat;
  /** Size of the disk in the guest, in bytes. */
  readonly virtualSize: number;
}

interface Job extends ImportOptions {
  readonly temporary: string;
}

function program(options: ImportOptions): { qemuImg?: string } {
  return options.qemuImg === undefined ? {} : { qemuImg: options.qemuImg };
}

async function refuseExisting(target: string): Promise<void> {
  if (await isTaken(target))
    throw new KameError('ALREADY_EXISTS', `${target} already exists.`, { details: { path: target } });
}

function refuseShrinking(options: ImportOptions, virtualSize: number): void {
  if (options.sizeBytes === undefined || options.sizeBytes >= virtualSize) return;
  throw new KameError(
    'INVALID_VALUE',
    `The disk in ${options.source} has ${formatSize(virtualSize)} and cannot be shrunk to ${formatSize(options.sizeBytes)}.`,
    { next: `Choose a size of at least ${virtualSize} bytes.` },
  );
}

async function importQcow2(job: Job, image: Extract<ProbedImage, { format: 'qcow2' }>): Promise<number> {
  if (image.corrupt) {
    throw badImage(
      job.source,
      'is marked as corrupt',
      'Repair it at its source with `qemu-img check -r all`.',
    );
  }
  refuseShrinking(job, image.virtualSize);
  // Converting drops internal snapshots, and reference counts that are stale after a crash.
  if (image.snapshots > 0 || image.dirty) {
    await toQcow2(job, job.source, 'qcow2');
    return image.virtualSize;
  }
  await copyImage(job.source, job.temporary, job.progress);
  // Check the copy too: the engine opens the copy, and the source may have changed since it was checked.
  const copy = await probeImage(job.temporary);
  if (copy.format !== 'qcow2') throw badImage(job.source, 'changed while it was being copied');
  return copy.virtualSize;
}

async function toQcow2(job: Job, source: string, sourceFormat: 'raw' | 'qcow2'): Promise<void> {
  const { temporary: target, progress } = job;
  await convert({ ...program(job), source, sourceFormat, target, targetFormat: 'qcow2', progress });
}

/** Our own reader and our own writer: QEMU's tools never see the foreign disk. */
async function importForeign(job: Job, image: ForeignImage): Promise<number> {
  await using disk = await openForeign(image);
  refuseShrinking(job, disk.size);
  await requireFreeSpace(dirname(job.target), disk.estimate, job.target);
  await writeQcow2(disk, job.temporary, job.progress);
  return disk.size;
}

async function fill(job: Job): Promise<ImportedDisk> {
  const image = await probeImage(job.source, { allowRaw: job.allowRaw === true });
  if (image.format === 'iso') {
    throw badImage(job.source, 'is an ISO image, not a disk', 'Attach it as a CD with --iso PATH.');
  }
  if (image.format === 'qcow2') return { format: 'qcow2', virtualSize: await importQcow2(job, image) };
  if (isForeign(image)) return { format: image.format, virtualSize: await importForeign(job, image) };
  refuseShrinking(job, image.virtualSize);
  await toQcow2(job, job.source, 'raw');
  return { format: 'raw', virtualSize: image.virtualSize };
}

/**
 * Makes a qcow2 disk for a machine from an image, which is checked, copied or converted, and grown. The target appears
 * only once it is complete; after a failure or cancellation, nothing is left behind.
 * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE, INVALID_VALUE, ALREADY_EXISTS, DISK_FULL, CANCELLED, FILE_ACCESS,
 * ENGINE_MISSING, ENGINE_FAILED
 */
export async function importDisk(options: ImportOptions): Promise<ImportedDisk> {
  const target = resolve(options.target);
  await refuseExisting(target);
  const job: Job = { ...options, source: resolve(options.source), target, temporary: temporaryName(target) };
  try {
    const disk = await fill(job);
    const sizeBytes = options.sizeBytes ?? disk.virtualSize;
    if (sizeBytes > disk.virtualSize) {
      const { progress, temporary: path } = job;
      await resize({ ...program(job), path, format: 'qcow2', sizeBytes, progress });
    }
    if (options.progress.signal.aborted)
      throw new KameError('CANCELLED', `The import of ${job.source} was cancelled.`);
    await rename(job.temporary, target);
    return { ...disk, virtualSize: Math.max(sizeBytes, disk.virtualSize) };
  } catch (error) {
    throw fileError(error, target);
  } finally {
    await rm(job.temporary, { force: true });
  }
}
