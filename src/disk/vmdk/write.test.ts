import { open, readFile, rm, writeFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { at, noise, readVmdk, useVmdks } from '../../../test/support/vmdk.ts';
import { silentProgress } from '../../core/progress.ts';
import type { Disk, DiskBlock } from '../format/disk.ts';
import type { VmdkFacts } from './descriptor-text.ts';
import { writeMonolithicSparse } from './monolithic-sparse.ts';
import { writeStreamOptimized } from './stream-optimized.ts';
import type { WrittenDisk } from './written-disk.ts';

useVmdks();

const mebibyte = 1024 * 1024;
const quiet = silentProgress();

function factsOf(fileName: string): VmdkFacts {
  return {
    fileName,
    contentId: '0123456789abcdef0123456789abcdef',
    adapter: 'lsilogic',
    hardwareVersion: 22,
  };
}

/** A disk with these blocks. */
function diskOf(size: number, blocks: readonly DiskBlock[]): Disk {
  return {
    size,
    blockSize: mebibyte,
    estimate: size,
    async *blocks() {
      for (const block of blocks) yield await Promise.resolve(block);
    },
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
    },
  };
}

async function streamed(name: string, disk: Disk, progress = quiet): Promise<WrittenDisk> {
  const parts: Buffer[] = [];
  const append = async (more: readonly Buffer[]) => {
    parts.push(...more);
    await Promise.resolve();
  };
  const written = await writeStreamOptimized(disk, factsOf(name), append, progress);
  await writeFile(at(name), Buffer.concat(parts));
  return written;
}

async function sparse(name: string, disk: Disk, progress = quiet): Promise<WrittenDisk> {
  const file = await open(at(name), 'wx');
  try {
    const writeAt = async (bytes: Buffer, position: number) => {
      await file.write(bytes, 0, bytes.length, position);
    };
    const written = await writeMonolithicSparse(disk, factsOf(name), writeAt, progress);
    await file.truncate(written.bytes);
    return written;
  } finally {
    await file.close();
  }
}

const kinds = [
  ['streamOptimized', streamed],
  ['monolithicSparse', sparse],
] as const;

/** Whether our reader shows this. */
async function reads(name: string, expected: Buffer): Promise<boolean> {
  const read = await readVmdk(at(name));
  return Buffer.isBuffer(read) && read.equals(expected);
}

const content = (size: number, blocks: readonly DiskBlock[]): Buffer => {
  const bytes = Buffer.alloc(size);
  for (const { offset, data } of blocks) data.copy(bytes, offset);
  return bytes;
};

describe.each(kinds)('a new %s disk', (kind, write) => {
  it('is read back by our reader and by qemu-img, as it was', async () => {
    const size = 40 * mebibyte + 1536;
    const blocks = [
      { offset: 0, data: noise.subarray(0, mebibyte) },
      // Less than a grain, across two grains, zeros, in another table, and the last bytes of the disk.
      { offset: 2 * mebibyte + 512, data: Buffer.alloc(1024, 'a') },
      { offset: 2 * mebibyte + 2048, data: Buffer.alloc(512, 'b') },
      { offset: 3 * mebibyte - 512, data: Buffer.alloc(1024, 'c') },
      { offset: 10 * mebibyte, data: Buffer.alloc(mebibyte) },
      { offset: 36 * mebibyte, data: noise.subarray(0, mebibyte) },
      { offset: size - 512, data: Buffer.alloc(512, 'z') },
    ];
    const { bytes, populated } = await write('x.vmdk', diskOf(size, blocks));
    expect(populated).toBe(2 * mebibyte + 4 * 65_536);
    const whole = content(size, blocks);
    await writeFile(at('x.raw'), whole);
    qemuImg('compare', '-f', 'vmdk', '-F', 'raw', at('x.vmdk'), at('x.raw'));
    expect(await reads('x.vmdk', whole)).toBe(true);
    const info = JSON.parse(qemuImg('info', '--output=json', at('x.vmdk'))) as object;
    expect(info).toMatchObject({ format: 'vmdk', 'virtual-size': size });
    expect(JSON.stringify(info)).toContain(`"create-type":"${kind}"`);
    expect(qemuImg('check', at('x.vmdk'))).toContain('No errors');
    expect(bytes % 512).toBe(0);
  });

  it('of nothing but zeros, and of one sector, is read back', async () => {
    await write('empty.vmdk', diskOf(5 * mebibyte, []));
    expect(await reads('empty.vmdk', Buffer.alloc(5 * mebibyte))).toBe(true);
    qemuImg('check', at('empty.vmdk'));
    await write('small.vmdk', diskOf(512, [{ offset: 0, data: Buffer.alloc(512, 's') }]));
    expect(await reads('small.vmdk', Buffer.alloc(512, 's'))).toBe(true);
  });

  it('is the same each time', async () => {
    const blocks = [{ offset: 0, data: noise.subarray(0, 2 * mebibyte) }];
    await write('a.vmdk', diskOf(2 * mebibyte, blocks));
    const first = await readFile(at('a.vmdk'));
    await rm(at('a.vmdk'));
    await write('a.vmdk', diskOf(2 * mebibyte, blocks));
    expect((await readFile(at('a.vmdk'))).equals(first)).toBe(true);
  });

  it('has what any blocks in order say', async () => {
    const sectors = fc.uniqueArray(fc.nat({ max: 4095 }), { maxLength: 40 });
    let number = 0;
    await fc.assert(
      fc.asyncProperty(sectors, fc.integer({ min: 1, max: 255 }), async (places, byte) => {
        const blocks = places
          .sort((a, b) => a - b)
          .map((place) => ({ offset: place * 512, data: Buffer.alloc(512, byte) }));
        number += 1;
        await write(`p${number}.vmdk`, diskOf(2 * mebibyte, blocks));
        expect(await reads(`p${number}.vmdk`, content(2 * mebibyte, blocks))).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('ends when it is cancelled, and when reading fails', async () => {
    const aborted = silentProgress(AbortSignal.abort());
    const disk = diskOf(mebibyte, [{ offset: 0, data: noise.subarray(0, mebibyte) }]);
    await expect(write('c.vmdk', disk, aborted)).rejects.toMatchObject({ code: 'CANCELLED' });
    const broken: Disk = {
      ...disk,
      async *blocks() {
        yield await Promise.reject(new Error('damaged'));
      },
    };
    await expect(write('d.vmdk', broken)).rejects.toThrow('damaged');
  });
});

it('a streamOptimized disk that cannot be written ends with the reason', async () => {
  const disk = diskOf(4 * mebibyte, [{ offset: 0, data: noise.subarray(0, 2 * mebibyte) }]);
  const full = async () => await Promise.reject(new Error('no space left'));
  await expect(writeStreamOptimized(disk, factsOf('x.vmdk'), full, quiet)).rejects.toThrow('no space left');
});
