import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import {
  copyExtents,
  extentBytes,
  makeHole,
  mergeExtents,
  splitExtents,
  subtractExtents,
  type Extent,
} from './extents.ts';

const mebibyte = 1024 * 1024;

const directory = useTemporaryDirectory();

describe('mergeExtents', () => {
  it('joins extents that are close and keeps others apart', () => {
    const extents: Extent[] = [
      [8192, 4096],
      [0, 4096],
      [100_000, 10],
    ];
    expect(mergeExtents(extents, 4096)).toEqual([
      [0, 12_288],
      [100_000, 10],
    ]);
    expect(mergeExtents(extents, 0)).toHaveLength(3);
  });

  it('covers every byte it is given, in order and without overlap', () => {
    const extent = fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 200 }));
    fc.assert(
      fc.property(fc.array(extent, { maxLength: 30 }), fc.nat(50), (extents, gap) => {
        const merged = mergeExtents(extents, gap);
        const covers = (at: number) => merged.some(([start, length]) => at >= start && at < start + length);
        for (const [start, length] of extents) {
          expect(covers(start) && covers(start + length - 1)).toBe(true);
        }
        for (const [at, [start]] of merged.entries()) {
          const before = merged[at - 1] ?? [-gap - 2, 1];
          expect(start).toBeGreaterThan(before[0] + before[1] + gap);
        }
      }),
    );
  });
});

describe('subtractExtents', () => {
  it('leaves exactly the bytes that no other extent covers', () => {
    const extent = fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 60 }));
    const some = fc.array(extent, { maxLength: 12 });
    const bytes = (extents: readonly Extent[]) =>
      new Set(extents.flatMap(([start, length]) => Array.from({ length }, (_, at) => start + at)));
    fc.assert(
      fc.property(some, some, (first, second) => {
        const [all, others] = [mergeExtents(first, 0), mergeExtents(second, 0)];
        const left = subtractExtents(all, others);
        expect(bytes(left)).toEqual(new Set([...bytes(all)].filter((at) => !bytes(others).has(at))));
        expect(extentBytes(left)).toBe(bytes(left).size);
      }),
    );
  });
});

describe('splitExtents', () => {
  it('puts every byte into one share, and about as many into each', () => {
    const extents: Extent[] = [
      [0, 10 * mebibyte],
      [20 * mebibyte, 4096],
      [30 * mebibyte, 30 * mebibyte],
    ];
    for (const shares of [1, 2, 3, 4]) {
      const split = splitExtents(extents, shares);
      expect(split).toHaveLength(shares);
      expect(mergeExtents(split.flat(), 0)).toEqual(extents);
      for (const share of split) {
        expect(Math.abs(extentBytes(share) - extentBytes(extents) / shares)).toBeLessThan(4 * mebibyte);
      }
    }
    expect(splitExtents([], 2)).toEqual([[], []]);
  });
});

describe('makeHole', () => {
  it('makes a file of zeros that takes no space, replacing any other', async () => {
    const path = join(directory(), 'hole');
    await writeFile(path, 'was here');
    await makeHole(path, 3 * mebibyte);
    const { size, blocks } = await stat(path);
    expect({ size, blocks }).toEqual({ size: 3 * mebibyte, blocks: 0 });
  });
});

describe('copyExtents', () => {
  it('copies parts to their offsets and leaves the rest as a hole', async () => {
    const path = directory();
    const [from, to] = [join(path, 'from'), join(path, 'to')];
    const data = Buffer.alloc(5 * mebibyte, 7);
    await writeFile(from, data);
    const extents: Extent[] = [
      [0, 4096],
      [2 * mebibyte, mebibyte + 5],
    ];
    await copyExtents(from, to, extents, { size: 8 * mebibyte, sync: true });
    const copy = await readFile(to);
    expect(copy).toHaveLength(8 * mebibyte);
    expect(copy.subarray(0, 4096)).toEqual(data.subarray(0, 4096));
    expect(copy.subarray(4096, 2 * mebibyte).every((byte) => byte === 0)).toBe(true);
    expect(copy.subarray(2 * mebibyte, 3 * mebibyte + 5).every((byte) => byte === 7)).toBe(true);
    expect(copy.subarray(3 * mebibyte + 5).every((byte) => byte === 0)).toBe(true);
    expect((await stat(to)).blocks * 512).toBeLessThan(2 * mebibyte);
    expect(extentBytes(extents)).toBe(4096 + mebibyte + 5);
  });

  it('overwrites a target in place, even with zeros', async () => {
    const path = directory();
    const [from, to] = [join(path, 'from'), join(path, 'to')];
    await writeFile(from, Buffer.alloc(mebibyte));
    await writeFile(to, Buffer.alloc(mebibyte, 1));
    await copyExtents(from, to, [[0, mebibyte]], { size: mebibyte });
    expect((await readFile(to)).every((byte) => byte === 0)).toBe(true);
  });

  it('leaves zeros out of a new file when asked', async () => {
    const path = directory();
    const [from, to] = [join(path, 'from'), join(path, 'to')];
    const file = await open(from, 'w');
    await file.write(Buffer.alloc(4 * mebibyte));
    await file.close();
    await copyExtents(from, to, [[0, 4 * mebibyte]], { size: 4 * mebibyte, skipZeros: true });
    expect((await stat(to)).blocks).toBe(0);
  });

  it('stops with CANCELLED when it is cancelled', async () => {
    const path = directory();
    const from = join(path, 'from');
    await writeFile(from, Buffer.alloc(3 * mebibyte, 1));
    const stop = new AbortController();
    const copying = copyExtents(from, join(path, 'to'), [[0, 3 * mebibyte]], {
      size: 3 * mebibyte,
      signal: stop.signal,
      onBytes: () => stop.abort(),
    });
    await expect(copying).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('names a source that does not exist', async () => {
    const path = directory();
    const copying = copyExtents(join(path, 'none'), join(path, 'to'), [[0, 1]], {
      size: 1,
    });
    await expect(copying).rejects.toMatchObject({ code: 'FILE_ACCESS' });
  });
});
