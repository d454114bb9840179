import type { Disk, DiskBlock } from '../format/disk.ts';

/** The part of a block from byte `from` up to byte `to` of the disk; undefined if that is empty. */
function part({ offset, data }: DiskBlock, from: number, to: number): DiskBlock | undefined {
  const start = Math.max(from, offset);
  const end = Math.min(to, offset + data.length);
  return start < end ? { offset: start, data: data.subarray(start - offset, end - offset) } : undefined;
}

/** Two streams of blocks in ascending order as one; where both have a block, that of `top` counts. */
async function* merged(
  top: AsyncGenerator<DiskBlock>,
  bottom: AsyncGenerator<DiskBlock>,
): AsyncGenerator<DiskBlock> {
  const next = async (): Promise<DiskBlock | undefined> => {
    const { done, value } = await bottom.next();
    return done === true ? undefined : value;
  };
  try {
    let below = await next();
    for await (const block of top) {
      const end = block.offset + block.data.length;
      while (below && below.offset < end) {
        const before = part(below, 0, block.offset);
        if (before) yield before;
        below = part(below, end, Infinity) ?? (await next());
      }
      yield block;
    }
    for (; below; below = await next()) yield below;
  } finally {
    await bottom.return(undefined);
  }
}

/** A delta, which has the changes since a snapshot, and the disk beneath it. */
export class DeltaDisk implements Disk {
  readonly size: number;
  readonly blockSize: number;
  readonly estimate: number;
  readonly #delta: Disk;
  readonly #parent: Disk;

  constructor(delta: Disk, parent: Disk) {
    this.#delta = delta;
    this.#parent = parent;
    this.size = delta.size;
    this.blockSize = Math.max(delta.blockSize, parent.blockSize);
    this.estimate = Math.min(delta.size, delta.estimate + parent.estimate);
  }

  blocks(): AsyncGenerator<DiskBlock> {
    return merged(this.#delta.blocks(), this.#parent.blocks());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#delta[Symbol.asyncDispose]();
    await this.#parent[Symbol.asyncDispose]();
  }
}
