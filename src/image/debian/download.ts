import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type * as Undici from 'undici';
import type { Dispatcher } from 'undici';
import { KameError, errnoOf, messageOf } from '../../core/errors.ts';
import { readFileCapped, writeFileAtomic } from '../../sys/files.ts';

export interface DownloadOptions {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Called with the number of bytes of each chunk; negative when an attempt failed and its bytes do not count. */
  readonly onBytes?: (count: number) => void;
}

const attempts = 4;
const firstPauseMs = 500;
/** Milliseconds without data after which an attempt fails. */
const silenceMs = 30_000;
const maxRedirects = 5;

let agent: Dispatcher | undefined;

/** A dispatcher that honours http_proxy, https_proxy and no_proxy. */
function dispatcher({ EnvHttpProxyAgent }: typeof Undici): Dispatcher {
  agent ??= new EnvHttpProxyAgent({ connect: { timeout: silenceMs } });
  return agent;
}

function failed(url: string, reason: string, cause?: unknown): KameError {
  return new KameError('DOWNLOAD_FAILED', `${url} could not be downloaded: ${reason}.`, {
    cause,
    details: { url },
  });
}

/** A failure that a retry would not change. */
class Refused extends Error {}

async function open(url: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  let target = url;
  // Loaded on first use, which saves memory in a daemon that downloads nothing.
  const undici = await import('undici');
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    const reply = await undici.request(target, {
      dispatcher: dispatcher(undici),
      signal,
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
    });
    if (reply.statusCode === 200) return reply;
    await reply.body.dump();
    const location = reply.headers['location'];
    if (reply.statusCode >= 300 && reply.statusCode < 400 && typeof location === 'string') {
      const next = new URL(location, target);
      if (next.protocol !== 'http:' && next.protocol !== 'https:')
        throw new Refused(`it redirects to ${next.protocol}`);
      target = next.href;
      continue;
    }
    const reason = `the server responded with status ${reply.statusCode}`;
    throw reply.statusCode >= 500 || reply.statusCode === 429 ? new Error(reason) : new Refused(reason);
  }
  throw new Refused(`it redirects more than ${maxRedirects} times`);
}

async function attempt(url: string, options: DownloadOptions): Promise<Buffer> {
  const reply = await open(url, options.signal);
  const chunks: Buffer[] = [];
  let total = 0;
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > options.maxBytes) throw new Refused(`it is larger than ${options.maxBytes} bytes`);
      chunks.push(chunk);
      options.onBytes?.(chunk.length);
    }
  } catch (error) {
    options.onBytes?.(-total);
    throw error;
  }
  const announced = Number(reply.headers['content-length'] ?? total);
  if (announced !== total) {
    options.onBytes?.(-total);
    throw new Error(`it ended after ${total} of ${announced} bytes`);
  }
  return Buffer.concat(chunks);
}

/**
 * Downloads a file into memory, with up to four attempts.
 * @throws KameError DOWNLOAD_FAILED naming the URL and the reason, CANCELLED
 */
export async function download(url: string, options: DownloadOptions): Promise<Buffer> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt(url, options);
    } catch (error) {
      if (options.signal.aborted) throw new KameError('CANCELLED', `The download of ${url} was cancelled.`);
      if (error instanceof Refused || tried === attempts) throw failed(url, messageOf(error), error);
    }
    await delay(firstPauseMs * 2 ** (tried - 1), undefined, { signal: options.signal }).catch(
      () => undefined,
    );
  }
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

async function readCached(path: string, want: { sha256: string; size: number }): Promise<Buffer | undefined> {
  try {
    const data = await readFileCapped(path, want.size);
    if (sha256(data) === want.sha256) return data;
  } catch (error) {
    if (error instanceof KameError && errnoOf(error.cause) === 'ENOENT') return undefined;
    if (!(error instanceof KameError)) throw error;
  }
  // The cached file is damaged, and cached files may be removed at any time.
  await rm(path, { force: true });
  return undefined;
}

/**
 * Returns a file with a known hash from the cache, or downloads, verifies and caches it.
 * @throws KameError DOWNLOAD_FAILED, CHECKSUM_MISMATCH when the hash or size is wrong, CANCELLED
 */
export async function downloadChecked(
  url: string,
  want: { readonly sha256: string; readonly size: number },
  options: { cachePath: string; signal: AbortSignal; onBytes?: (count: number) => void },
): Promise<Buffer> {
  const cached = await readCached(options.cachePath, want);
  if (cached) {
    options.onBytes?.(cached.length);
    return cached;
  }
  const data = await download(url, { ...options, maxBytes: want.size });
  const actual = sha256(data);
  if (data.length !== want.size || actual !== want.sha256) {
    throw new KameError(
      'CHECKSUM_MISMATCH',
      `${url} has the SHA256 ${actual}, but ${want.sha256} was expected.`,
      {
        details: { url },
      },
    );
  }
  await mkdir(dirname(options.cachePath), { recursive: true });
  await writeFileAtomic(options.cachePath, data);
  return data;
}
