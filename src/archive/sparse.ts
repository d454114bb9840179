import type { FileHandle } from 'node:fs/promises';
import { writeFully } from '../sys/write-fully.ts';

/** Zeros in pieces of this size become holes. */
export const holeBytes = 64 * 1024;

const zeros = Buffer.alloc(holeBytes);

/** Whether a piece of at most `holeBytes` is all zeros. */
export function isHole(piece: Buffer): boolean {
  return piece.equals(zeros.subarray(0, piece.length));
}

/** Writes a new file, with a hole wherever its content is zeros. */
export async function writeSparse(file: FileHandle, content: AsyncIterable<Buffer>): Promise<void> {
  let position = 0;
  for await (const part of content) {
    // Up to here there is nothing but a hole, or what was written.
    let begin = 0;
    for (let at = 0; at < part.length; at += holeBytes) {
      const end = Math.min(at + holeBytes, part.length);
      if (!isHole(part.subarray(at, end))) continue;
      if (at > begin) await writeFully(file, [part.subarray(begin, at)], position + begin);
      begin = end;
    }
    if (part.length > begin) await writeFully(file, [part.subarray(begin)], position + begin);
    position += part.length;
  }
  await file.truncate(position);
}
