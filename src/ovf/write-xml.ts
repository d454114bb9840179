/** An element to be written. Names have their prefixes. */
export interface NewElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** A text, or elements. */
  readonly content: string | readonly NewElement[];
}

/** An element without attributes or with them: `element('Info', 'text')`, `element('Disk', { … }, [])`. */
export function element(
  name: string,
  content: NewElement['content'],
  attributes: NewElement['attributes'] = {},
): NewElement {
  return { name, attributes, content };
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // Parsers turn these into spaces or line feeds.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Characters that no XML document may contain, not even as an entity, become U+FFFD. */
function allowed(text: string): string {
  return text.replace(/(?![\t\n\r])[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, '\uFFFD');
}

function inText(text: string): string {
  return allowed(text).replace(/[&<>\r]/g, (character) => entities[character] ?? character);
}

function inAttribute(text: string): string {
  return allowed(text).replace(/[&<>"\t\n\r]/g, (character) => entities[character] ?? character);
}

function lines({ name, attributes, content }: NewElement, indent: string): string[] {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${inAttribute(value)}"`);
  const start = `${indent}<${name}${pairs.join('')}`;
  if (content.length === 0) return [`${start}/>`];
  if (typeof content === 'string') return [`${start}>${inText(content)}</${name}>`];
  return [`${start}>`, ...content.flatMap((child) => lines(child, `${indent}  `)), `${indent}</${name}>`];
}

/** An XML document of a root element, in UTF-8. */
export function xmlDocument(root: NewElement): string {
  return ['<?xml version="1.0" encoding="UTF-8"?>', ...lines(root, ''), ''].join('\n');
}
