import type { Disk } from '../format/disk.ts';
import { isZero } from '../format/zero.ts';
import { grainBytes } from './sparse-layout.ts';

/** A grain that is not all zeros. */
export interface FullGrain {
  /** Its number on the disk. */
  readonly index: number;
  /** Always of the size of a grain; beyond the end of the disk there are zeros. */
  readonly data: Buffer;
}

/** The grains of a disk that are not all zeros, in order. */
export async function* grainsOf(disk: Disk): AsyncGenerator<FullGrain, void> {
  /** A grain of which some blocks may be missing yet. */
  let partial: FullGrain | undefined;
  for await (const { offset, data } of disk.blocks()) {
    const end = offset + data.length;
    for (let from = offset; from < end;) {
      const index = Math.floor(from / grainBytes);
      const start = index * grainBytes;
      const to = Math.min(end, start + grainBytes);
      const part = data.subarray(from - offset, to - offset);
      if (partial && partial.index !== index) {
        if (!isZero(partial.data)) yield partial;
        partial = undefined;
      }
      if (part.length < grainBytes) {
        partial ??= { index, data: Buffer.alloc(grainBytes) };
        part.copy(partial.data, from - start);
      } else if (!isZero(part)) yield { index, data: part };
      from = to;
    }
  }
  if (partial && !isZero(partial.data)) yield partial;
}
