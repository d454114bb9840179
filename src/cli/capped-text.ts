import { KameError } from '../core/errors.ts';

/**
 * All of a stream as text.
 * @param what names it in a message
 * @throws KameError USAGE when it is larger, in bytes; what the stream throws
 */
export async function cappedText(
  stream: AsyncIterable<unknown>,
  what: string,
  maxBytes: number,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxBytes) throw new KameError('USAGE', `${what} is larger than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
