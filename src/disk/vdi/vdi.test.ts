import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { difference, readDisk } from '../../../test/support/foreign-disk.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { noBlock, vdiFile, type VdiOptions } from '../../../test/support/vdi.ts';
import { openVdi } from './vdi-disk.ts';

const fresh = useTemporaryDirectory();
let directory = '';

beforeEach(() => {
  directory = fresh();
});

const at = (name: string): string => join(directory, name);

async function readFile(bytes: Buffer): Promise<Buffer | string> {
  writeFileSync(at('x.vdi'), bytes);
  return await readDisk(async () => await openVdi(at('x.vdi')));
}

describe('a VDI', () => {
  it.each(['static=off', 'static=on'])('of qemu-img with %s is read sector by sector', async (option) => {
    const content = Buffer.alloc(5 * 1024 * 1024 + 3 * 512);
    randomBytes(1024 * 1024 + 5000).copy(content, 2 * 1024 * 1024 + 512);
    content.write('last', content.length - 4);
    writeFileSync(at('raw'), content);
    qemuImg('convert', '-f', 'raw', '-O', 'vdi', '-o', option, at('raw'), at('made.vdi'));
    expect(difference(await readDisk(async () => await openVdi(at('made.vdi'))), content)).toBe('');
  });

  it('has its blocks in any order, and zeros where there are none', async () => {
    const disk = Buffer.concat([Buffer.alloc(512, 'a'), Buffer.alloc(512), Buffer.alloc(512, 'c')]);
    expect(await readFile(vdiFile())).toEqual(disk);
    // A block that the guest has given back.
    expect(await readFile(vdiFile({ map: [1, noBlock - 1, 0] }))).toEqual(disk);
  });

  it.each<[string, VdiOptions, RegExp]>([
    ['of differences', { type: 4 }, /is a difference to another disk of VirtualBox/],
    ['of an undo disk', { type: 3 }, /is a difference/],
    ['of an unknown type', { type: 9 }, /its type is 9/],
    ['of another version', { version: 0x0002_0000 }, /VDI of version 2\.0/],
    ['with other sectors', { sectorBytes: 4096 }, /sectors of 4096/],
    ['with bytes before its blocks', { extraBytes: 8 }, /8 bytes before each block/],
    ['with blocks of an odd size', { blockBytes: 700 }, /its blocks have 700 bytes/],
    ['without content', { diskBytes: 0 }, /its size is 0/],
    ['larger than 64 TiB', { diskBytes: 2 ** 46 + 1 }, /the limit is 64 TiB/],
    ['with too few blocks', { diskBytes: 4096 }, /3 blocks of 512 bytes/],
    ['with too many blocks', { blockCount: 2 ** 31 }, /2147483648 blocks/],
    ['whose map is in its header', { mapAt: 100 }, /block map, at byte 100/],
    ['whose map overlaps its data', { mapAt: 1020 }, /block map, at byte 1020/],
    ['with two blocks in one place', { map: [1, noBlock, 1] }, /place 1, which is used twice/],
    ['with a block in a place that does not exist', { map: [7, 0, 1] }, /place 7, .* does not exist/],
    ['whose data is cut', { map: [0, 1, 2] }, /truncated/],
  ])('%s is refused', async (_what, options, message) => {
    const refusal = await readFile(vdiFile(options));
    expect(refusal).toMatch(/^BAD_IMAGE/);
    expect(refusal).toMatch(message);
  });

  it('that is cut anywhere is refused', async () => {
    for (const length of [100, 511, 700, 1024, 1500])
      expect(
        await readFile(
          vdiFile({ map: Array.from({ length: 100 }, (_none, place) => place) }).subarray(0, length),
        ),
      ).toMatch(/^BAD_IMAGE.*(truncated|overlaps)/);
  });
});
