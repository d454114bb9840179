import { open, rm, type FileHandle } from 'node:fs/promises';
import { KameError } from '../core/errors.ts';
import { fileError } from './files.ts';
import { openToAppend, openToWrite } from './own-file.ts';

/** A part of a file that holds data: `length` bytes from offset `start`. */
export type Extent = readonly [start: number, length: number];

const chunkBytes = 1024 * 1024;
const zeros = Buffer.alloc(chunkBytes);
/** Concurrent copies. The kernel serialises writes to a file, so more than two would only wait for each other. */
const workers = 2;

/** Sorts extents and joins those that are at most `gap` bytes apart. */
export function mergeExtents(extents: readonly Extent[], gap: number): Extent[] {
  const merged: [number, number][] = [];
  for (const [start, length] of [...extents].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    const end = start + length;
    if (last && start - (last[0] + last[1]) <= gap) last[1] = Math.max(last[1], end - last[0]);
    else merged.push([start, length]);
  }
  return merged;
}

/**
 * The parts of `extents` that no extent in `others` covers. Both must be sorted and free of overlaps (see
 * mergeExtents).
 */
export function subtractExtents(extents: readonly Extent[], others: readonly Extent[]): Extent[] {
  const left: Extent[] = [];
  let next = 0;
  for (const [start, length] of extents) {
    const end = start + length;
    let at = start;
    // An extent that reaches beyond this one may also cover the next.
    while (next < others.length && (others[next] as Extent)[0] < end) {
      const [from, bytes] = others[next] as Extent;
      if (from > at) left.push([at, from - at]);
      at = Math.max(at, from + bytes);
      if (from + bytes > end) break;
      next += 1;
    }
    if (at < end) left.push([at, end - at]);
  }
  return left;
}

/** Divides extents, in order, into shares of about the same number of bytes, rounded up to whole chunks. */
export function splitExtents(extents: readonly Extent[], shares: number): Extent[][] {
  const split = Array.from({ length: shares }, (): Extent[] => []);
  const each = Math.ceil(extentBytes(extents) / shares);
  let done = 0;
  for (const chunk of chunksOf(extents)) {
    split[Math.min(shares - 1, Math.floor(done / Math.max(1, each)))]?.push(chunk);
    done += chunk[1];
  }
  return split.map((share) => mergeExtents(share, 0));
}

/** The total number of bytes in extents. */
export function extentBytes(extents: readonly Extent[]): number {
  return extents.reduce((sum, [, length]) => sum + length, 0);
}

function* chunksOf(extents: readonly Extent[]): Generator<Extent> {
  for (const [start, length] of extents) {
    for (let at = 0; at < length; at += chunkBytes) yield [start + at, Math.min(chunkBytes, length - at)];
  }
}

async function copyChunk(
  source: FileHandle,
  target: FileHandle,
  buffer: Buffer,
  [start, length]: Extent,
  skipZeros: boolean,
): Promise<void> {
  let read = 0;
  while (read < length) {
    const { bytesRead } = await source.read(buffer, read, length - read, start + read);
    // The source reads as zeros beyond its end.
    if (bytesRead === 0) buffer.fill(0, read, length);
    read = bytesRead === 0 ? length : read + bytesRead;
  }
  if (skipZeros && buffer.compare(zeros, 0, length, 0, length) === 0) return;
  for (let written = 0; written < length;) {
    const { bytesWritten } = await target.write(buffer, written, length - written, start + written);
    written += bytesWritten;
  }
}

/** Makes a file that is one single hole, replacing any existing file. @throws KameError DISK_FULL, FILE_ACCESS */
export async function makeHole(path: string, size: number): Promise<void> {
  try {
    await rm(path, { force: true });
    const file = await open(path, 'wx', 0o600);
    try {
      await file.truncate(size);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, path);
  }
}

export interface CopyExtentsOptions {
  /** Size of the target; everything outside the extents is a hole. */
  readonly size: number;
  /** Leave holes in place of zeros; only for a new target. */
  readonly skipZeros?: boolean;
  /** Flush the target to the disk before returning. */
  readonly sync?: boolean;
  readonly signal?: AbortSignal;
  /** Called with the number of bytes copied so far. */
  readonly onBytes?: (done: number) => void;
}

/**
 * Copies parts of a file to the same offsets of another, which is created if it does not exist. An existing target is
 * overwritten in place: on a memory file system, allocating its pages again would take half of the time.
 * @throws KameError DISK_FULL, FILE_ACCESS, CANCELLED; the target may then be partly written
 */
export async function copyExtents(
  from: string,
  to: string,
  extents: readonly Extent[],
  options: CopyExtentsOptions,
): Promise<void> {
  let source: FileHandle | undefined;
  let target: FileHandle | undefined;
  try {
    const [input, output] = [await open(from, 'r'), await openOrCreate(to)];
    [source, target] = [input, output];
    await output.truncate(options.size);
    const chunks = chunksOf(extents);
    const longest = extents.reduce((most, [, length]) => Math.max(most, length), 0);
    let done = 0;
    const work = async () => {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, longest));
      for (const chunk of chunks) {
        if (options.signal?.aborted) throw new KameError('CANCELLED', `Copying to ${to} was cancelled.`);
        await copyChunk(input, output, buffer, chunk, options.skipZeros ?? false);
        done += chunk[1];
        options.onBytes?.(done);
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
    if (options.sync) await output.datasync();
  } catch (error) {
    throw fileError(error, to);
  } finally {
    await source?.close();
    await target?.close();
  }
}

/** A file opened for appending cannot be written in the middle: that only creates it without truncating. */
async function openOrCreate(path: string): Promise<FileHandle> {
  await (await openToAppend(path)).close();
  return await openToWrite(path);
}
