import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { messageOf } from '../../core/errors.ts';
import { badImage } from '../format/image-file.ts';

const inflateAsync = promisify(inflate);

/** A grain marker: sector of the grain on the disk (8 bytes) and size of its data (4 bytes), which follows. */
export const markerBytes = 12;

/** Whether a grain may have so many compressed bytes. Data that does not compress becomes a little larger. */
export function isPackedSize(size: number, grainBytes: number): boolean {
  return size > 0 && size <= grainBytes * 2;
}

/**
 * Decompresses a grain, on another thread. The result is never larger than a grain, whatever the data expands to, and its
 * checksum (Adler-32) is right.
 * @param path and number of the grain, for messages
 * @throws KameError BAD_IMAGE
 */
export async function inflateGrain(
  packed: Buffer,
  grainBytes: number,
  { path, index }: { readonly path: string; readonly index: number },
): Promise<Buffer> {
  try {
    // In one piece: each further one would be another trip to the thread pool and back, also one that is needed to see the end.
    return await inflateAsync(packed, { maxOutputLength: grainBytes, chunkSize: grainBytes + 1 });
  } catch (error) {
    throw badImage(path, `is damaged: grain ${index} cannot be decompressed (${messageOf(error)})`);
  }
}
