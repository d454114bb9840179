import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from './lines.ts';

describe('LineSplitter', () => {
  it('returns the same lines however the bytes are split', () => {
    const line = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => text.trim() === text && !text.includes('\n'));
    fc.assert(
      fc.property(fc.array(line), fc.integer({ min: 1, max: 9 }), (lines, size) => {
        const bytes = Buffer.from(lines.map((one) => `${one}\r\n`).join(''));
        const splitter = new LineSplitter();
        const found: string[] = [];
        for (let at = 0; at < bytes.length; at += size)
          found.push(...splitter.push(bytes.subarray(at, at + size)));
        expect(found).toEqual(lines.filter((one) => one !== ''));
      }),
    );
  });

  it('rejects a line that never ends', () => {
    const splitter = new LineSplitter(1000);
    splitter.push(Buffer.alloc(600, 'x'));
    expect(() => splitter.push(Buffer.alloc(600, 'x'))).toThrow('exceeds 1000 bytes');
  });

  it('does not count lines that it has returned', () => {
    const splitter = new LineSplitter(10);
    const lines = [1, 2, 3, 4].flatMap(() => splitter.push(Buffer.from('12345678\n')));
    expect(lines).toHaveLength(4);
  });
});
