import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../../test/support/any-text.ts';
import { codeOf, latin, parse, print } from '../../test/support/vmx-text.ts';
import {
  edit,
  emptyDocument,
  entriesOf,
  getText,
  lineOf,
  parseVmx,
  printVmx,
  vmxLimits,
} from './document.ts';

const change = (text: string, changes: Record<string, string | null>): string =>
  print(edit(parse(text), new Map(Object.entries(changes))));

/** Lines that look like a .vmx, with all kinds of oddities. */
const key = fc.constantFrom('a', 'A', 'memsize', 'scsi0:0.fileName', '__proto__', 'constructor', '.encoding');
const vmxText = fc
  .array(
    fc.tuple(
      fc.constantFrom('', ' ', '\t'),
      fc.oneof(
        fc.tuple(
          key,
          fc.constantFrom('=', ' = ', '='),
          fc.constantFrom('"x"', 'y', '"a|22b" # c', '"no', '', '"é"'),
        ),
        fc.tuple(fc.constantFrom('# note', '#!/usr/bin/vmware', 'junk', '"', 'a = "b" c', '')),
      ),
      fc.constantFrom('\n', '\r\n', '\r\r\n', ''),
    ),
    { maxLength: 12 },
  )
  .map((lines) => lines.map(([indent, parts, newline]) => indent + parts.join('') + newline).join(''));

describe('parse and print', () => {
  it('returns arbitrary bytes unchanged', () => {
    const bytes = fc
      .uint8Array({ maxLength: 400 })
      .map((array) => array.map((byte) => (byte === 0 ? 10 : byte)));
    fc.assert(
      fc.property(bytes, (array) => {
        fc.pre(!(array[0] === 0xff && array[1] === 0xfe) && !(array[0] === 0xfe && array[1] === 0xff));
        expect(printVmx(parseVmx(array))).toEqual(array);
      }),
      { numRuns: 150 },
    );
  });

  it('returns what looks like a .vmx unchanged', () => {
    fc.assert(
      fc.property(vmxText, (text) => {
        expect(print(parse(text))).toBe(text);
      }),
      { numRuns: 150 },
    );
  });

  it('reads every form of a line', () => {
    const doc = parse(
      [
        '#!/usr/bin/vmware',
        '.encoding = "UTF-8"',
        '  displayName="tight"',
        'annotation = "one|0Atwo |22quoted|22 |7C bar |zz" # said so',
        'scsi0:0.virtualSSD = 1',
        'bare = word# comment',
        'empty =',
        'emptyQuoted = ""',
        '\ttabs\t=\t"t\tt"\t',
        'inner = a"b',
        'hash = "a # b = c"',
      ].join('\n'),
    );
    expect(Object.fromEntries(entriesOf(doc).map((entry) => [entry.key, entry.value]))).toEqual({
      '.encoding': 'UTF-8',
      displayName: 'tight',
      annotation: 'one\ntwo "quoted" | bar |zz',
      'scsi0:0.virtualSSD': '1',
      bare: 'word',
      empty: '',
      emptyQuoted: '',
      tabs: 't\tt',
      inner: 'a"b',
      hash: 'a # b = c',
    });
    expect(doc.problems).toEqual([]);
    expect(getText(doc, 'DISPLAYNAME')).toBe('tight');
    expect(lineOf(doc, 'DisplayName')).toBe(3);
    expect(getText(doc, 'absent')).toBeUndefined();
  });

  it('reports what does not parse and keeps it', () => {
    const text = 'a = "1" trailing\n= "x"\nno equals\nb = "open\nc = d e\nok = "1"\n';
    const doc = parse(text);
    expect(doc.problems.map((problem) => problem.line)).toEqual([1, 2, 3, 4, 5]);
    expect(doc.problems[0]?.message).toBe('Line 1: Syntax error.');
    expect(entriesOf(doc)).toEqual([{ key: 'ok', value: '1' }]);
    expect(print(doc)).toBe(text);
  });

  it('uses the first of two definitions and reports the second', () => {
    const doc = parse('memsize = "512"\nMemSize = "1024"\n');
    expect(getText(doc, 'memsize')).toBe('512');
    expect(doc.problems).toEqual([
      { line: 2, key: 'MemSize', message: 'Line 2: Variable "MemSize" is already defined. Using line 1.' },
    ]);
  });

  it('treats __proto__ as a key like any other', () => {
    const doc = parse('__proto__ = "x"\n__proto__.polluted = "yes"\nconstructor = "c"\n');
    expect(getText(doc, '__proto__')).toBe('x');
    expect(getText(doc, 'constructor')).toBe('c');
    expect(getText(doc, 'toString')).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(print(edit(doc, new Map([['__proto__', 'y']])))).toContain('__proto__ = "y"\n');
  });
});

