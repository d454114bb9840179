import { createHash } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { KameError } from '../core/errors.ts';
import type { Checksum } from './checksum.ts';
import { Refused, downloadFailed, nameOf, openUrl, withRetries, type Environment } from './http.ts';
import { placeOf, validatorOf } from './response.ts';

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** Names the proxies. */
  readonly env: Environment;
  /** The hash that the whole file must have: the reader learns only at the end whether it has. */
  readonly checksum?: Checksum;
  /** Milliseconds before the first retry. Default: 500. */
  readonly pauseMs?: number;
}

export interface UrlStream {
  /** In bytes, if the server says. */
  readonly size: number | undefined;
  readonly chunks: AsyncGenerator<Buffer, void>;
}

/** Connections in a row that break before they bring anything. */
const maxEmpty = 5;

async function request(url: URL, from: number, validator: string | undefined, options: StreamOptions) {
  const { signal, env, pauseMs, checksum } = options;
  return await withRetries(url, { signal, ...(pauseMs === undefined ? {} : { pauseMs }) }, async () => {
    const headers: Record<string, string> =
      from > 0 && validator !== undefined ? { range: `bytes=${from}-`, 'if-range': validator } : {};
    const reply = await openUrl(url, { signal, env, allowHttp: checksum !== undefined, headers });
    const { continues, total } = placeOf(reply, from);
    if ((reply.statusCode === 200 || reply.statusCode === 206) && continues === from > 0)
      return { reply, total };
    reply.body.on('error', () => undefined).destroy();
    throw new Refused(
      from > 0
        ? 'the connection broke, and the file has changed since'
        : `the server responded with status ${reply.statusCode}`,
    );
  });
}

/** A connection that broke is made again, where the server can continue. */
async function* chunksOf(
  url: URL,
  first: Dispatcher.ResponseData,
  total: number | undefined,
  options: StreamOptions,
): AsyncGenerator<Buffer, void> {
  const validator = validatorOf(first);
  const hash = options.checksum && createHash(options.checksum.algorithm);
  let reply = first;
  let taken = 0;
  for (let empty = 0; ;) {
    const before = taken;
    try {
      for await (const chunk of reply.body as AsyncIterable<Buffer>) {
        taken += chunk.length;
        hash?.update(chunk);
        yield chunk;
      }
      if (total === undefined || taken === total) break;
      throw new Error(`only ${taken} of ${total} bytes arrived`);
    } catch (error) {
      if (options.signal.aborted)
        throw new KameError('CANCELLED', `The download of ${nameOf(url)} was cancelled.`);
      empty = taken > before ? 0 : empty + 1;
      if (validator === undefined || empty === maxEmpty) throw downloadFailed(url, error);
      ({ reply } = await request(url, taken, validator, options));
    }
  }
  const found = hash?.digest('hex');
  if (options.checksum && found !== options.checksum.hex) {
    throw new KameError(
      'CHECKSUM_MISMATCH',
      `${nameOf(url)} has the ${options.checksum.algorithm} ${found}, but ${options.checksum.hex} was expected.`,
      { details: { url: nameOf(url) } },
    );
  }
}

/**
 * Reads a URL once, from front to back, and keeps nothing of it. Plain http is only for this host, or with a checksum.
 * @throws KameError DOWNLOAD_FAILED, CANCELLED; while it is read also CHECKSUM_MISMATCH
 */
export async function streamUrl(url: URL, options: StreamOptions): Promise<UrlStream> {
  const { reply, total } = await request(url, 0, undefined, options);
  return { size: total, chunks: chunksOf(url, reply, total, options) };
}
