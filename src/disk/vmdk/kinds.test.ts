import { writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import {
  cowdExtent,
  seSparseExtent,
  splitExtent,
  writeDescriptor,
  type SeGrains,
} from '../../../test/support/vmdk-kinds.ts';
import { at, noise, readVmdk, useVmdks } from '../../../test/support/vmdk.ts';

useVmdks();

const grain = 64 * 1024;
const page = 4096;
const mebibyte = 1024 * 1024;
const base = Buffer.concat([
  noise.subarray(0, mebibyte),
  Buffer.alloc(mebibyte),
  noise.subarray(0, mebibyte),
]);
const sectors = base.length / 512;

/** Whether a disk has that content, read by us and by qemu-img; otherwise why not. */
async function shows(name: string, content: Buffer): Promise<boolean | string> {
  writeFileSync(at('expected.raw'), content);
  qemuImg('compare', '-f', 'vmdk', '-F', 'raw', at(name), at('expected.raw'));
  const read = await readVmdk(at(name));
  return Buffer.isBuffer(read) ? read.equals(content) : read;
}

/** A thick disk of ESX. */
function vmfs(name: string, content: Buffer, cid = 'aaaaaaaa'): void {
  writeDescriptor(name, {
    createType: 'vmfs',
    cid,
    extents: [`RW ${content.length / 512} VMFS "${name}-flat"`],
  });
  writeFileSync(at(`${name}-flat`), content);
}

function seSparse(name: string, parent: string, parentCid: string, cid: string, extent: Buffer): void {
  const extents = [`RW ${sectors} SESPARSE "${name}-sesparse"`];
  writeDescriptor(name, { createType: 'seSparse', cid, parent: { name: parent, cid: parentCid }, extents });
  writeFileSync(at(`${name}-sesparse`), extent);
}

describe('a disk of ESX', () => {
  it('that is thick has the content of its flat file', async () => {
    vmfs('base.vmdk', base);
    expect(await shows('base.vmdk', base)).toBe(true);
  });

  it('with deltas in grains of a sector shows the newest content', async () => {
    vmfs('base.vmdk', base);
    const grains = new Map([3, 4, 2100].map((index) => [index, Buffer.alloc(512, index)]));
    const extents = [`RW ${sectors} VMFSSPARSE "x-delta"`];
    const parent = { name: 'base.vmdk', cid: 'aaaaaaaa' };
    writeDescriptor('x.vmdk', { createType: 'vmfsSparse', cid: 'bbbbbbbb', parent, extents });
    writeFileSync(at('x-delta'), cowdExtent(sectors, grains));
    const content = Buffer.from(base);
    for (const [index, bytes] of grains) bytes.copy(content, index * 512);
    expect(await shows('x.vmdk', content)).toBe(true);
  });

  it('with SESPARSE deltas shows the newest content, and zeros where the guest gave space back', async () => {
    vmfs('base.vmdk', base);
    const first: SeGrains = new Map<number, Buffer | 'zero' | 'unmapped'>([
      [0, Buffer.alloc(page, '0')],
      [1, Buffer.alloc(page, '1')],
      [2, 'zero'],
      [3, 'unmapped'],
      [300, Buffer.alloc(page, '3')],
      [767, Buffer.alloc(page, '7')],
    ]);
    seSparse('one.vmdk', 'base.vmdk', 'aaaaaaaa', 'bbbbbbbb', seSparseExtent(sectors, first));
    const second: SeGrains = new Map<number, Buffer | 'zero'>([
      [1, 'zero'],
      [2, Buffer.alloc(page, 'n')],
    ]);
    seSparse('two.vmdk', 'one.vmdk', 'bbbbbbbb', 'cccccccc', seSparseExtent(sectors, second));
    const content = Buffer.from(base);
    content
      .fill('0', 0, page)
      .fill(0, page, 4 * page)
      .fill('n', 2 * page, 3 * page);
    content.fill('3', 300 * page, 301 * page).fill('7', 767 * page, 768 * page);
    expect(await shows('two.vmdk', content)).toBe(true);
    seSparse('three.vmdk', 'one.vmdk', 'dddddddd', 'eeeeeeee', seSparseExtent(sectors, second));
    expect(await readVmdk(at('three.vmdk'))).toMatch(/has changed since \(CID bbbbbbbb, not dddddddd\)/);
  });
});

describe('a split disk', () => {
  /** Two parts of 1.5 MiB. */
  const half = sectors / 2;
  const parts = ['s001', 's002'];

  function split(
    name: string,
    cid: string,
    parent: { name: string; cid: string } | undefined,
    grains: Buffer[][],
  ) {
    for (const [order, part] of parts.entries()) {
      const found = (grains[order] ?? []).map((bytes, index) => [index, bytes] as const);
      const full = found.filter(([, bytes]) => bytes.length > 0);
      writeFileSync(at(`${name}-${part}`), splitExtent(half, new Map(full)));
    }
    const extents = parts.map((part) => `RW ${half} SPARSE "${name}-${part}"`);
    writeDescriptor(name, {
      createType: 'twoGbMaxExtentSparse',
      cid,
      extents,
      ...(parent ? { parent } : {}),
    });
  }

  it('with a delta in parts shows the newest content', async () => {
    const grainsOf = (from: number) =>
      Array.from({ length: (half * 512) / grain }, (_, index) =>
        base.subarray(from + index * grain, from + (index + 1) * grain),
      );
    split('base.vmdk', 'aaaaaaaa', undefined, [grainsOf(0), grainsOf(half * 512)]);
    expect(await shows('base.vmdk', base)).toBe(true);
    const nothing = Buffer.alloc(0);
    const changed = [[nothing, Buffer.alloc(grain, 'x')], [Buffer.alloc(grain, 'y')]];
    split('delta.vmdk', 'bbbbbbbb', { name: 'base.vmdk', cid: 'aaaaaaaa' }, changed);
    const content = Buffer.from(base);
    content.fill('x', grain, 2 * grain).fill('y', half * 512, half * 512 + grain);
    expect(await shows('delta.vmdk', content)).toBe(true);
  });
});

describe('a hostile SESPARSE extent', () => {
  const grains: SeGrains = new Map<number, Buffer | 'zero'>([
    [0, Buffer.alloc(page, 'a')],
    [5, 'zero'],
  ]);
  const whole = seSparseExtent(sectors, grains);
  const tablesAt = 10 * 512;

  async function refusalOf(change: (bytes: Buffer) => void, dirty = false): Promise<string> {
    vmfs('base.vmdk', base);
    const bytes = seSparseExtent(sectors, grains, dirty);
    change(bytes);
    seSparse('x.vmdk', 'base.vmdk', 'aaaaaaaa', 'bbbbbbbb', bytes);
    return String(await readVmdk(at('x.vmdk')));
  }

  it.each<[string, (bytes: Buffer) => void, RegExp]>([
    ['another version', (bytes) => bytes.writeBigUInt64LE(9n, 8), /kind that is not supported/],
    ['grains of 1 MiB', (bytes) => bytes.writeBigUInt64LE(2048n, 24), /kind that is not supported/],
    ['a smaller capacity', (bytes) => bytes.writeBigUInt64LE(8n, 16), /descriptor says otherwise/],
    ['a directory far away', (bytes) => bytes.writeBigUInt64LE(1n << 40n, 128), /truncated/],
    ['a directory beyond all', (bytes) => bytes.writeBigUInt64LE(1n << 60n, 128), /grain directory offset/],
    ['no directory', (bytes) => bytes.writeBigUInt64LE(0n, 136), /directory needs/],
    ['no volatile header', (bytes) => bytes.fill(0, 512, 520), /volatile header/],
    ['an odd table', (bytes) => bytes.writeBigUInt64LE(5n, 1024), /grain directory is 5/],
    ['an odd grain', (bytes) => bytes.writeBigUInt64LE(5n, tablesAt), /grain table is 5/],
    ['a grain far away', (bytes) => bytes.writeBigUInt64LE((3n << 60n) | 1000n, tablesAt), /truncated/],
    [
      'grains that overlap',
      (bytes) => bytes.fill(bytes.subarray(tablesAt, tablesAt + 8), tablesAt, tablesAt + 4096),
      /overlap/,
    ],
  ])('with %s is refused', async (_what, change, message) => {
    const refusal = await refusalOf(change);
    expect(refusal).toMatch(/^BAD_IMAGE/);
    expect(refusal).toMatch(message);
  });

  it('with changes in its journal is refused with advice', async () => {
    expect(await refusalOf(() => undefined, true)).toMatch(/its journal holds changes/);
  });

  it('with any bytes flipped is read within its size, or refused with a KameError', async () => {
    vmfs('base.vmdk', base);
    const flip = fc.tuple(fc.nat({ max: 1600 }), fc.integer({ min: 1, max: 255 }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 4 }), async (flips) => {
        const bytes = Buffer.from(whole);
        for (const [place, bits, inTable] of flips) {
          const index = inTable ? tablesAt + (place % 64) : place;
          bytes[index] = (bytes[index] ?? 0) ^ bits;
        }
        seSparse('x.vmdk', 'base.vmdk', 'aaaaaaaa', 'bbbbbbbb', bytes);
        const result = await readVmdk(at('x.vmdk'));
        expect(Buffer.isBuffer(result) ? '' : result).toMatch(/^$|^BAD_IMAGE: /u);
      }),
      { numRuns: 100 },
    );
  });
});
