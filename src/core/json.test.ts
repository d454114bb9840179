import { describe, expect, it } from 'vitest';
import { parseJson } from './json.ts';

describe('parseJson', () => {
  it('parses what JSON.parse parses', () => {
    const value = { a: [1, 'x,[{"\\', null, { b: '\u2028]' }], ü: -1.5e3 };
    expect(parseJson(JSON.stringify(value))).toEqual(value);
  });

  it('does not count what is inside strings', () => {
    const text = JSON.stringify('[{,'.repeat(1000));
    expect(parseJson(text, { maxDepth: 1, maxValues: 2 })).toBe('[{,'.repeat(1000));
  });

  it.each([
    ['lists', '['.repeat(1_000_000)],
    ['complete lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['objects', '{"a":'.repeat(100_000)],
  ])('refuses %s nested too deeply, before they are parsed', (_name, text) => {
    expect(() => parseJson(text)).toThrow('nested more than 64 levels deep');
  });

  it('refuses too many values', () => {
    expect(() => parseJson(`[${'[],'.repeat(300_000)}1]`)).toThrow('more than 250000 values');
  });

  it.each(['', '{', '"', '"\\', ']', '{"a":1}}', ','])('refuses %j as JSON.parse does', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});
