import { stat } from 'node:fs/promises';
import { errnoOf } from '../core/errors.ts';
import { fileError } from '../sys/files.ts';

/** What tells a file from others, and whether its content may have changed; all numbers in decimal. */
export interface FileStamp {
  /** Device and inode, `DEV:INO`. Equal for two names of the same file. */
  readonly file: string;
  /** In bytes. */
  readonly size: string;
  /** When it was last written, in nanoseconds since 1970. */
  readonly time: string;
}

/** The stamp of a file; undefined if there is none. @throws KameError FILE_ACCESS when that cannot be determined */
export async function stampOf(path: string): Promise<FileStamp | undefined> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return { file: `${dev}:${ino}`, size: String(size), time: String(mtimeNs) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw fileError(error, path);
  }
}

const second = 1_000_000_000n;
/** Whoever restores the time of a file may lose some of its precision, in nanoseconds. */
const slack = 2_000_000n;
/** The same for a copy, which must not be mistaken for another file of that time. */
const copySlack = 1000n;

/**
 * Whether a file still has the content that it had: the same file that nothing has written to, or a copy of it that kept its
 * time, if only in whole seconds.
 */
export function isUnchanged(before: FileStamp, now: FileStamp): boolean {
  if (before.size !== now.size) return false;
  const [old, young] = [BigInt(before.time), BigInt(now.time)];
  const apart = old > young ? old - young : young - old;
  if (before.file === now.file) return apart <= slack;
  const isTruncated = young % second === 0n && old / second === young / second;
  return apart <= copySlack || isTruncated;
}
