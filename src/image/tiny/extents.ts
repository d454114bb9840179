import { open } from 'node:fs/promises';
import { fileError } from '../../sys/files.ts';

/** Bytes at an offset in a file or volume. Everything outside the extents is zero. */
export interface Extent {
  readonly offset: number;
  readonly data: Uint8Array;
}

const granule = 64 * 1024;

/** Splits an extent into pieces, without those that are all zero. */
function* nonZero(extent: Extent): Generator<Extent> {
  const { data } = extent;
  for (let at = 0; at < data.length; at += granule) {
    const piece = Buffer.from(data.buffer, data.byteOffset + at, Math.min(granule, data.length - at));
    if (!piece.equals(Buffer.alloc(piece.length))) yield { offset: extent.offset + at, data: piece };
  }
}

/**
 * Writes a new file of the given size with these extents, and holes everywhere else.
 * @throws KameError DISK_FULL, FILE_ACCESS
 */
export async function writeSparse(path: string, sizeBytes: number, extents: Iterable<Extent>): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.truncate(sizeBytes);
      for (const extent of extents) {
        for (const piece of nonZero(extent)) await file.write(piece.data, 0, piece.data.length, piece.offset);
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, path);
  }
}