describe('edit', () => {
  it('changes only the value in its line', () => {
    expect(change('  a="1"\t# why\r\nb = "2"\r\n', { A: 'x|"y\n' })).toBe(
      '  a="x|7C|22y|0A"\t# why\r\nb = "2"\r\n',
    );
    expect(change('a = 1# c\n', { a: '2' })).toBe('a = "2"# c\n');
    expect(change('a =\n', { a: '2' })).toBe('a = "2"\n');
    expect(change('a = bare', { a: 'bare' })).toBe('a = bare');
  });

  it.each([
    ['a = "1"\r\nb = "2"\r', 'a = "1"\r\nb = "2"\r\nc = "3"\r\n'],
    ['a = "1"\r', 'a = "1"\nc = "3"\n'],
    ['a = "1"', 'a = "1"\nc = "3"\n'],
  ])('appends a line of its own to %j, which was cut', (text, expected) => {
    expect(print(edit(parse(text), new Map([['c', '3']])))).toBe(expected);
  });

  it('appends in the newline style of the file', () => {
    expect(change('a = "1"\r\n', { b: '2' })).toBe('a = "1"\r\nb = "2"\r\n');
    expect(change('a = "1"\r\nz = "9"', { b: '2' })).toBe('a = "1"\r\nz = "9"\r\nb = "2"\r\n');
    expect(change('', { b: '2' })).toBe('b = "2"\n');
  });

  it('deletes every definition of a key', () => {
    expect(change('a = "1"\n# note\nA = "2"\nb = "3"', { a: null, absent: null })).toBe('# note\nb = "3"');
  });

  it('applies the last of two changes to one key', () => {
    expect(change('a = "1"\n', { A: null, a: '1' })).toBe('a = "1"\n');
    expect(change('a = "1"\n', { A: '2', a: null })).toBe('');
    expect(change('', { A: '2', a: '3' })).toBe('a = "3"\n');
  });

  it('does not modify the original document', () => {
    const doc = parse('a = "1"\n');
    edit(doc, new Map([['a', '2']]));
    expect(print(doc)).toBe('a = "1"\n');
  });

  it('changes only its own line, whatever the file contains', () => {
    fc.assert(
      fc.property(vmxText, fc.string({ unit: 'grapheme' }), (text, value) => {
        const before = parse(text);
        const at = before.index.get('memsize');
        fc.pre(at !== undefined);
        const after = edit(before, new Map([['memsize', value]]));
        expect(getText(after, 'MEMSIZE')).toBe(value);
        expect(after.lines.filter((_, index) => index !== at)).toEqual(
          before.lines.filter((_, index) => index !== at),
        );
        const again = parseVmx(printVmx(after));
        expect(getText(again, 'memsize')).toBe(value);
      }),
      { numRuns: 150 },
    );
  });

  it('returns arbitrary values unchanged', () => {
    fc.assert(
      fc.property(anyText(), (value) => {
        const doc = edit(emptyDocument(), new Map([['annotation', value]]));
        expect(getText(parseVmx(printVmx(doc)), 'annotation')).toBe(value);
      }),
      { numRuns: 150 },
    );
  });

  it.each(['', 'a b', 'a=b', 'a"', 'a#', 'a|41', 'a\nb', '\u0000', 'x'.repeat(201)])(
    'refuses the key %j',
    (key) => {
      expect(codeOf(() => edit(emptyDocument(), new Map([[key, '1']])))).toMatch(
        /^INVALID_VALUE: ".*is not a valid key/s,
      );
    },
  );

  it('refuses to change the encoding', () => {
    expect(codeOf(() => edit(emptyDocument(), new Map([['.Encoding', 'GBK']])))).toMatch(
      /^INVALID_VALUE: \.encoding/,
    );
    expect(print(edit(emptyDocument(), new Map([['.encoding', 'UTF-8']])))).toBe('.encoding = "UTF-8"\n');
  });

  it('refuses to grow beyond the limits of the reader', () => {
    const long = 'x'.repeat(vmxLimits.lineBytes);
    expect(codeOf(() => edit(emptyDocument(), new Map([['guestinfo.x', long]])))).toMatch(
      /The value of guestinfo\.x/,
    );
  });
});

describe('hostile files', () => {
  it('refuses binary, UTF-16 and oversized files by name', () => {
    expect(codeOf(() => parseVmx(latin('\x7FELF\0\0'), 'evil.vmx'))).toMatch(
      /^BROKEN_MACHINE: evil\.vmx .*binary/,
    );
    expect(codeOf(() => parseVmx(latin('\xFF\xFEa\0'), 'w.vmx'))).toMatch(/^BROKEN_MACHINE: w\.vmx .*UTF-16/);
    expect(codeOf(() => parseVmx(new Uint8Array(vmxLimits.bytes + 1)))).toMatch(/^BROKEN_MACHINE: .*bytes/);
    expect(codeOf(() => parse('\n'.repeat(vmxLimits.lines + 1)))).toMatch(/^BROKEN_MACHINE: .*lines/);
    expect(codeOf(() => parse('x'.repeat(vmxLimits.lineBytes + 1)))).toMatch(
      /^BROKEN_MACHINE: .*line 1 is longer/,
    );
  });

  it('reads the longest runs of blanks, quotes and returns in linear time', () => {
    const run = vmxLimits.lineBytes - 10;
    for (const text of [
      `a =${' '.repeat(run)}b c`,
      `${' '.repeat(run)}x`,
      `a${' '.repeat(run)}`,
      `a = "${'|'.repeat(run)}`,
    ]) {
      expect(parse(text).problems).toHaveLength(1);
    }
    expect(parse(`${'\r'.repeat(run)}x`).problems).toHaveLength(1);
    expect(parse('\r'.repeat(vmxLimits.lineBytes * 3)).lines).toHaveLength(1);
  });
});
