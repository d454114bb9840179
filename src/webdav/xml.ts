import { Refusal } from './refusal.ts';

/** An element of a request. */
export interface XmlElement {
  readonly space: string;
  readonly name: string;
  readonly children: XmlElement[];
  text: string;
}

const maxElements = 1000;
const maxDepth = 16;

const bad = (): Refusal => new Refusal(400, 'The body of the request is not XML that is understood.');

const entities: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** Only the five entities of XML, and characters by number: a document cannot define others. */
function plain(text: string): string {
  return text.replace(/&([^;&]{0,10};?)/g, (_, reference: string) => {
    const name = reference.slice(0, -1);
    const known = reference.endsWith(';') ? entities.get(name) : undefined;
    if (known !== undefined) return known;
    const [, hex, decimal] = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));$/i.exec(reference) ?? [];
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (!(code > 0 && code <= 0x10_ffff)) throw bad();
    return String.fromCodePoint(code);
  });
}

/** The namespaces within an element, by prefix: those that it names, and those of the elements around it. */
interface Spaces {
  readonly own: ReadonlyMap<string, string>;
  readonly outer: Spaces | undefined;
}

/** A copy of the outer ones for each element would take a guest's thousands of prefixes times its thousand elements. */
function spaceOf(prefix: string, spaces: Spaces): string | undefined {
  for (let at: Spaces | undefined = spaces; at; at = at.outer) {
    const space = at.own.get(prefix);
    if (space !== undefined) return space;
  }
  return undefined;
}

/** The namespaces within an element that has these attributes. */
function spacesIn(attributes: string, outer: Spaces): Spaces {
  const own = new Map<string, string>();
  for (const [, prefix = '', double, single] of attributes.matchAll(
    /(?:^|\s)xmlns(?::([^\s=:]+))?\s*=\s*(?:"([^"]*)"|'([^']*)')/g,
  )) {
    const space = plain(double ?? single ?? '');
    // Only the namespace without a prefix may be none.
    if (space === '' && prefix !== '') throw bad();
    own.set(prefix, space);
  }
  return { own, outer };
}

function resolved(tag: string, spaces: Spaces): Pick<XmlElement, 'space' | 'name'> {
  const parts = tag.split(':');
  const name = parts.pop() ?? '';
  if (!/^[\p{L}_][\p{L}\p{N}._-]{0,127}$/u.test(name) || parts.length > 1) throw bad();
  const prefix = parts[0] ?? '';
  const space = spaceOf(prefix, spaces);
  if (space === undefined && prefix !== '') throw bad();
  return { space: space ?? '', name };
}

interface Open {
  readonly element: XmlElement;
  readonly tag: string;
  readonly spaces: Spaces;
}

/** Comments, processing instructions, sections of text, tags, and text; anything else is no XML for us: a DOCTYPE above all. */
const token =
  /<!--[^]*?-->|<\?[^]*?\?>|<!\[CDATA\[([^]*?)\]\]>|<\/([^\s<>/]+)\s*>|<([^\s<>/!?]+)((?:\s+[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;

/**
 * Reads the body of a request: elements with namespaces and text. Attributes are only read for namespaces. There are no
 * document types, and so no entities of their own.
 * @throws Refusal 400
 */
export function parseXml(source: string): XmlElement {
  const top: XmlElement = { space: '', name: '', children: [], text: '' };
  const open: Open[] = [{ element: top, tag: '', spaces: { own: new Map(), outer: undefined } }];
  let count = 0;
  token.lastIndex = source.startsWith('\uFEFF') ? 1 : 0;
  while (token.lastIndex < source.length) {
    const [, section, closing, opening, attributes = '', empty, text] = token.exec(source) ?? [source];
    if (token.lastIndex === 0) throw bad();
    const parent = open.at(-1);
    if (!parent) throw bad();
    if (section !== undefined) parent.element.text += section;
    else if (text !== undefined) parent.element.text += plain(text);
    else if (closing !== undefined) {
      if (closing !== parent.tag || open.length === 1) throw bad();
      open.pop();
    } else if (opening !== undefined) {
      count += 1;
      if (count > maxElements || open.length > maxDepth) throw bad();
      const spaces = spacesIn(attributes, parent.spaces);
      const element: XmlElement = { ...resolved(opening, spaces), children: [], text: '' };
      parent.element.children.push(element);
      if (empty === '') open.push({ element, tag: opening, spaces });
    }
  }
  const [root, ...more] = top.children;
  if (!root || more.length > 0 || open.length > 1 || top.text.trim() !== '') throw bad();
  return root;
}

/** The child of that name in the namespace DAV:. */
export function davChild(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.space === 'DAV:' && child.name === name);
}

/** Text within an element or an attribute. What XML cannot have is replaced. */
export function escapeXml(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- These are the characters that XML 1.0 does not have.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\uFFFD')
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/"/g, '&quot;')
  );
}
