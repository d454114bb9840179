import type { Progress } from '../../core/progress.ts';
import type { Disk, DiskBlock } from '../format/disk.ts';
import { isZero } from '../format/zero.ts';
import { sectorBytes } from './descriptor.ts';
import { descriptorText, extentLine, type VmdkFacts } from './descriptor-text.ts';
import { splitExtents, wholeExtent, type ExtentFile } from './extents.ts';
import { refuseCancelled, reportBytes } from './written-disk.ts';

/** Disks whose content is in files without structure, beside a descriptor. */

export type FlatKind = 'monolithicFlat' | 'twoGbMaxExtentFlat' | 'vmfs' | 'vmfsThin';

/** The files of a flat disk. @param fileName of its descriptor */
export function flatExtents(kind: FlatKind, fileName: string, size: number): readonly ExtentFile[] {
  return kind === 'twoGbMaxExtentFlat' ? splitExtents(fileName, size, 'f') : wholeExtent(fileName, size);
}

/** The descriptor of a flat disk. Thin is what takes no space on VMFS where nothing was written. */
export function flatDescriptor(kind: FlatKind, disk: Disk, facts: VmdkFacts): string {
  const isVmfs = kind === 'vmfs' || kind === 'vmfsThin';
  const lines = flatExtents(kind, facts.fileName, disk.size).map(({ fileName, size }) =>
    extentLine(isVmfs ? 'VMFS' : 'FLAT', size / sectorBytes, fileName),
  );
  const thin = kind === 'vmfsThin' ? 'ddb.thinProvisioned = "1"\n' : '';
  return descriptorText(isVmfs ? 'vmfs' : kind, disk.size, facts, lines, thin);
}

/** Writes bytes at a position of the extent of that number, which has zeros where nothing was written. */
type WriteExtent = (extent: number, bytes: Buffer, position: number) => Promise<void>;

async function writeBlock(
  { offset, data }: DiskBlock,
  extents: readonly ExtentFile[],
  write: WriteExtent,
): Promise<void> {
  for (const [index, { start, size }] of extents.entries()) {
    const from = Math.max(offset, start);
    const to = Math.min(offset + data.length, start + size);
    if (from < to) await write(index, data.subarray(from - offset, to - offset), from - start);
  }
}

/**
 * Writes the content of a disk into the files of a flat one. Blocks of zeros are left out.
 * @throws KameError CANCELLED, and what reading and `write` throw
 */
export async function writeFlat(
  disk: Disk,
  facts: VmdkFacts,
  extents: readonly ExtentFile[],
  write: WriteExtent,
  progress: Progress,
): Promise<void> {
  let done = 0;
  for await (const block of disk.blocks()) {
    refuseCancelled(facts, progress);
    if (isZero(block.data)) continue;
    await writeBlock(block, extents, write);
    done += block.data.length;
    reportBytes(facts, disk, done, progress);
  }
}
