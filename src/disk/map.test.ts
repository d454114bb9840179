import { statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareInEngine } from '../../test/support/engine-view.ts';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { cowdExtent, seSparseExtent, splitExtent, writeDescriptor } from '../../test/support/vmdk-kinds.ts';
import { at, makeVmdk, useVmdks } from '../../test/support/vmdk.ts';
import { silentProgress } from '../core/progress.ts';
import { openChain } from './chain-disk.ts';
import { readChain, type Layer } from './chain.ts';
import { createOverlay } from './overlay.ts';
import { planMap, writeMap } from './write-map.ts';

useVmdks();

const mebibyte = 1024 * 1024;
/** Neither all zeros nor all data, and not of whole clusters. */
const content = Buffer.alloc(9 * mebibyte + 512);
for (const [from, to] of [
  [0, 1],
  [3, 4.5],
  [8, 9],
] as const)
  content.set(
    Buffer.from(Array.from({ length: (to - from) * mebibyte }, (_, index) => (index * 40_503 + to) >>> 7)),
    from * mebibyte,
  );
content.fill('end', 9 * mebibyte);

/** Uses a VMDK in place: makes its map, and an overlay on it. */
async function inPlace(name: string): Promise<Layer> {
  const plan = await planMap(at(name), silentProgress());
  if ('reason' in plan) throw new Error(plan.reason);
  await writeMap(plan, at(`${name}.map`), silentProgress());
  const backing = { backing: `${name}.map`, backingFormat: 'qcow2' } as const;
  await createOverlay({ path: at(`${name}.qcow2`), ...backing, virtualSize: plan.size, sync: false });
  return await readChain(at(`${name}.qcow2`), { inside: [at('')] });
}

/** Whether our reader and the engine show that content. */
async function shows(top: Layer, expected: Buffer): Promise<boolean> {
  writeFileSync(at('expected.raw'), expected);
  expect(compareInEngine(top, at('expected.raw'), at('scratch'))).toContain('identical');
  await using disk = await openChain(top);
  const read = Buffer.alloc(disk.size);
  for await (const { offset, data } of disk.blocks()) data.copy(read, offset);
  return read.equals(expected);
}

async function reasonFor(name: string): Promise<string> {
  const plan = await planMap(at(name), silentProgress());
  return 'reason' in plan ? plan.reason : 'none';
}

/** A thick disk of ESX, whose content begins at a sector of its file. */
function flat(name: string, bytes: Buffer, sector = 0): void {
  const extents = [`RW ${bytes.length / 512} FLAT "${name}-flat" ${sector}`];
  writeDescriptor(name, { createType: 'monolithicFlat', cid: 'aaaaaaaa', extents });
  writeFileSync(at(`${name}-flat`), Buffer.concat([Buffer.alloc(sector * 512, 'x'), bytes]));
}

describe('a map shows the content of a disk', () => {
  it.each(['monolithicSparse', 'monolithicFlat', 'twoGbMaxExtentSparse', 'twoGbMaxExtentFlat'])(
    'of the kind %s, and takes little space',
    async (subformat) => {
      makeVmdk('a.vmdk', subformat, content);
      expect(await shows(await inPlace('a.vmdk'), content)).toBe(true);
      // A flat disk begins where the header must be, so its first cluster is copied.
      expect(statSync(at('a.vmdk.map')).blocks * 512).toBeLessThan(3 * mebibyte);
    },
  );

  it.each([0, 1, 63, 2048])('that begins at sector %i of a flat file', async (sector) => {
    flat('a.vmdk', content, sector);
    expect(await shows(await inPlace('a.vmdk'), content)).toBe(true);
  });

  it('of several parts, with a part of zeros and one without anything', async () => {
    const grain = 64 * 1024;
    const part = content.subarray(0, mebibyte);
    const grains = new Map(
      [0, 5, 9].map((index) => [index, content.subarray(index * grain, (index + 1) * grain)]),
    );
    const sectors = mebibyte / 512;
    writeFileSync(at('s1'), splitExtent(sectors, grains));
    writeFileSync(at('s2'), splitExtent(sectors, new Map()));
    writeFileSync(at('f3'), part);
    const lines = ['SPARSE "s1"', 'SPARSE "s2"', 'ZERO', 'FLAT "f3" 0'].map(
      (rest) => `RW ${sectors} ${rest}`,
    );
    writeDescriptor('a.vmdk', { createType: 'custom', cid: 'aaaaaaaa', extents: lines });
    const expected = Buffer.alloc(4 * mebibyte);
    for (const [index, bytes] of grains) bytes.copy(expected, index * grain);
    part.copy(expected, 3 * mebibyte);
    const top = await inPlace('a.vmdk');
    expect(top.backing?.map?.parts.map(({ path }) => path)).toEqual([at('s1'), at('f3')]);
    expect(await shows(top, expected)).toBe(true);
  });

  it('with deltas of grains of a sector and of 4 KiB, which have zeros too', async () => {
    const base = content.subarray(0, 3 * mebibyte);
    const sectors = base.length / 512;
    flat('base.vmdk', base);
    const small = new Map([3, 4, 2100].map((index) => [index, Buffer.alloc(512, index)]));
    const cowd = { name: 'base.vmdk', cid: 'aaaaaaaa' };
    const one = [`RW ${sectors} VMFSSPARSE "one-delta"`];
    writeDescriptor('one.vmdk', { createType: 'vmfsSparse', cid: 'bbbbbbbb', parent: cowd, extents: one });
    writeFileSync(at('one-delta'), cowdExtent(sectors, small));
    const pages = new Map<number, Buffer | 'zero'>([
      [0, 'zero'],
      [2, Buffer.alloc(4096, 'p')],
      [700, Buffer.alloc(4096, 'q')],
    ]);
    const parent = { name: 'one.vmdk', cid: 'bbbbbbbb' };
    const two = [`RW ${sectors} SESPARSE "two-delta"`];
    writeDescriptor('two.vmdk', { createType: 'seSparse', cid: 'cccccccc', parent, extents: two });
    writeFileSync(at('two-delta'), seSparseExtent(sectors, pages));
    const expected = Buffer.from(base);
    for (const [index, bytes] of small) bytes.copy(expected, index * 512);
    expected
      .fill(0, 0, 4096)
      .fill('p', 8192, 12_288)
      .fill('q', 700 * 4096, 701 * 4096);
    expect(await shows(await inPlace('two.vmdk'), expected)).toBe(true);
  });
});

describe('a disk is not used in place', () => {
  it('if it is compressed', async () => {
    makeVmdk('a.vmdk', 'streamOptimized', content);
    expect(await reasonFor('a.vmdk')).toMatch(/a\.vmdk is compressed \(streamOptimized\)/);
  });
});

describe('by its name', () => {
  it('the engine opens neither a map nor an overlay on one', async () => {
    makeVmdk('a.vmdk', 'monolithicSparse', content);
    await inPlace('a.vmdk');
    for (const name of ['a.vmdk.map', 'a.vmdk.qcow2'])
      expect(() => qemuImg('convert', '-O', 'raw', at(name), at('out'))).toThrow(
        /Unknown protocol 'kame-map'/,
      );
  });
});
