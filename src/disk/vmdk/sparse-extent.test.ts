import { truncateSync, writeFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, makeVmdk, noise, readVmdk, useVmdks } from '../../../test/support/vmdk.ts';

useVmdks();

describe('a hostile sparse VMDK', () => {
  const little = (value: number, bytes: 4 | 8): Buffer => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(BigInt(value));
    return buffer.subarray(0, bytes);
  };

  it.each([
    ['version 9', 4, little(9, 4), /version 9/],
    ['a capacity of 2^63', 12, Buffer.from('ffffffffffffff7f', 'hex'), /capacity/],
    ['a capacity of 1 PiB', 12, little(2 ** 41, 8), /64 TiB/],
    ['grains of nothing', 20, little(0, 8), /grain size is 0/],
    ['grains of 1 GiB', 20, little(2 ** 21, 8), /grain size is/],
    ['grains of 3 sectors', 20, little(24, 8), /grain size is/],
    ['no table entries', 44, little(0, 4), /0 entries/],
    ['too many table entries', 44, little(100_000, 4), /entries/],
    ['a directory far away', 56, little(2 ** 40, 8), /truncated/],
    ['a footer that is not there', 56, Buffer.from('ffffffffffffffff', 'hex'), /footer is missing/],
    ['a descriptor far away', 28, little(2 ** 40, 8), /lost its descriptor/],
  ])('with %s is rejected', async (_name, place, bytes, message) => {
    const image = makeVmdk('x.vmdk', 'monolithicSparse', noise);
    bytes.copy(image, place);
    writeFileSync(at('x.vmdk'), image);
    const refusal = await readVmdk(at('x.vmdk'));
    expect(refusal).toMatch(/^BAD_IMAGE/);
    expect(refusal).toMatch(message);
  });

  it('whose tables repeatedly lead to the same table or grain is rejected', async () => {
    const image = makeVmdk(
      'x.vmdk',
      'monolithicSparse',
      Buffer.concat([noise, Buffer.alloc(32 * 1024 * 1024), noise]),
    );
    const directoryAt = Number(image.readBigUInt64LE(56)) * 512;
    const tables = Buffer.from(image);
    tables.copyWithin(directoryAt + 4, directoryAt, directoryAt + 4);
    writeFileSync(at('tables.vmdk'), tables);
    expect(await readVmdk(at('tables.vmdk'))).toMatch(/used twice/);
    const firstTable = image.readUInt32LE(directoryAt) * 512;
    const grain = image.readUInt32LE(firstTable);
    for (let entry = 0; entry < 512; entry += 1) image.writeUInt32LE(grain, firstTable + entry * 4);
    writeFileSync(at('grains.vmdk'), image);
    expect(await readVmdk(at('grains.vmdk'))).toMatch(/overlap/);
  });

  it('that is truncated anywhere is rejected, unless all of its data is present', async () => {
    const content = noise.subarray(0, 2 ** 21);
    const whole = { monolithicSparse: 1, streamOptimized: 0.6 };
    for (const subformat of ['monolithicSparse', 'streamOptimized'] as const) {
      const image = makeVmdk('x.vmdk', subformat, content);
      for (const part of [0.001, 0.1, 0.3, 0.5, 0.8, 0.99]) {
        writeFileSync(at('cut.vmdk'), image);
        truncateSync(at('cut.vmdk'), Math.floor(image.length * part));
        const result = await readVmdk(at('cut.vmdk'));
        const verdict = Buffer.isBuffer(result) ? result.equals(content) : result.split(':')[0];
        // The end of a streamOptimized one is padding.
        const expected = part < whole[subformat] ? 'BAD_IMAGE' : true;
        expect({ subformat, part, verdict }).toEqual({ subformat, part, verdict: expected });
      }
    }
  });

  it('with a grain that decompresses to more or less than a grain, or is misplaced, is rejected', async () => {
    const image = makeVmdk('x.vmdk', 'streamOptimized', noise);
    const directoryAt = Number(image.readBigUInt64LE(56)) * 512;
    const grainAt = image.readUInt32LE(image.readUInt32LE(directoryAt) * 512) * 512;
    const withGrain = async (place: number, packed: Buffer): Promise<Buffer | string> => {
      const copy = Buffer.from(image);
      copy.writeBigUInt64LE(BigInt(place), grainAt);
      copy.writeUInt32LE(packed.length, grainAt + 8);
      packed.copy(copy, grainAt + 12);
      writeFileSync(at('grain.vmdk'), copy);
      return readVmdk(at('grain.vmdk'));
    };
    expect(await withGrain(0, deflateSync(Buffer.alloc(64 * 1024 * 1024)))).toMatch(/cannot be decompressed/);
    expect(await withGrain(0, deflateSync(Buffer.alloc(100)))).toMatch(/only 100 bytes/);
    expect(await withGrain(128, deflateSync(Buffer.alloc(65_536)))).toMatch(/belongs to sector 128/);
    expect(await withGrain(0, Buffer.from('no deflate at all'))).toMatch(/cannot be decompressed/);
    const ok = await withGrain(0, deflateSync(Buffer.alloc(65_536, 'k')));
    expect(Buffer.isBuffer(ok) && ok.subarray(0, 65_536).equals(Buffer.alloc(65_536, 'k'))).toBe(true);
  });

  it('is read by its footer, as VMware writes it, and a wrong footer is rejected', async () => {
    const image = makeVmdk('x.vmdk', 'streamOptimized', noise);
    const footer = Buffer.from(image.subarray(0, 512));
    image.fill(0xff, 56, 64);
    const marker = Buffer.alloc(512);
    marker.writeUInt32LE(3, 12);
    writeFileSync(at('footer.vmdk'), Buffer.concat([image, marker, footer, Buffer.alloc(512)]));
    const disk = await readVmdk(at('footer.vmdk'));
    expect(Buffer.isBuffer(disk) && disk.subarray(0, noise.length).equals(noise)).toBe(true);
    writeFileSync(at('none.vmdk'), Buffer.concat([image, marker, Buffer.alloc(1024)]));
    expect(await readVmdk(at('none.vmdk'))).toMatch(/footer is missing/);
  });

  it('with any bytes flipped is read within its size, or rejected with a KameError', async () => {
    const images = ['monolithicSparse', 'streamOptimized'].map((subformat) =>
      makeVmdk('x.vmdk', subformat, noise),
    );
    const flip = fc.tuple(fc.nat({ max: 1023 }), fc.integer({ min: 1, max: 255 }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...images),
        fc.array(flip, { minLength: 1, maxLength: 4 }),
        async (image, flips) => {
          const copy = Buffer.from(image);
          for (const [place, bits, fromEnd] of flips) {
            // The header is at the start; the footer and directory of a streamOptimized disk are near the end.
            const index = fromEnd ? copy.length - 1 - place : place;
            copy[index] = (copy[index] ?? 0) ^ bits;
          }
          writeFileSync(at('flipped.vmdk'), copy);
          const result = await readVmdk(at('flipped.vmdk'));
          const refusal = Buffer.isBuffer(result) ? '' : result;
          expect(refusal).toMatch(/^$|^(BAD_IMAGE|NO_SUCH_IMAGE): /u);
        },
      ),
      { numRuns: 50 },
    );
  });
});
