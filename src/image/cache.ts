import { mkdir, rm, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { copyImage } from '../disk/copy.ts';
import { importDisk } from '../disk/import.ts';
import { probeImage } from '../disk/probe.ts';
import type { Arch } from '../spec/machine.ts';
import { checkMachineName } from '../spec/name.ts';
import { temporaryName } from '../sys/files.ts';
import { readCatalogue, tinyId, type CatalogueEntry, type DownloadEntry } from './catalogue.ts';
import { findChecksum, parseChecksum, type Checksum } from './checksum.ts';
import { download } from './download.ts';
import { fetchText, nameOf, parseUrl } from './http.ts';
import { ImageStore, hashFile, type ImageLabel, type StoredImage } from './image-store.ts';
import { SharedWork } from './shared-work.ts';

/** What a machine is made from. */
export interface ImageSource {
  readonly id: string;
  /** Path of the disk (or, for iso, of the CD image). Read only: machines take copies. */
  readonly disk: string;
  readonly format: 'qcow2' | 'raw' | 'vmdk' | 'iso';
  readonly arch?: Arch;
  /** VMware guest OS id, where the catalogue tells it. */
  readonly guestOS?: string;
  /** The image's own default user. */
  readonly user?: string;
  /** Whether it makes sense to attach a NoCloud seed. */
  readonly cloudInit: boolean;
  /** For booting without firmware. */
  readonly directBoot?: { readonly kernel: string; readonly initrd: string; readonly commandLine: string };
  /** Something a person should know, such as that nothing proves the content. */
  readonly note?: string;
}

/** One row of `kame image list`. */
export interface ImageInfo {
  readonly id: string;
  readonly name: string;
  /** Undefined when it is not known. */
  readonly arch?: Arch;
  readonly source: 'embedded' | 'catalogue' | 'imported';
  readonly guestOS?: string;
  /** Of the file when cached, else about of the download. */
  readonly sizeBytes?: number;
  readonly cached: boolean;
  readonly path?: string;
}

/** The builder of the embedded image. */
export type BuildTiny = (options: {
  arch: Arch;
  cacheDir: string;
  outDir: string;
  progress: Progress;
}) => Promise<{ disk: string; kernel: string; initrd: string; commandLine: string }>;

export interface ImageCacheOptions {
  /** `images/` of the home directory. */
  readonly directory: string;
  /** The user's catalogue; need not exist. */
  readonly catalogue: string;
  /** Where the builder of the embedded image keeps its packages. */
  readonly cacheDir: string;
  readonly buildTiny: BuildTiny;
  /** Path or name of the program. Default `qemu-img`. */
  readonly qemuImg?: string;
  /** Milliseconds before a broken download is repeated. Default 500. */
  readonly pauseMs?: number;
}

export interface ResolveOptions {
  readonly arch: Arch;
  /** Asks the publisher for the present version even when one is cached. */
  readonly refresh?: boolean;
  /** Takes a file without any known signature as raw. */
  readonly allowRaw?: boolean;
}

const sumsBytes = 4 * 1024 * 1024;

function labelOf(entry: DownloadEntry): ImageLabel {
  const { id, name, arch, url, guestOS, user, cloudInit } = entry;
  return { id, name, arch, url, guestOS, user, cloudInit, source: 'catalogue' };
}

/** Base images: the catalogue, what was downloaded or imported, and the way from a reference to a file. */
export class ImageCache {
  readonly #options: ImageCacheOptions;
  readonly #store: ImageStore;
  readonly #downloads = new SharedWork<StoredImage>();
  readonly #builds = new SharedWork<Awaited<ReturnType<BuildTiny>>>();

  constructor(options: ImageCacheOptions) {
    this.#options = options;
    this.#store = new ImageStore(options.directory);
  }

  /** Every image that can be named: the catalogue's and the imported ones. */
  async list(): Promise<ImageInfo[]> {
    const stored = await this.#store.list();
    const catalogue = await readCatalogue(this.#options.catalogue);
    const known = new Set(catalogue.map(({ id, arch }) => `${id} ${arch}`));
    const own = stored.flatMap((image) =>
      image.labels
        .filter(({ id, arch }) => arch === undefined || !known.has(`${id} ${arch}`))
        .map((label) => this.#infoOf(label, image)),
    );
    return [...(await Promise.all(catalogue.map((entry) => this.#entryInfo(entry, stored)))), ...own];
  }

  /**
   * Finds or fetches what a reference means: a URL (`#sha256=HEX` may be appended), an absolute path, or an id of the
   * catalogue or of an imported image.
   * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE, CHECKSUM_MISMATCH, DOWNLOAD_FAILED, DISK_FULL, CANCELLED, INVALID_VALUE
   */
  async resolve(reference: string, options: ResolveOptions, progress: Progress): Promise<ImageSource> {
    if (/^[a-z][a-z0-9+.-]*:\/\//iu.test(reference)) return this.#resolveUrl(reference, options, progress);
    if (isAbsolute(reference)) return resolvePath(reference, options);
    const entry = await this.#find(reference, options.arch);
    if (entry?.kind === 'embedded') return this.#resolveTiny(entry, progress);
    if (entry) {
      const image = await this.#pull(entry, options.refresh === true, progress);
      return this.#sourceOf(image, labelOf(entry));
    }
    const imported = await this.#findImported(reference, options.arch);
    if (imported) return this.#sourceOf(imported.image, imported.label);
    throw await this.#unknown(reference, options.arch);
  }

  /**
   * Keeps a copy of an image file under a name. Disks are kept as qcow2, CD images as they are.
   * @throws KameError INVALID_NAME, ALREADY_EXISTS, NO_SUCH_IMAGE, BAD_IMAGE, DISK_FULL, CANCELLED
   */
  async importImage(
    path: string,
    options: { name?: string; arch?: Arch; allowRaw?: boolean },
    progress: Progress,
  ): Promise<ImageInfo> {
    const source = resolve(path);
    const name = options.name ?? basename(source).replace(/\.[A-Za-z0-9]{1,8}$/u, '');
    checkMachineName(name);
    if ((await this.list()).some(({ id }) => id === name)) {
      throw new KameError('ALREADY_EXISTS', `There is an image ${name} already.`);
    }
    const probed = await probeImage(source, { allowRaw: options.allowRaw === true });
    const target = temporaryName(join(this.#options.directory, 'import'));
    try {
      await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
      if (probed.format === 'iso') await copyImage(source, target, progress);
      else
        await importDisk({ source, target, progress, ...this.#tools(), allowRaw: options.allowRaw === true });
      const { size: bytes } = await stat(target);
      const format = probed.format === 'iso' ? 'iso' : 'qcow2';
      const arch = options.arch === undefined ? {} : { arch: options.arch };
      const label: ImageLabel = { id: name, name, ...arch, source: 'imported', cloudInit: format !== 'iso' };
      const image = await this.#store.add(target, { ...(await hashFile(target)), bytes, format }, label);
      return this.#infoOf(label, image);
    } finally {
      await rm(target, { force: true });
    }
  }

  /**
   * Removes a cached image; machines made from it keep their copies. Without `arch`, for all architectures.
   * @throws KameError NO_SUCH_IMAGE when nothing of it is here
   */
  async remove(id: string, arch?: Arch): Promise<void> {
    if (id === tinyId) {
      const infos = (await this.list()).filter((info) => info.id === tinyId && info.cached);
      const paths = infos.filter((info) => arch === undefined || info.arch === arch).map(({ path }) => path);
      for (const path of paths) if (path !== undefined) await rm(path, { recursive: true, force: true });
      if (paths.length > 0) return;
    } else {
      const matches = (label: ImageLabel): boolean =>
        label.id === id && (arch === undefined || label.arch === undefined || label.arch === arch);
      if ((await this.#store.remove(matches)) > 0) return;
    }
    throw new KameError('NO_SUCH_IMAGE', `There is no image ${id} here that could be removed.`, {
      details: { image: id },
    });
  }

  /** Removes half-done leftovers. Only when no operation runs, such as at the daemon's start. */
  async collectGarbage(): Promise<void> {
    await this.#store.collectGarbage();
  }

  #tools(): { qemuImg?: string } {
    return this.#options.qemuImg === undefined ? {} : { qemuImg: this.#options.qemuImg };
  }

  #tinyDirectory(arch: Arch): string {
    return join(this.#options.directory, `${tinyId}-${arch}`);
  }

  async #find(id: string, arch: Arch): Promise<CatalogueEntry | undefined> {
    return (await readCatalogue(this.#options.catalogue)).find(
      (entry) => entry.id === id && entry.arch === arch,
    );
  }

  async #findImported(
    id: string,
    arch: Arch,
  ): Promise<{ image: StoredImage; label: ImageLabel } | undefined> {
    for (const image of await this.#store.list()) {
      const label = image.labels.find((one) => one.id === id && (one.arch ?? arch) === arch);
      if (label) return { image, label };
    }
    return undefined;
  }

  async #unknown(reference: string, arch: Arch): Promise<KameError> {
    const all = await this.list();
    const elsewhere = all.find(({ id }) => id === reference)?.arch;
    const ids = [...new Set(all.filter((info) => (info.arch ?? arch) === arch).map(({ id }) => id))];
    const why = elsewhere === undefined ? '' : ` for ${arch}, only for ${elsewhere}`;
    return new KameError(
      'NO_SUCH_IMAGE',
      `There is no image ${JSON.stringify(reference.slice(0, 200))}${why}.`,
      {
        next: `Known are ${ids.join(', ')}; or give the path of a file, or a URL.`,
        details: { image: reference.slice(0, 200) },
      },
    );
  }

  async #resolveTiny(entry: CatalogueEntry, progress: Progress): Promise<ImageSource> {
    const { arch } = entry;
    const { cacheDir, buildTiny } = this.#options;
    const outDir = this.#tinyDirectory(arch);
    const tiny = await this.#builds.run(arch, progress, (shared) =>
      buildTiny({ arch, cacheDir, outDir, progress: shared }),
    );
    const { disk, kernel, initrd, commandLine } = tiny;
    const { id, guestOS, user, cloudInit } = entry;
    return {
      id,
      arch,
      guestOS,
      user,
      cloudInit,
      disk,
      format: 'qcow2',
      directBoot: { kernel, initrd, commandLine },
    };
  }

  /** The catalogue's image: from the store, or downloaded once for all who want it now. */
  async #pull(entry: DownloadEntry, refresh: boolean, progress: Progress): Promise<StoredImage> {
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

  async #cachedFrom(url: string): Promise<StoredImage | undefined> {
    return (await this.#store.list()).find(({ labels }) => labels.some((label) => label.url === url));
  }

  async #publishedChecksum(entry: DownloadEntry, progress: Progress): Promise<Checksum> {
    if (entry.checksum.kind === 'fixed') return entry.checksum.checksum;
    const { url, file, algorithm } = entry.checksum;
    progress.report({ stage: 'Looking up the checksum' });
    const text = await fetchText(parseUrl(url), {
      signal: progress.signal,
      // What proves the image must not come from just anybody itself.
      allowHttp: false,
      maxBytes: sumsBytes,
      ...this.#pause(),
    });
    return findChecksum(text, file, algorithm, url);
  }

  #pause(): { pauseMs?: number } {
    return this.#options.pauseMs === undefined ? {} : { pauseMs: this.#options.pauseMs };
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
      // Whatever is wrong with it, downloading it again is the way, not continuing it.
      await rm(path, { force: true });
      throw renamed(error, path, nameOf(url));
    } finally {
      await rm(`${path}.json`, { force: true });
    }
  }

  async #resolveUrl(reference: string, options: ResolveOptions, progress: Progress): Promise<ImageSource> {
    const url = parseUrl(reference);
    const fragment = decodeURIComponent(url.hash.slice(1));
    const checksum = fragment === '' ? undefined : parseChecksum(fragment);
    if (fragment !== '' && !checksum) {
      throw new KameError('INVALID_VALUE', `"#${fragment.slice(0, 200)}" is no checksum.`, {
        next: 'Append #sha256=HEX or #sha512=HEX, or nothing.',
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
    const note = 'No checksum was given, so nothing proves that this is what its publisher made.';
    return { ...this.#sourceOf(image, label), ...(checksum ? {} : { note }) };
  }

  #sourceOf(image: StoredImage, label: ImageLabel): ImageSource {
    const { id, arch, guestOS, user, cloudInit } = label;
    return {
      id,
      disk: this.#store.pathOf(image),
      format: image.format,
      cloudInit: cloudInit && image.format !== 'iso',
      ...(arch === undefined ? {} : { arch }),
      ...(guestOS === undefined ? {} : { guestOS }),
      ...(user === undefined ? {} : { user }),
    };
  }

  #infoOf(label: ImageLabel, image: StoredImage): ImageInfo {
    const { id, name, arch, guestOS, source } = label;
    return {
      id,
      name,
      source,
      sizeBytes: image.bytes,
      cached: true,
      path: this.#store.pathOf(image),
      ...(arch === undefined ? {} : { arch }),
      ...(guestOS === undefined ? {} : { guestOS }),
    };
  }

  async #entryInfo(entry: CatalogueEntry, stored: readonly StoredImage[]): Promise<ImageInfo> {
    const { id, name, arch, guestOS } = entry;
    if (entry.kind === 'embedded') {
      const path = this.#tinyDirectory(arch);
      const isThere = await stat(path).then(
        (facts) => facts.isDirectory(),
        () => false,
      );
      return { id, name, arch, guestOS, source: 'embedded', cached: isThere, ...(isThere ? { path } : {}) };
    }
    const image = stored.find(({ labels }) => labels.some((label) => label.id === id && label.arch === arch));
    if (image) return this.#infoOf(labelOf(entry), image);
    const size = entry.sizeBytes === 0 ? {} : { sizeBytes: entry.sizeBytes };
    return { id, name, arch, guestOS, source: 'catalogue', cached: false, ...size };
  }
}

async function resolvePath(path: string, options: ResolveOptions): Promise<ImageSource> {
  const { format } = await probeImage(path, { allowRaw: options.allowRaw === true });
  return { id: basename(path), disk: path, format, cloudInit: format !== 'iso' };
}

/** An error about a temporary file, told of where the file came from. */
function renamed(error: unknown, path: string, origin: string): unknown {
  if (!(error instanceof KameError) || error.code !== 'BAD_IMAGE') return error;
  const message = error.message.replaceAll(path, origin);
  return new KameError('BAD_IMAGE', message, { next: error.next, details: { url: origin }, cause: error });
}
