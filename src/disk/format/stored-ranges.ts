import { inOrder } from '../../core/in-order.ts';
import type { DiskBlock } from './disk.ts';
import type { ImageFile } from './image-file.ts';

/** The longest block that is read at once, in bytes. */
export const rangeBytes = 1024 * 1024;
/** Ranges that are read at the same time. */
const readAhead = 4;

/** A part of a disk that is stored as it is in a file. In bytes. */
export interface StoredRange {
  /** On the disk. */
  readonly offset: number;
  /** In the file. */
  readonly at: number;
  readonly length: number;
}

/** What is needed of a file to read ranges of it. */
export type RangeFile = Pick<ImageFile, 'path' | 'size' | 'read'>;

/** A range in pieces of at most `rangeBytes`. */
export function* piecesOf({ offset, at, length }: StoredRange): Generator<StoredRange> {
  for (let done = 0; done < length; done += rangeBytes)
    yield { offset: offset + done, at: at + done, length: Math.min(rangeBytes, length - done) };
}

/** The bytes of ranges, in their order. @throws KameError BAD_IMAGE for one beyond the end of the file, FILE_ACCESS */
export function readRanges(file: RangeFile, ranges: AsyncIterable<StoredRange>): AsyncGenerator<DiskBlock> {
  return inOrder(ranges, readAhead, async ({ offset, at, length }) => ({
    offset,
    data: await file.read(at, length, `the data of byte ${offset} of the disk`),
  }));
}
