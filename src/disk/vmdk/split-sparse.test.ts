import { open, writeFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { at, noise, readVmdk, useVmdks } from '../../../test/support/vmdk.ts';
import { silentProgress } from '../../core/progress.ts';
import type { Disk } from '../format/disk.ts';
import type { ExtentFile } from './extents.ts';
import type { WriteAt } from './monolithic-sparse.ts';
import { splitDescriptor, writeSplitSparse } from './split-sparse.ts';
import { grainBytes } from './sparse-layout.ts';
import type { WrittenDisk } from './written-disk.ts';

useVmdks();

const facts = {
  fileName: 'a.vmdk',
  contentId: '0123456789abcdef0123456789abcdef',
  adapter: 'lsilogic',
  hardwareVersion: 20,
} as const;

/** Noise as blocks of that many sectors, which begin and end anywhere. */
function diskOf(blockSectors: number): Disk {
  const step = blockSectors * 512;
  return {
    size: noise.length,
    blockSize: step,
    estimate: noise.length,
    async *blocks() {
      for (let offset = 0; offset < noise.length; offset += step)
        yield await Promise.resolve({ offset, data: noise.subarray(offset, offset + step) });
    },
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
    },
  };
}

/** Parts of that many grains; the last one has the rest. */
function extentsOf(grains: readonly number[]): readonly ExtentFile[] {
  let start = 0;
  const sizes = [...grains.map((count) => count * grainBytes), Infinity];
  return sizes.flatMap((wanted, index) => {
    const extent = { fileName: `a-s${index}.vmdk`, start, size: Math.min(wanted, noise.length - start) };
    start += extent.size;
    return extent.size > 0 ? [extent] : [];
  });
}

async function fill(name: string, write: (writeAt: WriteAt) => Promise<WrittenDisk>): Promise<void> {
  await using file = await open(at(name), 'w');
  const { bytes } = await write(async (part, position) => {
    await file.write(part, 0, part.length, position);
  });
  await file.truncate(bytes);
}

async function written(disk: Disk, extents: readonly ExtentFile[]): Promise<Buffer | string> {
  await writeSplitSparse(disk, facts, extents, fill, silentProgress());
  await writeFile(at('a.vmdk'), splitDescriptor(disk.size, facts, extents));
  return await readVmdk(at('a.vmdk'));
}

describe('a growable split disk', () => {
  it('has the content of its source, wherever blocks and parts end', async () => {
    const parts = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 5 });
    const blocks = fc.integer({ min: 1, max: 4097 });
    await fc.assert(
      fc.asyncProperty(parts, blocks, async (grains, sectors) => {
        const read = await written(diskOf(sectors), extentsOf(grains));
        expect(Buffer.isBuffer(read) && read.equals(noise)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('is one for QEMU too', async () => {
    await written(diskOf(3000), extentsOf([7, 9]));
    await writeFile(at('a.raw'), noise);
    const compared = qemuImg('compare', '-f', 'raw', '-F', 'vmdk', at('a.raw'), at('a.vmdk'));
    expect(compared).toContain('identical');
    expect(qemuImg('info', at('a.vmdk'))).toContain('create type: twoGbMaxExtentSparse');
  });
});
