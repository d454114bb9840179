import { describe, expect, it } from 'vitest';
import { davChild, escapeXml, parseXml } from './xml.ts';

const read = (source: string) => () => parseXml(source);
const refused = expect.objectContaining({ status: 400 }) as Error;

describe('parseXml', () => {
  it('reads elements with their namespaces, text and sections of text', () => {
    const root = parseXml(
      `\uFEFF<?xml version="1.0"?><!-- a > b --><D:set xmlns:D="DAV:" xmlns='urn:x'>\n` +
        `<D:prop a="1"><y>a &amp; &#x62;&#99;<![CDATA[<d>]]></y><z xmlns=""/></D:prop></D:set>\n`,
    );
    expect(root).toMatchObject({ space: 'DAV:', name: 'set' });
    expect(davChild(root, 'prop')?.children).toMatchObject([
      { space: 'urn:x', name: 'y', text: 'a & bc<d>' },
      { space: '', name: 'z' },
    ]);
    expect(davChild(root, 'other')).toBeUndefined();
  });

  it.each([
    '',
    'text',
    '<a>',
    '<a></b>',
    '</a>',
    '<a/><b/>',
    '<a/>text',
    '<a b=c/>',
    '<D:a/>',
    '<a:b:c/>',
    '<a xmlns:b=""><b:c/></a>',
    '<!DOCTYPE a><a/>',
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    '<a>&x;</a>',
    '<a>&</a>',
    '<a>&#0;</a>',
    '<a>&#x110000;</a>',
    '<a&b/>',
    '<1/>',
    '<a',
    '<![CDATA[x]]>',
    `${'<a>'.repeat(17)}${'</a>'.repeat(17)}`,
    `<a>${'<b/>'.repeat(1000)}</a>`,
  ])('refuses %.60s', (source) => {
    expect(read(source)).toThrow(refused);
  });

  it('knows the namespaces of the elements around one, the inner first', () => {
    const root = parseXml(
      '<a:x xmlns:a="1" xmlns:b="2" xmlns="3"><a:y xmlns:a="4"><b:z/><z/></a:y><a:y/></a:x>',
    );
    expect([root, ...root.children, ...(root.children[0]?.children ?? [])].map(({ space }) => space)).toEqual(
      [...['1', '4', '1'], ...['2', '3']],
    );
  });

  it('does not look at all namespaces for each element', () => {
    const many = Array.from({ length: 200_000 }, (_, index) => ` xmlns:a${index}="b"`).join('');
    expect(parseXml(`<x${many}>${'<y/>'.repeat(990)}</x>`).children).toHaveLength(990);
  });

  it('takes no time for what is long and wrong', () => {
    expect(read(`<a ${'b="c" '.repeat(10_000)}`)).toThrow(refused);
    expect(read(`<a${' '.repeat(60_000)}`)).toThrow(refused);
    expect(read('<!--'.repeat(15_000))).toThrow(refused);
    expect(read(`<a xmlns="${'&lt;'.repeat(15_000)}>`)).toThrow(refused);
  });
});

describe('escapeXml', () => {
  it('is read back as it was, without what XML does not have', () => {
    expect(parseXml(`<a>${escapeXml('<&>"\'')}</a>`).text).toBe('<&>"\'');
    expect(escapeXml('a\u0001b')).toBe('a\uFFFDb');
  });
});
