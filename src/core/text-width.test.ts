import { describe, expect, it } from 'vitest';
import { cutToBytes, cutToWidth, displayWidth, utf8Length } from './text-width.ts';

describe('the width of a text', () => {
  it.each([
    ['', 0],
    ['demo', 4],
    ['Änderung', 8],
    ['Änderung'.normalize('NFD'), 8],
    ['日本語', 6],
    ['ｆｕｌｌ', 8],
    ['한글', 4],
    ['한글'.normalize('NFD'), 4],
    ['亀', 2],
    ['🐢', 2],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['a\u200bb', 2],
    ['└─ ├─ …', 7],
    ['𠮷', 2],
  ])('of %j is %i columns', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  it('is never exceeded by a cut, which splits no character', () => {
    expect([0, 1, 2, 3, 5, 6].map((columns) => cutToWidth('日本語', columns))).toEqual([
      '',
      '',
      '日',
      '日',
      '日本',
      '日本語',
    ]);
    expect(cutToWidth('ab', 1)).toBe('a');
    expect(cutToWidth('e\u0301x', 1)).toBe('e\u0301');
  });

  it('in bytes is that of UTF-8', () => {
    expect([utf8Length('ä'), cutToBytes('aää', 4), cutToBytes('abc', 9), cutToBytes('🐢🐢', 7)]).toEqual([
      2,
      'aä',
      'abc',
      '🐢',
    ]);
  });
});
