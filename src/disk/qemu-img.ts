import { rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { KameError } from '../core/errors.ts';
import { silentProgress, type Progress } from '../core/progress.ts';
import { isTaken, syncFile, temporaryName } from '../sys/files.ts';
import { requireFreeSpace } from '../sys/free-space.ts';
import { maxVirtualSize } from './format/limits.ts';
import { followGrowth } from './growth.ts';
import { alone } from './stand-in.ts';
import { call, failure, longTimeoutMs, numberOf, parseJson, type Call } from './qemu-img-call.ts';

/** The formats that QEMU may read: images that Kame wrote, or whose header probe.ts has checked. */
export type EngineFormat = 'raw' | 'qcow2';

export interface QemuImgInfo {
  readonly format: string;
  /** Size of the disk in the guest, in bytes. */
  readonly virtualSize: number;
  /** Bytes allocated on the host. */
  readonly actualSize: number;
  readonly backingFile?: string;
  readonly dirty: boolean;
}

export interface QemuImgCheck {
  readonly ok: boolean;
  readonly corruptions: number;
  readonly leaks: number;
  readonly checkErrors: number;
}

function checkSize(sizeBytes: number, path: string): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 512 || sizeBytes > maxVirtualSize) {
    throw new KameError(
      'INVALID_VALUE',
      `The size of ${path} is ${sizeBytes} bytes; it must be from 512 bytes to 64 TiB.`,
    );
  }
}

/**
 * Makes an empty qcow2 of `sizeBytes` at `path`, which appears only once it is complete.
 * @throws KameError ALREADY_EXISTS, INVALID_VALUE, DISK_FULL, FILE_ACCESS, ENGINE_MISSING, ENGINE_FAILED
 */
export async function createQcow2(options: Call & { path: string; sizeBytes: number }): Promise<void> {
  const path = resolve(options.path);
  checkSize(options.sizeBytes, path);
  if (await isTaken(path)) throw new KameError('ALREADY_EXISTS', `${path} already exists.`);
  const temporary = temporaryName(path);
  try {
    const args = ['create', '-q', '-f', 'qcow2', temporary, String(options.sizeBytes)];
    const result = await call(options, args);
    if (result.exitCode !== 0) throw failure('created', path, result);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Grows an image to `sizeBytes`. Never shrinks it, which would truncate the data of the guest.
 * @throws KameError INVALID_VALUE, BUSY, DISK_FULL, ENGINE_FAILED
 */
export async function resize(
  options: Call & { path: string; format: EngineFormat; sizeBytes: number; progress?: Progress },
): Promise<void> {
  const path = resolve(options.path);
  checkSize(options.sizeBytes, path);
  const { virtualSize } = await info(options);
  if (options.sizeBytes === virtualSize) return;
  if (options.sizeBytes < virtualSize) {
    throw new KameError(
      'INVALID_VALUE',
      `${path} has ${virtualSize} bytes and cannot be shrunk to ${options.sizeBytes}: that would truncate its data.`,
    );
  }
  const image = options.format === 'qcow2' ? [alone(path)] : ['-f', options.format, path];
  const args = ['resize', '-q', ...image, String(options.sizeBytes)];
  const result = await call(options, args, options.progress);
  if (result.exitCode !== 0) throw failure('resized', path, result);
}

/**
 * The information that qemu-img gives about an image. Only for files that Kame wrote, or whose header probe.ts has
 * checked.
 * @throws KameError BUSY, FILE_ACCESS, ENGINE_MISSING, ENGINE_FAILED
 */
export async function info(
  options: Call & { path: string; format: EngineFormat; progress?: Progress },
): Promise<QemuImgInfo> {
  const path = resolve(options.path);
  // -U skips the lock: reading the header of a disk in use is harmless.
  const args = ['info', '-U', '--output=json', '-f', options.format, path];
  const result = await call(options, args, options.progress);
  if (result.exitCode !== 0) throw failure('read', path, result);
  const json = parseJson(result.stdout, path);
  const backing = json['backing-filename'];
  return {
    format: typeof json['format'] === 'string' ? json['format'] : options.format,
    virtualSize: numberOf(json['virtual-size']),
    actualSize: numberOf(json['actual-size']),
    ...(typeof backing === 'string' ? { backingFile: backing } : {}),
    dirty: json['dirty-flag'] === true,
  };
}

/**
 * Checks the tables of a qcow2 without changing it. Leaks alone are harmless and count as ok.
 * @throws KameError BUSY, CANCELLED, ENGINE_MISSING, ENGINE_FAILED
 */
export async function check(options: Call & { path: string; progress?: Progress }): Promise<QemuImgCheck> {
  const path = resolve(options.path);
  const args = ['check', '--output=json', alone(path)];
  const result = await call(options, args, options.progress, longTimeoutMs);
  // 0 clean, 2 corrupted, 3 only leaks; with any other code the check itself failed (qemu-img(1)).
  if (result.exitCode !== 0 && result.exitCode !== 2 && result.exitCode !== 3)
    throw failure('checked', path, result);
  const json = parseJson(result.stdout, path);
  return {
    ok: result.exitCode !== 2,
    corruptions: numberOf(json['corruptions']),
    leaks: numberOf(json['leaks']),
    checkErrors: numberOf(json['check-errors']),
  };
}

/** The most bytes that a conversion will write, according to `qemu-img measure`; undefined if it cannot say. */
async function measure(
  options: Call,
  source: string,
  sourceFormat: EngineFormat,
  targetFormat: EngineFormat,
): Promise<number | undefined> {
  const args = ['measure', '--output=json', '-f', sourceFormat, '-O', targetFormat, source];
  const result = await call(options, args);
  if (result.exitCode !== 0) return undefined;
  return numberOf(parseJson(result.stdout, source)['required']) || undefined;
}

/**
 * Converts a raw image, or a qcow2 whose header was checked, to another file. The target appears only once it is
 * complete; no partial file remains after a failure or cancellation. Progress counts the bytes written.
 * @throws KameError DISK_FULL (with bytesNeeded), BUSY, CANCELLED, ENGINE_MISSING, ENGINE_FAILED
 */
export async function convert(
  options: Call & {
    source: string;
    sourceFormat: EngineFormat;
    target: string;
    targetFormat: EngineFormat;
    compress?: boolean;
    progress?: Progress;
  },
): Promise<void> {
  const source = resolve(options.source);
  const target = resolve(options.target);
  const progress = options.progress ?? silentProgress();
  if (progress.signal.aborted) throw new KameError('CANCELLED', `The conversion of ${source} was cancelled.`);
  const needed = await measure(options, source, options.sourceFormat, options.targetFormat);
  // A compressed target is smaller than measured, by an unknown amount, so only ENOSPC can show that it does not fit.
  if (needed !== undefined && options.compress !== true)
    await requireFreeSpace(dirname(target), needed, target);
  const temporary = temporaryName(target);
  const growth = followGrowth(temporary, needed, 'Converting the disk', progress);
  try {
    const args = ['convert', '-q', '-f', options.sourceFormat, '-O', options.targetFormat];
    if (options.compress === true) args.push('-c');
    const result = await call(options, [...args, source, temporary], progress, longTimeoutMs);
    if (result.exitCode !== 0) throw failure('converted', target, result, needed);
    await syncFile(temporary);
    await rename(temporary, target);
  } finally {
    growth.stop();
    await rm(temporary, { force: true });
  }
  const { size } = await stat(target);
  progress.report({
    stage: 'Converting the disk',
    done: needed ?? size,
    total: needed ?? size,
    unit: 'bytes',
  });
}
