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
  /** Called with the bytes of each piece. */
  readonly onBytes?: (count: number) => void;
}

const attempts = 4;
const firstPauseMs = 500;
/** Silence for this long ends an attempt. */
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

/** A reply of the server that no second attempt would change. */
class Refused extends Error {}

async function open(url: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  let target = url;
  // Loaded on first use: a daemon that downloads nothing needs less memory without it.
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
    const reason = `the server answered with status ${reply.statusCode}`;
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
      if (total > options.maxBytes)
        throw new Refused(`it has more than the ${options.maxBytes} bytes allowed`);
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
 * Downloads a file into memory, with four attempts.
 * @throws KameError DOWNLOAD_FAILED naming the address and the reason, CANCELLED
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
  // Damaged: what is in a cache may go at any time.
  await rm(path, { force: true });
  return undefined;
}

/**
 * A file of a known hash: out of the cache, or else downloaded, checked and cached.
 * @throws KameError DOWNLOAD_FAILED, CHECKSUM_MISMATCH when the file is not the one that was promised, CANCELLED
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
      `${url} has the SHA256 ${actual}, but must have ${want.sha256}.`,
      {
        details: { url },
      },
    );
  }
  await mkdir(dirname(options.cachePath), { recursive: true });
  await writeFileAtomic(options.cachePath, data);
  return data;
}
