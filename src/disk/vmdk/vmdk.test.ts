import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KameError } from '../../core/errors.ts';
import { parseDescriptor } from './descriptor.ts';
import { openVmdk } from './vmdk-disk.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kame-vmdk-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function at(name: string): string {
  return join(directory, name);
}

/** Reads a whole disk; returns its bytes, or the error. */
async function read(path: string): Promise<Buffer | string> {
  try {
    await using disk = await openVmdk(path);
    const parts = Buffer.alloc(Math.min(disk.size, 1 << 26));
    for await (const { offset, data } of disk.blocks()) data.copy(parts, offset);
    return parts;
  } catch (error) {
    return error instanceof KameError
      ? `${error.code}: ${error.message}`
      : `NOT A KAME ERROR ${String(error)}`;
  }
}

function makeVmdk(name: string, subformat: string, content: Buffer): Buffer {
  writeFileSync(at('source.raw'), content);
  const options = ['-f', 'raw', '-O', 'vmdk', '-o', `subformat=${subformat}`];
  execFileSync('qemu-img', ['convert', ...options, at('source.raw'), at(name)]);
  return readFileSync(at(name));
}

function outcomeOf(work: () => unknown): string {
  try {
    return String(work());
  } catch (error) {
    return error instanceof KameError ? error.code : `NOT A KAME ERROR ${String(error)}`;
  }
}

const noise = Buffer.from(
  Buffer.alloc(2 * 1024 * 1024 + 512).map((_, index) => (index * 2_654_435_761) >>> 13),
);
const head =
  '# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="monolithicFlat"\n';

describe('a VMDK descriptor', () => {
  it('is read whatever the case of its keys, its line ends and padding', () => {
    const text =
      '# Disk DescriptorFile\r\nVersion = 1\r\nparentcid = FFFFFFFF\r\nCREATETYPE = "vmfs"\r\nRW 4192256 VMFS "a b-flat.vmdk"\r\nNOACCESS 8 ZERO\r\nddb.adapterType = "lsilogic"\r\n';
    const bytes = Buffer.concat([Buffer.from(text), Buffer.alloc(300)]);
    expect(parseDescriptor('x.vmdk', bytes)).toEqual({
      createType: 'vmfs',
      extents: [
        { kind: 'flat', sectors: 4_192_256, file: 'a b-flat.vmdk', offset: 0 },
        { kind: 'zero', sectors: 8, offset: 0 },
      ],
    });
  });

  it.each([
    ['an absolute extent', 'RW 8 FLAT "/etc/passwd" 0', /"\/etc\/passwd"/],
    ['an extent above it', 'RW 8 FLAT "../secret" 0', /"\.\.\/secret"/],
    ['an extent named ..', 'RW 8 FLAT ".." 0', /"\.\."/],
    ['a Windows path', 'RW 8 FLAT "C:\\secret" 0', /secret/],
    ['an extent without name', 'RW 8 FLAT', /without a file name/],
    ['an ESX delta', 'RW 8 VMFSSPARSE "a"', /VMFSSPARSE/],
    ['a physical disk', 'RW 8 VMFSRDM "a"', /VMFSRDM/],
    ['nonsense', 'RW many FLAT "a" 0', /malformed/],
    ['more than 64 TiB', 'RW 999999999999999 FLAT "a" 0', /64 TiB/],
    ['no sectors', 'RW 0 FLAT "a" 0', /no extents/],
    ['no extents', '', /no extents/],
    [
      'a parent',
      'parentCID=deadbeef\nparentFileNameHint="/base.vmdk"\nRW 8 FLAT "a" 0',
      /has a parent, "\/base\.vmdk"/,
    ],
    [
      'a key to decrypt it',
      'encryptionKeys="vmware:key/list/x"\nRW 8 FLAT "a" 0',
      /^x\.vmdk is encrypted\.$/,
    ],
    ['a key in other letters', 'EncryptionKeys = "x"\nparentCID=1\nRW 8 FLAT "a" 0', /is encrypted/],
    ['an unknown encoding', 'encoding="klingon"\nRW 8 FLAT "a" 0', /encoding "klingon", which is unknown/],
    ['a physical disk type', 'createType="fullDevice"\nRW 8 FLAT "a" 0', /physical disk \(fullDevice\)/],
  ])('with %s is rejected', (_name, lines, message) => {
    expect(() => parseDescriptor('x.vmdk', Buffer.from(`${head}${lines}\n`))).toThrow(message);
  });

  it.each([
    ['windows-1252', [0x44, 0xe9, 0x70, 0xf4, 0x74], 'Dépôt'],
    ['UTF-8', [0x44, 0xc3, 0xa9], 'Dé'],
    ['Shift_JIS', [0x83, 0x5c], 'ソ'],
    ['GBK', [0xb4, 0xc5], '磁'],
    [undefined, [0x44, 0xc3, 0xa9], 'Dé'],
    [undefined, [0x44, 0xe9], 'Dé'],
  ])('in %s has the names that VMware wrote', (encoding, name, text) => {
    const declared = encoding === undefined ? '' : `encoding="${encoding}"\n`;
    const bytes = Buffer.concat([
      Buffer.from(`${head}${declared}RW 8 FLAT "`),
      Buffer.from(name),
      Buffer.from('-flat.vmdk" 0\n'),
    ]);
    expect(parseDescriptor('x.vmdk', bytes).extents[0]?.file).toBe(`${text}-flat.vmdk`);
  });

  it('with bytes that are not valid in its encoding is rejected', () => {
    const bytes = Buffer.from(`${head}encoding="UTF-8"\nRW 8 FLAT "D\u00e9" 0\n`, 'latin1');
    expect(() => parseDescriptor('x.vmdk', bytes)).toThrow(
      'has a line that is not valid UTF-8: "RW 8 FLAT \\"D\ufffd',
    );
  });

  it('of any bytes is read or rejected with a KameError', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'RW 8 FLAT "a" 0',
        'parentCID=ffffffff',
        'createType="x"',
        '__proto__=1',
        'RW -1 ZERO',
        'RW 1 ZERO',
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        expect(outcomeOf(() => parseDescriptor('x', Buffer.from(lines.join('\n'))).extents.length)).toMatch(
          /^(BAD_IMAGE|[1-9]\d*)$/,
        );
      }),
    );
  });
});

