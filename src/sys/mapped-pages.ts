import { open, readFile, stat } from 'node:fs/promises';
import { errnoOf } from '../core/errors.ts';
import { extentBytes, mergeExtents, type Extent } from './extents.ts';
import { allocatedOf } from './files.ts';

const pageBytes = 4096;
/** Bytes of pagemap per read: 8 for each page. */
const batchBytes = 1024 * 1024;
/** Holes up to this size are copied together with the data around them. */
const gapBytes = 64 * 1024;

interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly fileOffset: number;
}

/** The mappings of one file in a process, from `/proc/PID/maps` (proc(5)). */
function mappingsOf(maps: string, inode: number): Mapping[] {
  return maps.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ (\d+) /.exec(line);
    if (!match || Number(match[4]) !== inode) return [];
    const [start, end, fileOffset] = [match[1], match[2], match[3]].map((hex) =>
      Number.parseInt(hex ?? '', 16),
    );
    return [{ start, end, fileOffset } as Mapping];
  });
}

/** Adds runs of pages that are present or swapped: bits 63 and 62 of an entry (kernel, admin-guide/mm/pagemap). */
function collectRuns(entries: Uint32Array, firstOffset: number, extents: [number, number][]): void {
  for (let page = 0; page < entries.length / 2; page += 1) {
    if ((entries[2 * page + 1] ?? 0) >>> 30 === 0) continue;
    const offset = firstOffset + page * pageBytes;
    const last = extents.at(-1);
    if (last && last[0] + last[1] === offset) last[1] += pageBytes;
    else extents.push([offset, pageBytes]);
  }
}

/**
 * The parts of a file that a process has touched through its mapping of the file. For the RAM of a guest, these are the
 * parts that hold data: Node has no lseek(SEEK_DATA), and reading every byte takes far longer.
 * @param filled what was written to the file before the process mapped it
 * @returns undefined if unknown: not on Linux, the process has ended, or pages hold data but are not mapped at the moment
 */
export async function touchedExtents(
  pid: number,
  path: string,
  filled: readonly Extent[] = [],
): Promise<Extent[] | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    return await mappedExtents(pid, path, filled);
  } catch (error) {
    // The files of a process that ends meanwhile are gone, or cannot be read any more. Whoever talks to it learns why.
    if (['ENOENT', 'ESRCH'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

async function mappedExtents(
  pid: number,
  path: string,
  filled: readonly Extent[],
): Promise<Extent[] | undefined> {
  const [file, maps] = await Promise.all([stat(path), readFile(`/proc/${pid}/maps`, 'utf8')]);
  const mappings = mappingsOf(maps, file.ino);
  if (mappings.length === 0) return undefined;
  const extents: [number, number][] = [];
  const pagemap = await open(`/proc/${pid}/pagemap`, 'r');
  try {
    for (const { start, end, fileOffset } of mappings) {
      const total = ((end - start) / pageBytes) * 8;
      for (let at = 0; at < total; at += batchBytes) {
        const bytes = Math.min(batchBytes, total - at);
        const batch = new Uint32Array(bytes / 4);
        const { bytesRead } = await pagemap.read(batch, 0, bytes, (start / pageBytes) * 8 + at);
        if (bytesRead !== bytes) return undefined;
        collectRuns(batch, fileOffset + (at / 8) * pageBytes, extents);
      }
    }
  } finally {
    await pagemap.close();
  }
  const all = mergeExtents([...extents, ...filled], 0);
  // If the file takes more space, it holds pages not seen here: swapped out, or written by another process.
  const held = allocatedOf(await stat(path));
  return held > extentBytes(all) ? undefined : mergeExtents(all, gapBytes);
}
