import { describe, expect, it } from 'vitest';
import { codeOf, latin } from '../../test/support/vmx-text.ts';
import { edit, emptyDocument, getText, parseVmx, printVmx } from './document.ts';

describe('encodings', () => {
  it('reads and writes windows-1252', () => {
    const bytes = latin('.encoding = "windows-1252"\r\ndisplayName = "Caf\xE9 \x93x\x94 \x80"\r\n');
    const doc = parseVmx(bytes);
    expect(getText(doc, 'displayName')).toBe('Café “x” €');
    expect(printVmx(edit(doc, new Map([['displayName', 'Müller ™']])))).toEqual(
      latin('.encoding = "windows-1252"\r\ndisplayName = "M\xFCller \x99"\r\n'),
    );
    expect(codeOf(() => edit(doc, new Map([['displayName', '亀']])))).toMatch(
      /^INVALID_VALUE: "亀" .*windows-1252/,
    );
  });

  it('reads a multi-byte encoding and writes ASCII into it', () => {
    const doc = parseVmx(latin('.encoding = "GBK"\ndisplayName = "\xB9\xEA"\n'));
    expect(getText(doc, 'displayName')).toBe('龟');
    expect(printVmx(edit(doc, new Map([['memsize', '512']])))).toEqual(
      latin('.encoding = "GBK"\ndisplayName = "\xB9\xEA"\nmemsize = "512"\n'),
    );
    expect(codeOf(() => edit(doc, new Map([['displayName', '龟龟']])))).toMatch(/^INVALID_VALUE/);
  });

  it('keeps the byte order mark, which takes precedence', () => {
    const bytes = latin('\xEF\xBB\xBF.encoding = "windows-1252"\nn = "\xC3\xA9"\n');
    const doc = parseVmx(bytes);
    expect(getText(doc, '.encoding')).toBe('windows-1252');
    expect(getText(doc, 'n')).toBe('é');
    expect(doc.problems.map((problem) => problem.key)).toEqual(['.encoding']);
    expect(printVmx(doc)).toEqual(bytes);
  });

  it('assumes UTF-8, else windows-1252, where .encoding is missing or unknown', () => {
    expect(getText(parseVmx(latin('n = "\xC3\xA9"')), 'n')).toBe('é');
    expect(getText(parseVmx(latin('n = "\xE9"')), 'n')).toBe('é');
    const doc = parseVmx(latin('.encoding = "klingon"\nn = "\xE9"'));
    expect(doc.problems).toEqual([
      {
        line: 1,
        key: '.encoding',
        message: 'Line 1: The encoding "klingon" is unknown. Using windows-1252.',
      },
    ]);
  });

  it('keeps and reports bytes that are not valid in the encoding', () => {
    const bytes = latin('.encoding = "UTF-8"\nn = "\xFF\xFEx"\n');
    const doc = parseVmx(bytes);
    expect(doc.problems.map((problem) => problem.message)).toEqual([
      'Line 2: "n" contains bytes that are not valid UTF-8.',
    ]);
    expect(printVmx(edit(doc, new Map([['m', '1']])))).toEqual(
      latin('.encoding = "UTF-8"\nn = "\xFF\xFEx"\nm = "1"\n'),
    );
  });

  it('refuses half a surrogate pair', () => {
    expect(codeOf(() => edit(emptyDocument(), new Map([['a', '\uD83D']])))).toMatch(/^INVALID_VALUE/);
  });
});
