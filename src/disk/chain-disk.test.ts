import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundle, inside, mebibyte, patch, useBundle } from '../../test/support/disk-chain.ts';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { runProgram } from '../../test/support/run-program.ts';
import { openChain } from './chain-disk.ts';
import { readChain } from './chain.ts';

useBundle();

const at = (name: string) => join(bundle, name);

/** What our reader shows of a disk, and how much of it has data according to the tables. */
async function shown(name: string): Promise<{ content: Buffer; estimate: number }> {
  await using disk = await openChain(await readChain(at(name), { inside }));
  const content = Buffer.alloc(disk.size);
  let end = 0;
  for await (const { offset, data } of disk.blocks()) {
    expect(offset).toBeGreaterThanOrEqual(end);
    end = offset + data.length;
    data.copy(content, offset);
  }
  return { content, estimate: disk.estimate };
}

/** What qemu-img shows of it. */
function expected(name: string): Buffer {
  qemuImg('convert', '-O', 'raw', at(name), at('expected.raw'));
  return readFileSync(at('expected.raw'));
}

function write(name: string, ...commands: string[]): void {
  runProgram('qemu-io', [...commands.flatMap((command) => ['-c', command]), '-f', 'qcow2', at(name)]);
}

describe('a disk of layers', () => {
  // QEMU and Kame handle each cluster on its own: the smallest ones are of a small disk.
  it.each([
    ['the usual clusters', 'cluster_size=64k', mebibyte],
    ['small clusters', 'cluster_size=512', mebibyte / 8],
    ['large clusters', 'cluster_size=2M', mebibyte],
    ['the old version', 'compat=0.10', mebibyte],
    ['subclusters', 'extended_l2=on,cluster_size=128k', mebibyte],
  ])(
    'of %s shows what qemu-img shows: data, zeros, holes and what is compressed',
    async (_what, options, unit) => {
      const make = (name: string, size: number, ...more: string[]) =>
        qemuImg('create', '-q', '-f', 'qcow2', ...more, '-o', options, at(name), String(size));
      /** A command for so many units from a place on, both in units. */
      const part = (command: string, place: number, length: number) =>
        `${command} ${place * unit} ${length * unit}`;
      make('base.qcow2', 16 * unit + 512);
      const old = options.includes('compat');
      const end = `write -P 3 ${16 * unit} 512`;
      const packed = part('write -c -P 4', 6, 2);
      write('base.qcow2', part('write -P 1', 0, 3), part('write -P 2', 11, 1), end, packed);
      make('top.qcow2', 18 * unit, '-F', 'qcow2', '-b', 'base.qcow2');
      const zero = old ? [] : [part('write -z', 2, 1 / 2), part('write -z', 7, 1 / 16)];
      const [long, short] = [`write -P 5 ${unit} 66048`, `write -P 6 ${17 * unit} 4k`];
      write('top.qcow2', long, ...zero, short, part('write -c -P 7', 12, 2));
      const { content, estimate } = await shown('top.qcow2');
      expect(content.equals(expected('top.qcow2'))).toBe(true);
      // More than 7 units were written, in clusters of up to 2 MiB.
      expect(estimate).toBeGreaterThan(7 * unit);
      expect(estimate).toBeLessThan(20 * unit);
    },
  );

  it('has a raw base that ends within a sector, and is longer than it', async () => {
    writeFileSync(at('base.raw'), Buffer.alloc(mebibyte + 100, 'r'));
    qemuImg('create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', 'base.raw', at('top.qcow2'), '4M');
    write('top.qcow2', 'write -P 9 64k 64k');
    expect((await shown('top.qcow2')).content.equals(expected('top.qcow2'))).toBe(true);
  });

  it('whose lower layer is larger shows only its own size', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('base.qcow2'), '8M');
    write('base.qcow2', 'write -P 1 0 8M');
    qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'base.qcow2', at('top.qcow2'), '3M');
    const { content } = await shown('top.qcow2');
    expect(content.equals(Buffer.alloc(3 * mebibyte, 1))).toBe(true);
  });

  it('with compressed data that is damaged or compressed with zstd is refused', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('a.qcow2'), '1M');
    write('a.qcow2', 'write -c -P 4 0 64k');
    const image = readFileSync(at('a.qcow2'));
    const l2 = Number(image.readBigUInt64BE(Number(image.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n);
    const place = image.readUInt32BE(l2 + 4);
    patch(at('a.qcow2'), place, Buffer.alloc(16, 0xff));
    await expect(shown('a.qcow2')).rejects.toThrow(
      `compressed cluster at byte ${place} cannot be decompressed`,
    );
    qemuImg('create', '-q', '-f', 'qcow2', '-o', 'compression_type=zstd', at('z.qcow2'), '1M');
    write('z.qcow2', 'write -c -P 4 0 64k');
    await expect(shown('z.qcow2')).rejects.toThrow('compressed with zstd');
  });

  it('that is cut off is refused', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('a.qcow2'), '1M');
    write('a.qcow2', 'write -P 4 0 1M');
    const chain = await readChain(at('a.qcow2'), { inside });
    truncateSync(at('a.qcow2'), 8 * 65_536);
    await using disk = await openChain(chain);
    await expect(disk.blocks().next()).rejects.toThrow('is truncated');
  });
});
