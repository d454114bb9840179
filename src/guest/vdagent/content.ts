import { contentKinds } from './messages.ts';

/** The type of plain text. The guest and the host exchange it as UTF-8. */
export const textType = 'text/plain';

/** What stock agents carry; others, such as HTML, they do not. */
const kinds: ReadonlyMap<string, number> = new Map([
  [textType, contentKinds.text],
  ['image/png', contentKinds.png],
  ['image/bmp', contentKinds.bmp],
  ['image/tiff', contentKinds.tiff],
  ['image/jpeg', contentKinds.jpeg],
]);

/** The number of a MIME type in the protocol; undefined if it has none. */
export function kindOf(type: string): number | undefined {
  return kinds.get(type);
}

/** The MIME types that a stock agent can carry. */
export const agentTypes: readonly string[] = [...kinds.keys()];

/** The MIME types of kinds, in the guest's order of preference, each once; unknown kinds are left out. */
export function typesOf(offered: readonly number[]): string[] {
  const names = new Map([...kinds].map(([type, kind]) => [kind, type]));
  return [...new Set(offered.flatMap((kind) => names.get(kind) ?? []))];
}

/** Text with the ends of lines that Windows expects. */
export function toCrlf(text: Buffer): Buffer {
  return Buffer.from(text.toString('utf8').replaceAll(/\r?\n/g, '\r\n'));
}

export function fromCrlf(text: Buffer): Buffer {
  return Buffer.from(text.toString('utf8').replaceAll('\r\n', '\n'));
}
