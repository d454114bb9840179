import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readQcow2 } from '../../test/support/qcow2-content.ts';
import { qemuImg } from '../../test/support/qemu-img.ts';
import type { DiskBlock } from './format/disk.ts';
import { Qcow2Writer } from './qcow2-writer.ts';

const kibibyte = 1024;
const cluster = 64 * kibibyte;
let directory = '';
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'kame-qcow2-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;
const fresh = (name: string) => join(directory, `${(count += 1)}-${name}`);

async function written(size: number, blocks: readonly DiskBlock[]): Promise<string> {
  const path = fresh('disk.qcow2');
  await using writer = await Qcow2Writer.create(path, size);
  for (const block of blocks) await writer.write(block);
  await writer.finish();
  expect(writer.bytes).toBe(statSync(path).size);
  return path;
}

/** Whether QEMU finds exactly that on the disk, and its tables right, without leaks. */
function isRight(path: string, content: Buffer): boolean {
  const raw = fresh('content.raw');
  writeFileSync(raw, content);
  const checked = qemuImg('check', '-f', 'qcow2', path);
  const compared = qemuImg('compare', '-f', 'qcow2', '-F', 'raw', path, raw);
  return checked.includes('No errors were found') && compared.includes('identical');
}

const block = (offset: number, length: number, fill: number | string): DiskBlock => ({
  offset,
  data: Buffer.alloc(length, fill),
});

it('writes blocks of any size in any order, and no zeros', async () => {
  const size = 4 * 1024 * kibibyte + 512;
  const blocks = [
    block(2048 * kibibyte, 200 * kibibyte, 'b'),
    block(512, 512, 'a'),
    block(1024 * kibibyte, 512 * kibibyte, 0),
    block(size - 512, 512, 'z'),
    block(4 * kibibyte, 4 * kibibyte, 'c'),
  ];
  const content = Buffer.alloc(size);
  for (const { offset, data } of blocks) data.copy(content, offset);
  const path = await written(size, blocks);
  expect(isRight(path, content)).toBe(true);
  // Header, L1 and L2 table, six clusters with data, two for the reference counts.
  expect(statSync(path).size).toBe(11 * cluster);
});

it('writes what a disk has, whatever its blocks are', async () => {
  const size = 1024 * kibibyte;
  const blocks = fc.array(
    fc.record({
      at: fc.nat(2047),
      sectors: fc.integer({ min: 1, max: 300 }),
      fill: fc.constantFrom(0, 1, 2),
    }),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(blocks, async (list) => {
      const content = Buffer.alloc(size);
      const parts = list.map(({ at, sectors, fill }) =>
        block(at * 512, Math.min(sectors, 2048 - at) * 512, fill),
      );
      for (const { offset, data } of parts) data.copy(content, offset);
      expect(isRight(await written(size, parts), content)).toBe(true);
    }),
    { numRuns: 15 },
  );
});

it('keeps few tables in memory, and finds the others again', async () => {
  const gibibyte = 1024 ** 3;
  const size = 100 * gibibyte;
  const places = Array.from({ length: 200 }, (_, index) => index * (gibibyte / 2) + index * cluster);
  const blocks = [...places, ...places.map((place) => place + 8 * cluster)].map((offset) =>
    block(offset, 512, 'x'),
  );
  const path = await written(size, blocks);
  expect(qemuImg('check', '-f', 'qcow2', path)).toContain('400/1638400');
});

it('counts clusters in as many blocks as that takes, and says where they are', async () => {
  const size = 64 * 1024 ** 4;
  const path = await written(size, [block(size - 512, 512, 'x')]);
  expect(qemuImg('check', '-f', 'qcow2', path)).toContain('No errors were found');
  expect(readQcow2(path, size - 512, 512).toString()).toBe('x'.repeat(512));
});

it('has no header before it is finished', async () => {
  const path = fresh('half.qcow2');
  await using writer = await Qcow2Writer.create(path, 1024 * kibibyte);
  await writer.write(block(0, 512 * kibibyte, 'a'));
  expect(readFileSync(path).subarray(0, 4)).toEqual(Buffer.alloc(Math.min(4, statSync(path).size)));
});
