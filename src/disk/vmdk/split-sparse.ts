import type { Progress } from '../../core/progress.ts';
import type { Disk, DiskBlock } from '../format/disk.ts';
import { sectorBytes } from './descriptor.ts';
import { descriptorText, extentLine, type VmdkFacts } from './descriptor-text.ts';
import type { ExtentFile } from './extents.ts';
import { writeSparseExtent, type WriteAt } from './monolithic-sparse.ts';
import type { WrittenDisk } from './written-disk.ts';

/** Growable disks that are split into files of 2 GB. */

/** Divides the blocks of a disk among its parts, in one pass: the parts are read to their end, one after the other. */
class Divided implements AsyncDisposable {
  readonly #blocks: AsyncGenerator<DiskBlock>;
  /** A block of which a later part has the rest. */
  #pending: DiskBlock | undefined;

  constructor(disk: Disk) {
    this.#blocks = disk.blocks();
  }

  async *part({ start, size }: ExtentFile): AsyncGenerator<DiskBlock> {
    const end = start + size;
    for (;;) {
      const block = this.#pending ?? (await this.#next());
      this.#pending = block;
      if (!block || block.offset >= end) return;
      const { offset, data } = block;
      const length = Math.min(end - offset, data.length);
      this.#pending = length < data.length ? { offset: end, data: data.subarray(length) } : undefined;
      yield { offset: offset - start, data: data.subarray(0, length) };
    }
  }

  async #next(): Promise<DiskBlock | undefined> {
    const { value, done } = await this.#blocks.next();
    return done === true ? undefined : value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#blocks.return(undefined);
  }
}

/** Fills a new file. @param fill resolves with the size that the file has in the end */
type FillFile = (fileName: string, fill: (writeAt: WriteAt) => Promise<WrittenDisk>) => Promise<void>;

/** The descriptor of a growable split disk. */
export function splitDescriptor(size: number, facts: VmdkFacts, extents: readonly ExtentFile[]): string {
  const lines = extents.map((each) => extentLine('SPARSE', each.size / sectorBytes, each.fileName));
  return descriptorText('twoGbMaxExtentSparse', size, facts, lines);
}

/** A progress that counts on from what is written already. */
function after(before: number, progress: Progress): Progress {
  return {
    signal: progress.signal,
    report: ({ done = 0, ...report }) => progress.report({ ...report, done: before + done }),
  };
}

/**
 * Writes the content of a disk into the files of a growable split one.
 * @throws KameError CANCELLED, and what reading and `fillFile` throw
 */
export async function writeSplitSparse(
  disk: Disk,
  facts: VmdkFacts,
  extents: readonly ExtentFile[],
  fillFile: FillFile,
  progress: Progress,
): Promise<void> {
  await using divided = new Divided(disk);
  let populated = 0;
  for (const extent of extents) {
    const { size, fileName } = extent;
    const { blockSize, estimate } = disk;
    const blocks = () => divided.part(extent);
    const part: Disk = { size, blockSize, estimate, blocks, [Symbol.asyncDispose]: async () => {} };
    await fillFile(fileName, async (writeAt) => {
      const written = await writeSparseExtent(part, facts, '', writeAt, after(populated, progress));
      populated += written.populated;
      return written;
    });
  }
}
