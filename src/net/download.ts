import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Dispatcher } from 'undici';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { formatSize } from '../core/units.ts';
import { requireFreeSpace } from '../sys/free-space.ts';
import type { Checksum } from './checksum.ts';
import { Refused, nameOf, openUrl, withRetries, type Environment } from './http.ts';
import { header, placeOf, validatorOf } from './response.ts';
import { PartFile, removePart, type Hashes } from './part-file.ts';

export interface DownloadOptions {
  readonly url: URL;
  /** The hash that the file must have. Without one, any content is accepted, but only over https or from this host. */
  readonly checksum?: Checksum;
  /** Directory for incomplete downloads. */
  readonly directory: string;
  /** Maximum size of the file, in bytes. Default: 64 GiB. */
  readonly maxBytes?: number;
  readonly progress: Progress;
  /** Milliseconds before the first retry. Default: 500. */
  readonly pauseMs?: number;
  /** Milliseconds without data after which an attempt fails. Default: 30,000. */
  readonly silenceMs?: number;
  /** Names the proxies. Default: the environment of this process. */
  readonly env?: Environment | undefined;
}

export interface Downloaded {
  /** Path of the complete file, still in the directory for incomplete ones: the caller moves it. */
  readonly path: string;
  readonly bytes: number;
  readonly hashes: Hashes;
  /** The strong ETag or the date of the file, if the server gave one. */
  readonly validator: string | undefined;
}

const defaultMaxBytes = 64 * 1024 ** 3;
/** Progress is reported after every so many bytes, and at the end. */
const reportBytes = 256 * 1024;

/** The file that collects the bytes of a download. */
function partPath({ directory, url, checksum }: DownloadOptions): string {
  const key = createHash('sha256').update(`${url.href} ${checksum?.hex ?? ''}`);
  return join(directory, `${key.digest('hex').slice(0, 32)}.part`);
}

/** The response whose body to read; undefined if the part is already complete. */
async function begin(part: PartFile, options: DownloadOptions): Promise<Dispatcher.ResponseData | undefined> {
  const headers: Record<string, string> =
    part.size > 0 && part.validator !== undefined
      ? { range: `bytes=${part.size}-`, 'if-range': part.validator }
      : {};
  const reply = await openUrl(options.url, {
    signal: options.progress.signal,
    allowHttp: options.checksum !== undefined,
    headers,
    env: options.env,
    ...(options.silenceMs === undefined ? {} : { silenceMs: options.silenceMs }),
  });
  if (reply.statusCode === 200 || reply.statusCode === 206) return reply;
  await reply.body.dump({ limit: 64 * 1024 });
  if (reply.statusCode !== 416) throw new Refused(`the server responded with status ${reply.statusCode}`);
  if (header(reply, 'content-range') === `bytes */${part.size}`) return undefined;
  // Our part does not match the file on the server: start again.
  await part.restart(undefined);
  throw new Error('the server does not have that range');
}

async function receive(part: PartFile, options: DownloadOptions): Promise<void> {
  const maxBytes = options.maxBytes ?? defaultMaxBytes;
  const reply = await begin(part, options);
  if (!reply) return;
  const { continues, total } = placeOf(reply, part.size);
  try {
    if (!continues) await part.restart(validatorOf(reply));
    if (total !== undefined && total > maxBytes) throw tooLong(maxBytes);
    if (total !== undefined)
      await requireFreeSpace(dirname(part.path), total - part.size, nameOf(options.url));
    let reported = -reportBytes;
    const report = (): void => {
      const size = total === undefined ? {} : { total };
      options.progress.report({ stage: 'Downloading', done: part.size, ...size, unit: 'bytes' });
      reported = part.size;
    };
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      if (part.size + chunk.length > maxBytes) throw tooLong(maxBytes);
      await part.append(chunk);
      if (part.size - reported >= reportBytes) report();
    }
    if (total !== undefined && part.size !== total)
      throw new Error(`only ${part.size} of ${total} bytes arrived`);
    report();
  } finally {
    reply.body.destroy();
  }
}

function tooLong(maxBytes: number): Refused {
  return new Refused(`it is larger than the limit of ${formatSize(maxBytes)}`);
}

async function verify(part: PartFile, { url, checksum }: DownloadOptions): Promise<Hashes> {
  const hashes = part.hashes();
  if (!checksum || hashes[checksum.algorithm] === checksum.hex) return hashes;
  throw new KameError(
    'CHECKSUM_MISMATCH',
    `${nameOf(url)} has the ${checksum.algorithm} ${hashes[checksum.algorithm]}, but ${checksum.hex} was expected. The file was discarded.`,
    { details: { url: nameOf(url) } },
  );
}

/** Whether the bytes so far are useless after this error: they are wrong, or fill up a full disk. */
function isUseless(error: unknown): boolean {
  return !(error instanceof KameError) || error.code === 'CHECKSUM_MISMATCH' || error.code === 'DISK_FULL';
}

/**
 * Downloads a file. Continues an earlier attempt, retries when the connection breaks, and computes the hashes
 * meanwhile.
 * @throws KameError DOWNLOAD_FAILED, CHECKSUM_MISMATCH and DISK_FULL (the file is removed; DISK_FULL has bytesNeeded),
 * CANCELLED, FILE_ACCESS
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const path = partPath(options);
  const part = await PartFile.open(path, options.url.href);
  try {
    let before = part.size;
    const progressed = (): boolean => {
      const grown = part.size > before;
      before = part.size;
      return grown;
    };
    const retry = {
      signal: options.progress.signal,
      ...(options.pauseMs === undefined ? {} : { pauseMs: options.pauseMs }),
    };
    await withRetries(options.url, retry, () => receive(part, options), progressed);
    const hashes = await verify(part, options);
    await part.sync();
    return { path, bytes: part.size, hashes, validator: part.validator };
  } catch (error) {
    if (part.validator === undefined || isUseless(error)) await removePart(path);
    throw error;
  } finally {
    await part.close();
  }
}
