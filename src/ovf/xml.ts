import { SaxesParser } from 'saxes';
import { KameError, messageOf } from '../core/errors.ts';

/** An element of an XML document, without comments and processing instructions. */
export interface XmlElement {
  /** Namespace, empty for none. */
  readonly uri: string;
  /** Name without prefix. */
  readonly name: string;
  /** By namespace and name; those without a prefix have the namespace ''. */
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children. */
  readonly text: string;
}

interface XmlAttribute {
  readonly uri: string;
  readonly name: string;
  readonly value: string;
}

/** Limits for a document from a stranger. Descriptors of large appliances have some hundred kilobytes. */
export const maxXmlBytes = 4 * 1024 * 1024;
/** The parser looks namespaces up through all ancestors, so depth is time: 50,000 nested elements would take half a minute. */
const maxDepth = 64;
const maxElements = 50_000;
const maxAttributes = 256;

function badXml(path: string, reason: string): KameError {
  return new KameError('BAD_IMAGE', `${path} is not an OVF descriptor that can be read: ${reason}.`, {
    next: 'Get the appliance again, or ask whoever made it.',
    details: { path },
  });
}

function textOf(path: string, bytes: Uint8Array): string {
  if (bytes.length > maxXmlBytes)
    throw badXml(path, `it has ${bytes.length} bytes; the limit is ${maxXmlBytes}`);
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(utf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badXml(path, 'it is not valid UTF-8');
  }
}

interface Building extends XmlElement {
  readonly children: Building[];
  text: string;
}

/** Collects the elements of a document, and refuses what is too deep or too much. */
class Tree {
  readonly #path: string;
  readonly #open: Building[] = [];
  #count = 0;
  root: Building | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  start(uri: string, name: string, attributes: readonly XmlAttribute[]): void {
    this.#count += 1;
    if (this.#count > maxElements) throw badXml(this.#path, `it has more than ${maxElements} elements`);
    const element = { uri, name, attributes, children: [], text: '' };
    const parent = this.#open.at(-1);
    if (parent) parent.children.push(element);
    else this.root = element;
    this.#open.push(element);
  }

  get depth(): number {
    return this.#open.length;
  }

  text(text: string): void {
    const element = this.#open.at(-1);
    if (element) element.text += text;
  }

  end(): void {
    this.#open.pop();
  }
}

/**
 * Parses a document from a stranger. Document types, and so all entities but the five of XML, are refused; size, depth and numbers
 * are limited.
 * @param path its name, for messages
 * @throws KameError BAD_IMAGE saying what is wrong and where
 */
export function parseXml(path: string, bytes: Uint8Array): XmlElement {
  const tree = new Tree(path);
  const parser = new SaxesParser({ xmlns: true, position: true });
  let attributes = 0;
  const fail = (reason: string): never => {
    throw badXml(path, reason);
  };
  parser.on('error', (error) => fail(`line and column ${messageOf(error).slice(0, 200)}`));
  parser.on('doctype', () => fail('it declares a document type, which could define entities'));
  parser.on('opentagstart', () => {
    attributes = 0;
    if (tree.depth >= maxDepth) fail(`its elements are nested more than ${maxDepth} deep`);
  });
  parser.on('attribute', () => {
    attributes += 1;
    if (attributes > maxAttributes) fail(`an element has more than ${maxAttributes} attributes`);
  });
  parser.on('opentag', (tag) => {
    const found = Object.values(tag.attributes).filter(
      ({ prefix, local }) => prefix !== 'xmlns' && local !== 'xmlns',
    );
    tree.start(
      tag.uri,
      tag.local,
      found.map(({ uri, local, value }) => ({ uri, name: local, value })),
    );
  });
  parser.on('text', (text) => tree.text(text));
  parser.on('cdata', (text) => tree.text(text));
  parser.on('closetag', () => tree.end());
  parser.write(textOf(path, bytes)).close();
  return tree.root ?? fail('it is empty');
}

/** The children with that name, in any namespace: OVF 1 and 2 differ in theirs. */
export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** The first child with that name. */
export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return childrenOf(element, name)[0];
}

/** The trimmed text of the first child with that name; undefined if it is missing or empty. */
export function childText(element: XmlElement | undefined, name: string): string | undefined {
  return childOf(element, name)?.text.trim() || undefined;
}

/** The value of the attribute with that name, in any namespace or none. */
export function attributeOf(element: XmlElement | undefined, name: string): string | undefined {
  return element?.attributes.find((attribute) => attribute.name === name)?.value;
}

/** Escapes a text for the content of an element, or an attribute in quotes. */
export function escapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' };
  return text.replace(/[&<>"]/gu, (letter) => `&${names[letter] ?? ''};`);
}
