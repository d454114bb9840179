import { describe, expect, it } from 'vitest';
import { insertable, readBashLine } from '../../src/cli/kame/complete-bash.ts';

describe('a line of bash', () => {
  const breaks = ' \t\n"\'@><=;|&(:';
  it.each([
    ['kame ', { words: [], current: '', kept: '', quote: '' }],
    ['kame show a\\ b', { words: ['show'], current: 'a b', kept: '', quote: '' }],
    ['kame show "a\\ b', { words: ['show'], current: 'a\\ b', kept: '', quote: '"' }],
    ['kame show "a b" c:d', { words: ['show', 'a b'], current: 'c:d', kept: 'c:', quote: '' }],
    ["kame show x'y:z", { words: ['show'], current: 'xy:z', kept: 'x', quote: "'" }],
    ['kame show a\\:b', { words: ['show'], current: 'a:b', kept: '', quote: '' }],
  ])('%j is read', (line, expected) => {
    expect(readBashLine(line, breaks)).toEqual(expected);
  });

  it('is quoted as needed to keep its meaning', () => {
    const inserted = [
      insertable('a b', ''),
      insertable('a b$', '"'),
      insertable("a'b", ''),
      insertable('亀:x', ''),
    ];
    expect(inserted).toEqual(['a\\ b', 'a b\\$', "a\\'b", '亀:x']);
  });
});
