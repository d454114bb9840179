import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { KameError, messageOf } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { probeImage } from '../disk/probe.ts';
import type { Arch } from '../model/machine.ts';
import { findChecksum, parseChecksum, type Checksum } from '../net/checksum.ts';
import { download } from '../net/download.ts';
import { fetchText, hasChanged, nameOf, parseUrl, type Environment } from '../net/http.ts';
import type { DownloadEntry } from './catalogue.ts';
import { labelOf } from './image-info.ts';
import type { ImageLabel, ImageStore, StoredImage } from './image-store.ts';
import { SharedWork } from './shared-work.ts';

const sumsBytes = 4 * 1024 * 1024;
/** Milliseconds that a server has to say whether a file has changed; without an answer, the copy is used. */
const checkMs = 10_000;

interface FetchWork {
  readonly url: URL;
  readonly checksum: Checksum | undefined;
  readonly label: ImageLabel;
  readonly env: Environment | undefined;
}

export interface UrlOptions {
  readonly arch: Arch;
  /** Download the image again even if it is cached, unless a checksum verifies the cached one. */
  readonly refresh?: boolean | undefined;
  /** Names the proxies. Default: the environment of this process. */
  readonly env?: Environment | undefined;
}

/** An image from a URL. */
export interface Pulled {
  readonly image: StoredImage;
  readonly label: ImageLabel;
  /** What a person should know: which copy this is, and whether it was verified. */
  readonly notes: readonly string[];
}

const unproved = 'The image was not verified, because no checksum was given.';

/** Downloads images into the store, unless they are already there. */
export class ImageFetcher {
  readonly #store: ImageStore;
  readonly #pauseMs: number | undefined;
  readonly #downloads = new SharedWork<StoredImage>();

  /** @param pauseMs milliseconds before a failed download is retried; undefined for the default */
  constructor(store: ImageStore, pauseMs: number | undefined) {
    this.#store = store;
    this.#pauseMs = pauseMs;
  }

