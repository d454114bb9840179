import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFat, type FatOptions } from './fat.ts';

const sizeBytes = 80 * 1024 * 1024;

function build(files: Record<string, Uint8Array>, options: Partial<FatOptions> = {}): Buffer {
  const volume = Buffer.alloc(sizeBytes);
  const extents = buildFat({
    sizeBytes,
    hiddenSectors: 2048,
    label: 'TEST',
    volumeId: 1,
    files: new Map(Object.entries(files)),
    ...options,
  });
  for (const { offset, data } of extents) volume.set(data, offset);
  return volume;
}

/** Reads a FAT32 volume back according to Microsoft's specification: path -> content. */
function readFat(volume: Buffer): Map<string, Buffer> {
  const perCluster = (volume[13] as number) * 512;
  const fatAt = volume.readUInt16LE(14) * 512;
  const fatBytes = volume.readUInt32LE(36) * 512;
  const dataAt = fatAt + 2 * fatBytes;
  expect(volume.subarray(fatAt, fatAt + fatBytes).equals(volume.subarray(fatAt + fatBytes, dataAt))).toBe(
    true,
  );
  const chain = (start: number) => {
    const parts: Buffer[] = [];
    for (
      let cluster = start;
      cluster >= 2 && cluster < 0x0ffffff8;
      cluster = volume.readUInt32LE(fatAt + cluster * 4)
    ) {
      const at = dataAt + (cluster - 2) * perCluster;
      parts.push(volume.subarray(at, at + perCluster));
    }
    return Buffer.concat(parts);
  };
  const files = new Map<string, Buffer>();
  const walk = (start: number, prefix: string) => {
    const directory = chain(start);
    let long = '';
    for (let at = 0; directory[at]; at += 32) {
      const entry = directory.subarray(at, at + 32);
      const attribute = entry[11] as number;
      if (attribute === 0x0f) {
        const units = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].map((slot) => entry.readUInt16LE(slot));
        long = String.fromCharCode(...units.filter((unit) => unit !== 0 && unit !== 0xffff)) + long;
        continue;
      }
      const short =
        `${entry.toString('latin1', 0, 8).trimEnd()}.${entry.toString('latin1', 8, 11).trimEnd()}`.replace(
          /\.$/,
          '',
        );
      const name = long === '' ? short : long;
      long = '';
      const first = (entry.readUInt16LE(20) << 16) | entry.readUInt16LE(26);
      if (attribute & 0x08 || short.startsWith('.')) continue;
      if (attribute & 0x10) walk(first, `${prefix}${name}/`);
      else files.set(prefix + name, chain(first).subarray(0, entry.readUInt32LE(28)));
    }
  };
  walk(volume.readUInt32LE(44), '');
  return files;
}

describe('buildFat', () => {
  it('makes a volume that reads back, with long names and directories', () => {
    const files = {
      'EFI/BOOT/BOOTAA64.EFI': Buffer.alloc(5000, 1),
      'loader/loader.conf': Buffer.from('timeout 0\n'),
      'loader/entries/a-rather-long-name-for-an-entry.conf': Buffer.from('title x\n'),
      EMPTY: Buffer.alloc(0),
      LINUX: Buffer.alloc(3_000_000, 7),
    };
    const read = readFat(build(files));
    expect([...read.keys()].map((name) => name.toUpperCase()).sort()).toEqual(
      Object.keys(files)
        .map((name) => name.toUpperCase())
        .sort(),
    );
    expect(read.get('LINUX')?.equals(files.LINUX)).toBe(true);
    expect(read.get('LOADER/loader.conf')?.toString()).toBe('timeout 0\n');
    expect(read.get('EMPTY')).toHaveLength(0);
  });

  it('has the fields that firmware checks', () => {
    const volume = build({ A: Buffer.alloc(1) });
    expect(volume.readUInt16LE(510)).toBe(0xaa55);
    expect(volume.toString('latin1', 82, 90)).toBe('FAT32   ');
    expect(volume.readUInt32LE(28)).toBe(2048);
    expect(volume.readUInt32LE(32)).toBe(sizeBytes / 512);
    expect(volume.subarray(0, 512).equals(volume.subarray(6 * 512, 7 * 512))).toBe(true);
  });

  it('reads back any set of files in one directory', () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,30}(\.[a-z0-9]{1,5})?$/);
    const names = fc.uniqueArray(name, { selector: (one) => one.toUpperCase(), maxLength: 60 });
    fc.assert(
      fc.property(names, (list) => {
        const files = Object.fromEntries(list.map((one, index) => [`dir/${one}`, Buffer.from(`${index}`)]));
        const read = readFat(build(files));
        const byName = new Map([...read].map(([path, data]) => [path.toUpperCase(), data.toString()]));
        expect(byName).toEqual(new Map(list.map((one, index) => [`DIR/${one.toUpperCase()}`, `${index}`])));
      }),
      { numRuns: 20 },
    );
  });

  it.each(['', '..', 'a/../b', 'a:b', 'naïve', 'x'.repeat(256), 'a\0b', '/a'])(
    'refuses the path %j',
    (path) => {
      expect(() => build({ [path]: Buffer.alloc(1) })).toThrow(
        expect.objectContaining({ code: 'INVALID_VALUE' }),
      );
    },
  );

  it('rejects volumes and labels that FAT32 does not allow, and files that do not fit', () => {
    expect(() => build({}, { sizeBytes: 1024 * 1024 })).toThrow(/cannot have a size/);
    expect(() => build({}, { label: 'much too long a label' })).toThrow(/label/);
    const full = () => build({ LARGE: Buffer.alloc(sizeBytes) });
    expect(full).toThrow(expect.objectContaining({ code: 'DISK_FULL' }));
  });
});
