import { KameError } from '../core/errors.ts';

/** Words for types of content, which are also the usual endings of files with it. */
const words: ReadonlyMap<string, string> = new Map([
  ['text', 'text/plain'],
  ['txt', 'text/plain'],
  ['html', 'text/html'],
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['bmp', 'image/bmp'],
  ['tif', 'image/tiff'],
  ['tiff', 'image/tiff'],
]);

/** The words that are offered for completion. */
export const contentWords: readonly string[] = ['text', 'png', 'jpeg', 'bmp', 'tiff', 'html'];

/** The value of `--type` as a MIME type. @throws KameError USAGE */
export function contentType(text: string): string {
  const found = words.get(text.toLowerCase());
  if (found !== undefined) return found;
  if (/^[\w.+-]+\/[\w.+-]+$/.test(text) && text.length <= 128) return text.toLowerCase();
  throw new KameError('USAGE', `--type is "${text}", which is not a type of content.`, {
    next: `Use ${contentWords.join(', ')}, or a MIME type such as image/png.`,
  });
}

/** The type of a file by the ending of its name; undefined if that does not say. */
export function contentTypeOfFile(path: string): string | undefined {
  return words.get(/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? '');
}