  /**
   * The image of a catalogue entry: from the store, or downloaded once for all concurrent callers.
   * @throws KameError BAD_IMAGE, CHECKSUM_MISMATCH, DOWNLOAD_FAILED, DISK_FULL, CANCELLED
   */
  async pull(
    entry: DownloadEntry,
    options: Pick<UrlOptions, 'refresh' | 'env'>,
    progress: Progress,
  ): Promise<StoredImage> {
    const { env } = options;
    const fixed = entry.checksum.kind === 'fixed' ? entry.checksum.checksum : undefined;
    if (options.refresh !== true) {
      const cached = fixed ? await this.#store.findByChecksum(fixed) : await this.#cachedFrom(entry.url);
      if (cached) return this.#store.label(cached, labelOf(entry));
    }
    return this.#downloads.run(entry.url, progress, async (shared) => {
      const checksum = fixed ?? (await this.#publishedChecksum(entry, env, shared));
      return this.#fetch({ url: new URL(entry.url), checksum, label: labelOf(entry), env }, shared);
    });
  }

  /**
   * The image at a URL, optionally with `#sha256=HEX`.
   * @throws KameError INVALID_VALUE, BAD_IMAGE, CHECKSUM_MISMATCH, DOWNLOAD_FAILED, DISK_FULL, CANCELLED
   */
  async pullUrl(reference: string, options: UrlOptions, progress: Progress): Promise<Pulled> {
    const url = parseUrl(reference);
    const fragment = decodeURIComponent(url.hash.slice(1));
    const checksum = fragment === '' ? undefined : parseChecksum(fragment);
    if (fragment !== '' && !checksum) {
      throw new KameError('INVALID_VALUE', `"#${fragment.slice(0, 200)}" is not a valid checksum.`, {
        next: 'Append #sha256=HEX or #sha512=HEX, or omit it.',
      });
    }
    url.hash = '';
    const file = basename(url.pathname) || url.host;
    const id = file.replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 80);
    const label: ImageLabel = {
      id,
      name: nameOf(url),
      arch: options.arch,
      url: url.href,
      source: 'imported',
      cloudInit: true,
    };
    const { env } = options;
    const work = { url, checksum, label, env };
    const fetch = async () =>
      await this.#downloads.run(url.href + (checksum?.hex ?? ''), progress, (shared) =>
        this.#fetch(work, shared),
      );
    if (checksum)
      return { image: (await this.#store.findByChecksum(checksum)) ?? (await fetch()), label, notes: [] };
    const cached = options.refresh === true ? undefined : await this.#cachedFrom(url.href);
    const note = cached && (await this.#whyCached(cached, url, env, progress));
    if (cached && note !== undefined) return { image: cached, label, notes: [note, unproved] };
    return { image: await fetch(), label, notes: [unproved] };
  }

  /** Why the cached copy of a URL is used, and which one it is; undefined if the server has another one by now. */
  async #whyCached(
    image: StoredImage,
    url: URL,
    env: Environment | undefined,
    progress: Progress,
  ): Promise<string | undefined> {
    const copy = `Using the copy of ${nameOf(url)} from ${image.addedAt.slice(0, 10)}`;
    const validator = image.labels.find((label) => label.url === url.href)?.validator;
    if (validator === undefined)
      return `${copy}; the server did not say how to find out if it has changed since. --refresh downloads it again.`;
    progress.report({ stage: 'Checking whether the image has changed' });
    try {
      const changed = await hasChanged(url, validator, {
        signal: progress.signal,
        allowHttp: false,
        silenceMs: checkMs,
        env,
      });
      return changed ? undefined : `${copy}, which has not changed since.`;
    } catch (error) {
      if (progress.signal.aborted) throw error;
      return `${copy}; whether it has changed since could not be checked: ${messageOf(error)}.`;
    }
  }

  async #cachedFrom(url: string): Promise<StoredImage | undefined> {
    return (await this.#store.list()).find(({ labels }) => labels.some((label) => label.url === url));
  }

  async #publishedChecksum(
    entry: DownloadEntry,
    env: Environment | undefined,
    progress: Progress,
  ): Promise<Checksum> {
    if (entry.checksum.kind === 'fixed') return entry.checksum.checksum;
    const { url, file, algorithm } = entry.checksum;
    progress.report({ stage: 'Looking up the checksum' });
    const text = await fetchText(parseUrl(url), {
      signal: progress.signal,
      // The checksum verifies the image, so it must itself come from a trusted source.
      allowHttp: false,
      maxBytes: sumsBytes,
      env,
      ...this.#pause(),
    });
    return findChecksum(text, { name: file, url: entry.url }, algorithm, url);
  }

  #pause(): { pauseMs?: number } {
    return this.#pauseMs === undefined ? {} : { pauseMs: this.#pauseMs };
  }

  async #fetch({ url, checksum, label, env }: FetchWork, progress: Progress): Promise<StoredImage> {
    const known = checksum && (await this.#store.findByChecksum(checksum));
    if (known) return this.#store.label(known, label);
    const { path, bytes, hashes, validator } = await download({
      url,
      env,
      directory: this.#store.downloads,
      progress,
      ...(checksum ? { checksum } : {}),
      ...this.#pause(),
    });
    try {
      const { format } = await probeImage(path);
      return await this.#store.add(
        path,
        { ...hashes, bytes, format },
        { ...label, ...(validator === undefined ? {} : { validator }) },
      );
    } catch (error) {
      // The file is invalid: the next attempt must download it again, not continue it.
      await rm(path, { force: true });
      throw renamed(error, path, nameOf(url));
    } finally {
      await rm(`${path}.json`, { force: true });
    }
  }
}

/** Replaces the path of the temporary file in an error with the URL it came from. */
function renamed(error: unknown, path: string, origin: string): unknown {
  if (!(error instanceof KameError) || error.code !== 'BAD_IMAGE') return error;
  const message = error.message.replaceAll(path, origin);
  const advice =
    error.next === error.kind.next ? '' : ` If you want this file, download it yourself first. ${error.next}`;
  const next = `Check that the address leads to a disk image.${advice}`;
  return new KameError('BAD_IMAGE', message, { next, details: { url: origin }, cause: error });
}
