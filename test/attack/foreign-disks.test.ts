import { expect, it } from 'vitest';
import { readBootSector } from '../../src/disk/boot-sector.ts';
import { vdiBlocks } from '../../src/disk/vdi/vdi-disk.ts';
import { readVdiHeader } from '../../src/disk/vdi/vdi-header.ts';
import { readVhdx, vhdxRanges } from '../../src/disk/vhdx/vhdx-disk.ts';
import { bootCorpus, vdiCorpus, vhdxCorpus, vhdxImage } from './foreign-samples.ts';
import { fuzz } from './fuzz.ts';
import { memoryImage } from './memory-image.ts';

it('reads any VDI to its last block, or refuses it', async () => {
  const { read, refused } = await fuzz(vdiCorpus, async (input) => {
    const file = memoryImage(input);
    const header = await readVdiHeader(file);
    for await (const { offset, data } of vdiBlocks(file, header))
      if (offset + data.length > header.diskBytes) throw new Error('It has a block beyond its end.');
  });
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BAD_IMAGE']);
});

it('tells of any beginning of a disk how it boots', async () => {
  const { read, refused } = await fuzz(bootCorpus, readBootSector);
  expect([read > 0, refused.size]).toEqual([true, 0]);
});

it('reads any VHDX to the place of its last block, or refuses it', async () => {
  const { read, refused } = await fuzz(vhdxCorpus, async (input) => {
    const vhdx = await readVhdx(vhdxImage(input));
    for await (const { offset, at, length } of vhdxRanges(vhdx)) {
      if (offset + length > vhdx.diskBytes || at + length > vhdx.file.size)
        throw new Error('It has a block beyond its end.');
    }
  });
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BAD_IMAGE']);
});
