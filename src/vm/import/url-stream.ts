import { parseChecksum, type Checksum } from '../../net/checksum.ts';
import type { Environment } from '../../net/http.ts';
import { nameOf, parseUrl } from '../../net/http.ts';
import { streamUrl } from '../../net/stream-url.ts';
import { KameError } from '../../core/errors.ts';
import type { ByteStream } from './byte-stream.ts';

/** The URL that a text is; undefined for a path. @throws KameError INVALID_VALUE for a scheme that cannot be downloaded */
export function urlOf(text: string): URL | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\//iu.test(text) ? parseUrl(text) : undefined;
}

/** The hash after the #, as `#sha256=HEX`. */
function checksumOf(url: URL): Checksum | undefined {
  if (url.hash === '') return undefined;
  const checksum = parseChecksum(url.hash.slice(1));
  if (checksum) return checksum;
  throw new KameError(
    'INVALID_VALUE',
    `${nameOf(url)} has ${url.hash} after its path, which is not a checksum.`,
    {
      next: 'Give it as #sha256=HEX.',
    },
  );
}

/** Opens a URL to read it once. @throws KameError DOWNLOAD_FAILED, INVALID_VALUE, CANCELLED */
export async function openUrlStream(url: URL, env: Environment, signal: AbortSignal): Promise<ByteStream> {
  const checksum = checksumOf(url);
  const { size, chunks } = await streamUrl(url, { env, signal, ...(checksum ? { checksum } : {}) });
  return {
    label: nameOf(url),
    size,
    chunks,
    [Symbol.asyncDispose]: async () => void (await chunks.return(undefined)),
  };
}
