import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { mapHeader, readMapFacts } from '../../src/disk/map-facts.ts';
import { checkQcow2 } from '../../src/disk/qcow2-header.ts';
import { headerLength } from '../../src/disk/qcow2-layout.ts';
import { Qcow2Pieces } from '../../src/disk/qcow2-pieces.ts';
import { parseDescriptor } from '../../src/disk/vmdk/descriptor.ts';
import { seSparseBlocks } from '../../src/disk/vmdk/se-sparse.ts';
import { sparseBlocks } from '../../src/disk/vmdk/sparse-extent.ts';
import { readSparseHeader } from '../../src/disk/vmdk/sparse-header.ts';
import { descriptorCorpus, mapCorpus, qcow2Corpus, seSparseCorpus, sparseCorpus } from './disk-samples.ts';
import { fuzz } from './fuzz.ts';
import { memoryImage } from './memory-image.ts';

it('reads any header of a qcow2 with its tables, or refuses it', async () => {
  const { read, refused } = await fuzz(
    qcow2Corpus,
    async (input) => await checkQcow2(memoryImage(input), { backing: 'tell' }),
  );
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BAD_IMAGE']);
});

it('finds what a qcow2 has in a range of the disk, without gaps, or refuses it', async () => {
  const { read, refused } = await fuzz(qcow2Corpus, async (input) => {
    const file = memoryImage(input);
    const { mapping } = await checkQcow2(file, { backing: 'tell', tables: false });
    const pieces = await (await Qcow2Pieces.open(file, mapping)).in(512, 1024 * 1024);
    const ends = pieces.map(({ offset, length }) => offset + length);
    expect(pieces.map(({ offset }) => offset)).toEqual([512, ...ends.slice(0, -1)]);
    expect(ends.at(-1)).toBe(1024 * 1024 + 512);
  });
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BAD_IMAGE']);
});

it('reads what any map says of itself, or refuses it', async () => {
  const { read, refused } = await fuzz(mapCorpus, async (json) => {
    const tables = Buffer.alloc(4096);
    mapHeader(json, tables.subarray(0, headerLength), tables.length).copy(tables);
    const { parts, originals } = await readMapFacts(memoryImage(Buffer.concat([tables, json])));
    for (const { path } of parts) expect(originals.map((each) => each.path)).toContain(path);
    for (const { path } of originals) expect(path).toBe(resolve(path));
  });
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BAD_IMAGE']);
});

it('reads any descriptor of a VMDK, or refuses it', async () => {
  const { read, refused } = await fuzz(descriptorCorpus, (input) => parseDescriptor('/a/disk', input));
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BAD_IMAGE']);
});

it('reads any sparse extent of a VMDK to its last block, or refuses it', async () => {
  const { read, refused } = await fuzz(sparseCorpus, async (input) => {
    const file = memoryImage(input);
    const header = await readSparseHeader(file);
    for await (const { data } of sparseBlocks(file, header, 64 * 1024, true)) if (data.length === 0) break;
  });
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BAD_IMAGE']);
});

it('reads any SESPARSE extent to its last block, or refuses it', async () => {
  const { read, refused } = await fuzz(seSparseCorpus, async (input) => {
    for await (const { data } of seSparseBlocks(memoryImage(input), 64 * 1024, true))
      if (data.length === 0) break;
  });
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['BAD_IMAGE']);
});
