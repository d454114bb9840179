import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseSize } from './units.ts';

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['512M', 512 * 1024 ** 2],
    ['1GiB', 1024 ** 3],
    ['1g', 1024 ** 3],
    ['20GB', 20 * 1000 ** 3],
    [' 1.5 GiB ', 1.5 * 1024 ** 3],
    ['1b', 1],
    ['2TiB', 2 * 1024 ** 4],
  ])('reads %j', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    '',
    'GiB',
    '-1',
    '1 GiBs',
    '1e9',
    '0x10',
    '1,5G',
    '1.G',
    '9999999999999999',
    '999999999999999T',
    '1\n2',
    '1 constructor',
    'NaN',
    '１G',
  ])('refuses %j', (text) => {
    expect(() => parseSize(text, 'memory')).toThrow(
      expect.objectContaining({
        code: 'INVALID_VALUE',
        message: `memory is "${text}", which is not a size.`,
      }),
    );
  });

  it('reads back what formatSize prints for exact sizes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1023 }), fc.constantFrom(0, 1, 2, 3, 4), (count, step) => {
        const bytes = count * 1024 ** step;
        expect(parseSize(formatSize(bytes))).toBe(bytes);
      }),
    );
  });

  it('returns whole bytes or throws INVALID_VALUE for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let bytes = 0;
        try {
          bytes = parseSize(text);
        } catch (error) {
          bytes = (error as { code: string }).code === 'INVALID_VALUE' ? 0 : Number.NaN;
        }
        expect(Number.isSafeInteger(bytes) && bytes >= 0).toBe(true);
      }),
    );
  });
});

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [20 * 1024 ** 3, '20 GiB'],
    [1000 ** 3, '953.7 MiB'],
    [5000 * 1024 ** 5, '5000 PiB'],
  ])('prints %d bytes', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [84.6, '85 ms'],
    [999.7, '1.0 s'],
    [1600, '1.6 s'],
    [59_960, '1 min 0 s'],
    [60_000, '1 min 0 s'],
    [125_000, '2 min 5 s'],
  ])('prints %d milliseconds', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