describe('extents beside a descriptor', () => {
  it('are rejected if they are links, missing, too short, or used twice', async () => {
    mkdirSync(at('outside'));
    writeFileSync(at('outside/secret'), 'x'.repeat(8 * 512));
    symlinkSync(at('outside/secret'), at('link'));
    writeFileSync(at('short'), 'x');
    writeFileSync(at('four'), Buffer.alloc(4 * 512));
    const cases: [string, RegExp][] = [
      ['RW 8 FLAT "link" 0', /link/],
      ['RW 8 FLAT "absent" 0', /"absent", which is not in the same directory/],
      ['RW 8 FLAT "outside" 0', /is a directory/],
      ['RW 8 FLAT "short" 0', /truncated/],
      ['RW 4 FLAT "four" 0\nRW 4 FLAT "four" 0', /truncated/],
      ['RW 4 SPARSE "four"\nRW 4 SPARSE "four"', /twice/],
      ['RW 4 SPARSE "four"', /no KDMV header/],
    ];
    for (const [lines, message] of cases) {
      writeFileSync(at('x.vmdk'), `${head}${lines}\n`);
      const refusal = await read(at('x.vmdk'));
      expect(refusal).toMatch(/^BAD_IMAGE/);
      expect(refusal).toMatch(message);
    }
  });

  it('are found by their names in the encoding of the descriptor', async () => {
    writeFileSync(at('Dépôt-flat.vmdk'), Buffer.alloc(8 * 512, 'k'));
    const text = `${head}encoding="windows-1252"\nRW 8 FLAT "D\u00e9p\u00f4t-flat.vmdk" 0\n`;
    writeFileSync(at('x.vmdk'), Buffer.from(text, 'latin1'));
    expect(await read(at('x.vmdk'))).toEqual(Buffer.alloc(8 * 512, 'k'));
  });

  it('are found next to the file that a symbolic link leads to', async () => {
    mkdirSync(at('real'));
    writeFileSync(at('real/x-flat.vmdk'), Buffer.alloc(8 * 512, 'k'));
    writeFileSync(at('real/x.vmdk'), `${head}RW 8 FLAT "x-flat.vmdk" 0\n`);
    symlinkSync(at('real/x.vmdk'), at('link.vmdk'));
    expect(await read(at('link.vmdk'))).toEqual(Buffer.alloc(8 * 512, 'k'));
  });

  it('are rejected with advice if opened alone', async () => {
    makeVmdk('split.vmdk', 'twoGbMaxExtentSparse', noise);
    expect(await read(at('split-s001.vmdk'))).toMatch(/one part of a split disk/);
  });
});

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
    const refusal = await read(at('x.vmdk'));
    expect(refusal).toMatch(/^BAD_IMAGE/);
    expect(refusal).toMatch(message);
  });

  it('whose tables repeatedly lead to the same table or grain is rejected', async () => {
    const image = makeVmdk(
      'x.vmdk',
      'monolithicSparse',
      Buffer.concat([noise, Buffer.alloc(80 * 1024 * 1024), noise]),
    );
    const directoryAt = Number(image.readBigUInt64LE(56)) * 512;
    const tables = Buffer.from(image);
    tables.copyWithin(directoryAt + 4, directoryAt, directoryAt + 4);
    writeFileSync(at('tables.vmdk'), tables);
    expect(await read(at('tables.vmdk'))).toMatch(/used twice/);
    const firstTable = image.readUInt32LE(directoryAt) * 512;
    const grain = image.readUInt32LE(firstTable);
    for (let entry = 0; entry < 512; entry += 1) image.writeUInt32LE(grain, firstTable + entry * 4);
    writeFileSync(at('grains.vmdk'), image);
    expect(await read(at('grains.vmdk'))).toMatch(/overlap/);
  });

  it('that is truncated anywhere is rejected, unless all of its data is present', async () => {
    const content = noise.subarray(0, 2 ** 21);
    const whole = { monolithicSparse: 1, streamOptimized: 0.6 };
    for (const subformat of ['monolithicSparse', 'streamOptimized'] as const) {
      const image = makeVmdk('x.vmdk', subformat, content);
      for (const part of [0.001, 0.1, 0.3, 0.5, 0.8, 0.99]) {
        writeFileSync(at('cut.vmdk'), image);
        truncateSync(at('cut.vmdk'), Math.floor(image.length * part));
        const result = await read(at('cut.vmdk'));
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
      return read(at('grain.vmdk'));
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
    const disk = await read(at('footer.vmdk'));
    expect(Buffer.isBuffer(disk) && disk.subarray(0, noise.length).equals(noise)).toBe(true);
    writeFileSync(at('none.vmdk'), Buffer.concat([image, marker, Buffer.alloc(1024)]));
    expect(await read(at('none.vmdk'))).toMatch(/footer is missing/);
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
          const result = await read(at('flipped.vmdk'));
          const refusal = Buffer.isBuffer(result) ? '' : result;
          expect(refusal).toMatch(/^$|^(BAD_IMAGE|NO_SUCH_IMAGE): /u);
        },
      ),
      { numRuns: 150 },
    );
  });
});
