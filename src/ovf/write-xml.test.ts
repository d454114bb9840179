import { expect, it } from 'vitest';
import { element, xmlDocument } from './write-xml.ts';

it('escapes what would be read otherwise, and replaces what no document may contain', () => {
  const text = xmlDocument(
    element('a', [element('b', 'x < y & "z" > \u0007\uD800\t'), element('c', '')], { k: '"<&>"\n' }),
  );
  expect(text).toBe(
    [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<a k="&quot;&lt;&amp;&gt;&quot;&#10;">',
      '  <b>x &lt; y &amp; "z" &gt; \uFFFD\uFFFD\t</b>',
      '  <c/>',
      '</a>',
      '',
    ].join('\n'),
  );
});
