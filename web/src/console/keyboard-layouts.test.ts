import { describe, expect, it } from 'vitest';
import { layouts, strokesFor } from './keyboard-layouts.ts';

const printable = Array.from({ length: 95 }, (_each, index) => String.fromCodePoint(32 + index));

describe.each(layouts)('a keyboard of %s', (layout) => {
  it('has one key for each character of ASCII', () => {
    const strokes = strokesFor(printable.join(''), layout) ?? [];
    expect(strokes).toHaveLength(printable.length);
    expect(new Set(strokes.map(({ code, shift }) => `${code} ${shift}`)).size).toBe(printable.length);
  });

  it('has no key for what is composed', () => {
    expect(strokesFor('漢字', layout)).toBeUndefined();
    expect(strokesFor('naïve', layout)).toBeUndefined();
  });
});

it('types lines, however they end', () => {
  expect(strokesFor('a\r\nB', 'us')).toEqual([
    { code: 'KeyA', shift: false },
    { code: 'Enter', shift: false },
    { code: 'KeyB', shift: true },
  ]);
});

it('knows that the same sign is on other keys', () => {
  expect(strokesFor('@', 'us')).toEqual([{ code: 'Digit2', shift: true }]);
  expect(strokesFor('@', 'jp')).toEqual([{ code: 'BracketLeft', shift: false }]);
});
