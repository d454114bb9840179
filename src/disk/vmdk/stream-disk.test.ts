import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../../test/support/digest.ts';
import { inlineInflater } from '../../../test/support/inline-inflater.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { refused } from '../../../test/support/refused.ts';
import { streamParts, streamVmdk } from '../../../test/support/stream-vmdk.ts';
import { ByteSource } from '../../sys/byte-source.ts';
import { openVmdkStream } from './stream-disk.ts';

const grain = 64 * 1024;
const sectors = 40 * 1024 * 2 + 8;
let directory = '';
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'kame-stream-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A file in uneven pieces, as it comes from a network. */
async function* inPieces(bytes: Buffer, size = 7777): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

/** Writes the whole disk that a stream has to a file; its hash. */
async function contentOf(bytes: Buffer): Promise<string> {
  await using disk = await openVmdkStream('disk.vmdk', new ByteSource(inPieces(bytes)), inlineInflater);
  const path = join(directory, 'content.raw');
  await using file = await open(path, 'w');
  await file.truncate(disk.size);
  for await (const { offset, data } of disk.blocks()) await file.write(data, 0, data.length, offset);
  return digestOf(path);
}

/** More than are decompressed together. */
const many = Array.from({ length: 40 }, (_none, at) => 513 + at);
const grains = new Map(
  [0, 1, 5, 511, 512, ...many, 600, 640].map((index) => [index, Buffer.alloc(grain, `grain ${index} `)]),
);

/** Makes a raw disk of the grains, `expected.raw`; its hash. */
function makeExpected(): string {
  const path = join(directory, 'expected.raw');
  const file = openSync(path, 'w');
  for (const [index, data] of grains) writeSync(file, data, 0, data.length, index * grain);
  ftruncateSync(file, sectors * 512);
  closeSync(file);
  return digestOf(path);
}

describe('a streamOptimized disk in a stream', () => {
  it('has its content, with the tables at the end', async () => {
    expect(await contentOf(streamVmdk(streamParts(sectors, grains)))).toBe(makeExpected());
  });

  it('has its content, with the tables at the front, as qemu-img writes them', async () => {
    const [raw, vmdk] = [join(directory, 'expected.raw'), join(directory, 'a.vmdk')];
    const expected = makeExpected();
    qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', raw, vmdk);
    expect(await contentOf(readFileSync(vmdk))).toBe(expected);
  });

  it('is the disk that QEMU reads', () => {
    const vmdk = join(directory, 'ours.vmdk');
    writeFileSync(vmdk, streamVmdk(streamParts(sectors, grains)));
    qemuImg('convert', '-f', 'vmdk', '-O', 'raw', vmdk, join(directory, 'theirs.raw'));
    expect(digestOf(join(directory, 'theirs.raw'))).toBe(makeExpected());
  });
});

describe('a stream is refused', () => {
  const parts = streamParts(sectors, grains);
  const bytes = streamVmdk(parts);
  const without = (index: number) =>
    streamVmdk({ ...parts, body: parts.body.filter((_part, at) => at !== index) });
  const forged = (at: number, value: number) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(value, at);
    return copy;
  };
  const first = 1024;

  it.each([
    ['that ends within a grain', bytes.subarray(0, first + 20), /is truncated/],
    ['without its end', bytes.subarray(0, bytes.length - parts.tail.length), /is truncated/],
    ['that lacks a grain', without(1), /do not list the grains/],
    ['that lacks a grain table', without(4), /do not list the grains/],
    ['whose grain is beyond its end', forged(first + 4, 1), /belongs to sector 4294967296/],
    ['whose grain is misplaced', forged(first, 3), /belongs to sector 3/],
    ['whose grain is too long', forged(first + 8, 2 ** 31), /has 2147483648 compressed bytes/],
    ['with damaged data', forged(first + 40, 0xffffffff), /cannot be decompressed/],
    [
      'with an unknown marker',
      streamVmdk({ ...parts, body: [Buffer.alloc(512, 9).fill(0, 8, 12)] }),
      /marker of type/,
    ],
    [
      'that is another kind of disk',
      Buffer.from('QFI\u00fb'.padEnd(512, '\0'), 'latin1'),
      /is not a sparse VMDK/,
    ],
    ['that is not compressed', forged(8, 3), /not stream-optimized/],
    [
      'that is a delta',
      streamVmdk({
        ...parts,
        descriptor: Buffer.from(
          parts.descriptor.toString('latin1').replace('parentCID=ffffffff', 'parentCID=12345678'),
          'latin1',
        ),
      }),
      /another disk/,
    ],
  ])('%s', async (_what, stream, message) => {
    expect(await refused(contentOf(stream))).toMatchObject({
      code: 'BAD_IMAGE',
      message: expect.stringMatching(message) as string,
    });
  });

  it('whose grain expands to more than a grain, or to less', async () => {
    for (const [size, message] of [
      [grain + 1, /cannot be decompressed/],
      [64 * 1024 ** 2, /cannot be decompressed/],
      [grain - 1, /has only 65535 bytes/],
    ] as const) {
      const bomb = streamVmdk(streamParts(sectors, new Map([[3, Buffer.alloc(size)]])));
      expect(await refused(contentOf(bomb))).toMatchObject({
        code: 'BAD_IMAGE',
        message: expect.stringMatching(message) as string,
      });
    }
  });
});
