import { truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { difference } from '../../../test/support/foreign-disk.ts';
import { qemuVhdx } from '../../../test/support/qemu-vhdx.ts';
import { useVhdxFiles } from '../../../test/support/vhdx-files.ts';
import { fileOf, mebibyte, unknownRegion, vhdxPieces, type VhdxOptions } from '../../../test/support/vhdx.ts';
import { crc32c } from './crc32c.ts';
import { openVhdx } from './vhdx-disk.ts';

const { at, read, readFile } = useVhdxFiles();
const guid = '01020304-0506-0708-090a-0b0c0d0e0f10';

const readOptions = async (options: VhdxOptions) => await readFile(fileOf(vhdxPieces(options)));

it('computes the CRC of RFC 3720', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe306_9283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a91_36aa);
});

describe('a VHDX', () => {
  it.each([
    [[]],
    [['subformat=fixed']],
    [['block_size=1M']],
    [['block_size=256M', 'log_size=3M']],
    [['block_state_zero=off']],
  ])('of qemu-img with the options %j is read sector by sector', async (options) => {
    const { path, content } = qemuVhdx(at(), options);
    const disk = await read(path);
    // Its size is in whole sectors of the disk, and qemu-img rounds that up.
    expect(difference(disk.slice(0, content.length), content)).toBe('');
  });

  it('has zeros where a block has no data, whatever the reason', async () => {
    const table = [0, 1, 2, 3].map((state) => [0, state] as const);
    const disk = await readOptions({ diskBytes: 4 * mebibyte, table });
    expect(difference(disk, Buffer.alloc(4 * mebibyte))).toBe('');
  });

  it('is read past the entries for the bitmaps of sectors', async () => {
    // Blocks of 256 MiB: after every 16 of them there is an entry for a bitmap.
    const blockSize = 256 * mebibyte;
    const table = Array.from({ length: 18 }, (_none, index): readonly [number, number] =>
      index === 17 ? [4, 6] : [0, 0],
    );
    writeFileSync(
      at('x.vhdx'),
      fileOf(vhdxPieces({ blockSize, diskBytes: 16 * blockSize + mebibyte, table })),
    );
    truncateSync(at('x.vhdx'), 4 * mebibyte + blockSize);
    await using disk = await openVhdx(at('x.vhdx'));
    const first = await disk.blocks().next();
    expect(first.value).toMatchObject({ offset: 16 * 256 * mebibyte });
  });

  it('is read by the header with the higher number, or by the one that is intact', async () => {
    const swapped = await readOptions({ headers: [{ sequence: 9 }, { sequence: 3, version: 7 }] });
    expect(swapped.length).toBe(3 * mebibyte);
    const file = fileOf(vhdxPieces({ headers: [{ sequence: 1 }, { sequence: 9, version: 7 }] }));
    expect(await readFile(file)).toMatch(/version 7/);
    file.writeUInt8(1, 128 * 1024 + 20);
    expect((await readFile(file)).length).toBe(3 * mebibyte);
    file.writeUInt8(1, 64 * 1024 + 20);
    expect(await readFile(file)).toMatch(/checksums of both of its headers/);
  });

  it.each<[string, VhdxOptions, RegExp]>([
    ['of differences', { flags: 2 }, /only the differences to another disk/],
    ['with sectors of 4096 bytes', { sectorBytes: 4096 }, /sectors of 4096 bytes/],
    ['with blocks of an odd size', { blockSize: 3 * mebibyte }, /its blocks have 3145728 bytes/],
    ['without content', { diskBytes: 0 }, /its disk is 0 bytes/],
    ['larger than 64 TiB', { diskBytes: 2 ** 46 + 512 }, /the limit is 64 TiB/],
    ['with a table too small for its disk', { diskBytes: 2 ** 46 }, /table is too small/],
    [
      'with two blocks in one place',
      {
        table: [
          [4, 6],
          [4, 6],
          [0, 0],
        ],
      },
      /its block 1.* overlaps/,
    ],
    [
      'with a block in its metadata',
      {
        table: [
          [2, 6],
          [0, 0],
          [0, 0],
        ],
      },
      /its block 0.* overlaps/,
    ],
    [
      'with a block beyond its end',
      {
        table: [
          [2 ** 40, 6],
          [0, 0],
          [0, 0],
        ],
      },
      /beyond its end/,
    ],
    [
      'with a block in an unknown state',
      {
        table: [
          [4, 5],
          [0, 0],
          [0, 0],
        ],
      },
      /the state of its block 0 is 5/,
    ],
    [
      'with a block of differences',
      {
        table: [
          [4, 7],
          [0, 0],
          [0, 0],
        ],
      },
      /the state of its block 0 is 7/,
    ],
    ['that needs an unknown region', { regions: [unknownRegion(1)] }, /needs the region/],
    ['whose regions overlap', { regions: [unknownRegion(0), unknownRegion(0)] }, /overlaps/],
    [
      'that needs unknown metadata',
      { items: [{ guid, value: Buffer.alloc(4) }] },
      /needs the metadata 01020304-0506-0708-090a/,
    ],
    [
      'with the same metadata twice',
      { items: [{ guid: '2fa54224-cd1b-4876-b211-5dbed83bf4b8', value: Buffer.alloc(8) }] },
      /diskSize is invalid or there twice/,
    ],
  ])('%s is refused', async (_what, options, message) => {
    expect(await readOptions(options)).toMatch(/^BAD_IMAGE/);
    expect(await readOptions(options)).toMatch(message);
  });

  it('that is cut anywhere is refused', async () => {
    const file = fileOf(vhdxPieces());
    for (const length of [
      4,
      100,
      64 * 1024,
      200_000,
      mebibyte,
      2 * mebibyte + 20,
      3 * mebibyte,
      5 * mebibyte,
    ])
      expect(await readFile(file.subarray(0, length))).toMatch(
        /^BAD_IMAGE.*(truncated|beyond its end|cannot be)/,
      );
  });
});
