import { describe, expect, it } from 'vitest';
import { addressOf, isWithin, maxDepth, namesIn } from './names.ts';

describe('namesIn', () => {
  it('reads the path of an address', () => {
    expect(namesIn('/')).toEqual([]);
    expect(namesIn('/work/')).toEqual(['work']);
    expect(namesIn('/work//a%20b/%C3%BC?x=/y')).toEqual(['work', 'a b', 'ü']);
    expect(namesIn('http://127.0.0.1:9843/work/x')).toEqual(['work', 'x']);
    expect(namesIn('/work/%2e%2e%2e/a%5Cb')).toEqual(['work', '...', 'a\\b']);
  });

  it.each([
    ['/work/../x', 400],
    ['/work/%2e%2e/x', 400],
    ['/work/%2E', 400],
    ['/work/a%2fb', 400],
    ['/work/%2e%2e%2fetc', 400],
    ['/work/a%00b', 400],
    ['/work/%ff', 400],
    ['/work/%zz', 400],
    ['work', 400],
    ['/work/a#b', 400],
    [`/work/${'x'.repeat(256)}`, 414],
    [`/work/${'x'.repeat(64 * 1024)}`, 414],
    [`/${'%41'.repeat(5000)}`, 414],
    ['/a'.repeat(maxDepth + 1), 414],
    [`/${'y'.repeat(200)}`.repeat(25), 414],
    ['/work/.kame-put-0123456789abcdef', 403],
  ])('refuses %.40s with %i', (address, status) => {
    expect(() => namesIn(address)).toThrow(expect.objectContaining({ status }) as Error);
  });

  it('reads what addressOf writes', () => {
    const names = ['work', 'a b%2f#?', 'ü €', '-'];
    expect(namesIn(addressOf(names, true))).toEqual(names);
    expect(addressOf([], true)).toBe('/');
  });
});

describe('isWithin', () => {
  it('compares whole names', () => {
    expect(isWithin(['a'], ['a', 'b'])).toBe(true);
    expect(isWithin(['a', 'b'], ['a', 'b'])).toBe(true);
    expect(isWithin(['a', 'b'], ['a', 'bc'])).toBe(false);
    expect(isWithin([], ['a'])).toBe(true);
  });
});
