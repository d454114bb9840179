import { describe, expect, it } from 'vitest';
import { writeMbr } from './mbr.ts';

describe('writeMbr', () => {
  it('writes signature, types, starts and lengths', () => {
    const record = writeMbr(0x454d414b, [
      { type: 0xef, startSector: 2048, sectors: 1000 },
      { type: 0x83, startSector: 3048, sectors: 5000 },
    ]);
    expect(record).toHaveLength(512);
    expect(record.toString('latin1', 440, 444)).toBe('KAME');
    expect([record[446 + 4], record[446 + 16 + 4]]).toEqual([0xef, 0x83]);
    expect(record.readUInt32LE(446 + 8)).toBe(2048);
    // usr/lib/kame/grow in the guest changes the length at this offset.
    expect(record.readUInt32LE(474)).toBe(5000);
    expect(record.readUInt16LE(510)).toBe(0xaa55);
  });

  it.each([
    [
      'that overlap',
      [
        { startSector: 100, sectors: 100 },
        { startSector: 199, sectors: 1 },
      ],
    ],
    ['over the record itself', [{ startSector: 0, sectors: 10 }]],
    ['without length', [{ startSector: 10, sectors: 0 }]],
    ['beyond 2 TiB', [{ startSector: 10, sectors: 0xffffffff }]],
    [
      'of which there are five',
      Array.from({ length: 5 }, (_, index) => ({ startSector: index + 1, sectors: 1 })),
    ],
  ])('refuses partitions %s', (_, partitions) => {
    const typed = partitions.map((one) => ({ type: 0x83, ...one }));
    expect(() => writeMbr(1, typed)).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }));
  });
});
