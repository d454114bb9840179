import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { probeImage } from '../disk/probe.ts';
import type { Arch } from '../model/machine.ts';
import { findChecksum, parseChecksum, type Checksum } from '../net/checksum.ts';
import { download } from '../net/download.ts';
import { fetchText, nameOf, parseUrl } from '../net/http.ts';
import type { DownloadEntry } from './catalogue.ts';
import { labelOf } from './image-info.ts';
import type { ImageLabel, ImageStore, StoredImage } from './image-store.ts';
import { SharedWork } from './shared-work.ts';

const sumsBytes = 4 * 1024 * 1024;

export interface UrlOptions {
  readonly arch: Arch;
  /** Download the image again even if it is cached, unless a checksum verifies the cached one. */
  readonly refresh?: boolean;
}

/** An image from a URL. */
export interface Pulled {
  readonly image: StoredImage;
  readonly label: ImageLabel;
  /** Whether a checksum verified it. */
  readonly proved: boolean;
}

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
  async pull(entry: DownloadEntry, refresh: boolean, progress: Progress): Promise<StoredImage> {
    const fixed = entry.checksum.kind === 'fixed' ? entry.checksum.checksum : undefined;
    if (!refresh) {
      const cached = fixed ? await this.#store.findByChecksum(fixed) : await this.#cachedFrom(entry.url);
      if (cached) return this.#store.label(cached, labelOf(entry));
    }
    return this.#downloads.run(entry.url, progress, async (shared) => {
      const checksum = fixed ?? (await this.#publishedChecksum(entry, shared));
      return this.#fetch(new URL(entry.url), checksum, labelOf(entry), shared);
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
    const cached = checksum ? await this.#store.findByChecksum(checksum) : await this.#cachedFrom(url.href);
    const isFresh = options.refresh === true && !checksum;
    const image =
      cached && !isFresh
        ? cached
        : await this.#downloads.run(url.href + (checksum?.hex ?? ''), progress, (shared) =>
            this.#fetch(url, checksum, label, shared),
          );
    return { image, label, proved: checksum !== undefined };
  }

  async #cachedFrom(url: string): Promise<StoredImage | undefined> {
    return (await this.#store.list()).find(({ labels }) => labels.some((label) => label.url === url));
  }

  async #publishedChecksum(entry: DownloadEntry, progress: Progress): Promise<Checksum> {
    if (entry.checksum.kind === 'fixed') return entry.checksum.checksum;
    const { url, file, algorithm } = entry.checksum;
    progress.report({ stage: 'Looking up the checksum' });
    const text = await fetchText(parseUrl(url), {
      signal: progress.signal,
      // The checksum verifies the image, so it must itself come from a trusted source.
      allowHttp: false,
      maxBytes: sumsBytes,
      ...this.#pause(),
    });
    return findChecksum(text, file, algorithm, url);
  }

  #pause(): { pauseMs?: number } {
    return this.#pauseMs === undefined ? {} : { pauseMs: this.#pauseMs };
  }

  async #fetch(
    url: URL,
    checksum: Checksum | undefined,
    label: ImageLabel,
    progress: Progress,
  ): Promise<StoredImage> {
    const known = checksum && (await this.#store.findByChecksum(checksum));
    if (known) return this.#store.label(known, label);
    const { path, bytes, hashes } = await download({
      url,
      directory: this.#store.downloads,
      progress,
      ...(checksum ? { checksum } : {}),
      ...this.#pause(),
    });
    try {
      const { format } = await probeImage(path);
      return await this.#store.add(path, { ...hashes, bytes, format }, label);
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
