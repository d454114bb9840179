import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../../test/support/any-text.ts';
import { tableLines } from './table.ts';
import { indent, toJson, visible, visibleLines, VisibleLog } from './text.ts';

// oxlint-disable-next-line no-control-regex -- they are what must not be there
const controls = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/;

describe('text for a terminal', () => {
  it('never holds a control character', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        expect(visible(text)).not.toMatch(controls);
        expect(visibleLines(text).replaceAll('\n', '')).not.toMatch(controls);
      }),
    );
    expect(visible('a\u001b[1m\n\u0085é亀')).toBe('a\\x1b[1m\\x0a\\x85é亀');
    expect(visibleLines('a\nb\r')).toBe('a\nb\\x0d');
  });

  it('is the same JSON without them', () => {
    fc.assert(
      fc.property(fc.jsonValue(), anyText(), (value, text) => {
        const json = toJson([value, text], 2);
        expect(json.replaceAll('\n', '')).not.toMatch(controls);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify([value, text])));
      }),
    );
  });

  it('is indented, except for empty lines', () => {
    expect(indent('a\n\nb')).toBe('  a\n\n  b');
  });
});

describe('a table', () => {
  it('aligns its columns by visible width, ignoring colour codes', () => {
    const paint = (text: string) => `<<${text}>>`;
    expect(
      tableLines([
        ['NAME', 'N', 'LAST'],
        [{ text: '亀', paint }, { text: '10', align: 'right' }, 'x'],
        ['longer\n', { text: '1', align: 'right' }, ''],
      ]),
    ).toEqual(['NAME        N   LAST', '<<亀>>          10  x', 'longer\\x0a   1']);
  });
});

describe('VisibleLog', () => {
  it('is the same however the bytes arrive', () => {
    const bytes = Buffer.from('ü\t\u001b[31mred\r\nnext\r\r\nover\rwritten\u202eend\r');
    const text = 'ü\t\\x1b[31mred\nnext\nover\\x0dwritten\\u202eend\\x0d';
    for (let size = 1; size <= bytes.length; size += 1) {
      const log = new VisibleLog();
      let seen = '';
      for (let at = 0; at < bytes.length; at += size) seen += log.push(bytes.subarray(at, at + size));
      expect(seen + log.end()).toBe(text);
    }
  });
});
