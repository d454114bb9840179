import { mkdir, rm, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { KameError, messageOf } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { copyImage } from '../disk/copy.ts';
import { importDisk } from '../disk/import.ts';
import { probeImage } from '../disk/probe.ts';
import type { Arch } from '../model/machine.ts';
import { checkMachineName, plainName } from '../model/name.ts';
import type { Environment } from '../net/http.ts';
import { temporaryName } from '../sys/files.ts';
import { readCatalogue, tinyId, type CatalogueEntry } from './catalogue.ts';
import { ImageFetcher } from './image-fetcher.ts';
import { infoOf, labelOf, nameOfFile, sourceOf, type ImageInfo, type ImageSource } from './image-info.ts';
import { ImageStore, hashFile, type ImageLabel, type StoredImage } from './image-store.ts';
import { SharedWork } from './shared-work.ts';
import { receiveUpload, uploadPlace, type UploadedFile, type UploadNotices } from './upload.ts';

export type { ImageInfo, ImageSource } from './image-info.ts';

/** Builds the embedded image. */
export type BuildTiny = (options: {
  arch: Arch;
  cacheDir: string;
  outDir: string;
  /** The proxies and the Debian mirror to use. */
  env?: Environment | undefined;
  progress: Progress;
}) => Promise<{ disk: string; kernel: string; initrd: string; commandLine: string }>;

export interface ImageCacheOptions {
  /** `images/` of the home directory. */
  readonly directory: string;
  /** Path of the user's catalogue; need not exist. */
  readonly catalogue: string;
  /** Directory in which the builder of the embedded image caches packages. */
  readonly cacheDir: string;
  readonly buildTiny: BuildTiny;
  /** Path or name of the program. Default: `qemu-img`. */
  readonly qemuImg?: string;
  /** Milliseconds before a failed download is retried. Default: 500. */
  readonly pauseMs?: number;
}

export interface ResolveOptions {
  readonly arch: Arch;
  /** Ask the publisher for the current version even if one is cached. */
  readonly refresh?: boolean | undefined;
  /** Names the proxies. Default: the environment of this process. */
  readonly env?: Environment | undefined;
  /** Accept a file without a known signature as raw. */
  readonly allowRaw?: boolean;
}

/** Base images: the catalogue, downloaded and imported images, and how to get from a reference to a file. */
export class ImageCache {
  readonly #options: ImageCacheOptions;
  readonly #store: ImageStore;
  readonly #fetcher: ImageFetcher;
  /** The files that are being uploaded. */
  readonly #uploads = new Set<string>();
  readonly #builds = new SharedWork<Awaited<ReturnType<BuildTiny>>>();

  constructor(options: ImageCacheOptions) {
    this.#options = options;
    this.#store = new ImageStore(options.directory);
    this.#fetcher = new ImageFetcher(this.#store, options.pauseMs);
  }

  /** Every image that has a name: those in the catalogue and the imported ones, as far as the cache can be read. */
  async list(): Promise<ImageInfo[]> {
    let problem: string | undefined;
    const stored = await this.#store.list().catch((error: unknown) => {
      problem = messageOf(error);
      return [];
    });
    const catalogue = await readCatalogue(this.#options.catalogue);
    const known = new Set(catalogue.map(({ id, arch }) => `${id} ${arch}`));
    const own = stored.flatMap((image) =>
      image.labels
        .filter(({ id, arch }) => arch === undefined || !known.has(`${id} ${arch}`))
        .map((label) => this.#infoOf(image, label)),
    );
    const all = [...(await Promise.all(catalogue.map((entry) => this.#entryInfo(entry, stored)))), ...own];
    return all.map((info) => ({ ...info, ...(problem === undefined ? {} : { problem }) }));
  }

  /**
   * Finds or downloads the image of a reference: a URL (optionally with `#sha256=HEX`), an absolute path, or the id of
   * a catalogue entry or an imported image.
   * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE, CHECKSUM_MISMATCH, DOWNLOAD_FAILED, DISK_FULL, CANCELLED, INVALID_VALUE
   */
  async resolve(reference: string, options: ResolveOptions, progress: Progress): Promise<ImageSource> {
    if (isAbsolute(reference)) return resolvePath(reference, options);
    await this.#store.requireAccess();
    if (/^[a-z][a-z0-9+.-]*:\/\//iu.test(reference)) return this.#resolveUrl(reference, options, progress);
    const id = plainName(reference);
    const entry = await this.#find(id, options.arch);
    if (entry?.kind === 'embedded') return this.#resolveTiny(entry, options.env, progress);
    if (entry) {
      const image = await this.#fetcher.pull(entry, options, progress);
      return this.#sourceOf(image, labelOf(entry));
    }
    const imported = await this.#findImported(id, options.arch);
    if (imported) return this.#sourceOf(imported.image, imported.label);
    throw await this.#unknown(reference, options.arch);
  }

  /**
   * Stores a copy of an image file under a name: disks as qcow2, CD images as they are.
   * @throws KameError INVALID_NAME, ALREADY_EXISTS, NO_SUCH_IMAGE, BAD_IMAGE, DISK_FULL, CANCELLED
   */
  async importImage(
    path: string,
    options: { name?: string; arch?: Arch; allowRaw?: boolean },
    progress: Progress,
  ): Promise<ImageInfo> {
    const source = resolve(path);
    const name = await this.#freeName(options.name ?? nameOfFile(basename(source)));
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
      return this.#infoOf(image, label);
    } finally {
      await rm(target, { force: true });
    }
  }

  /**
   * Receives an image file from a client, and stores it as `importImage` does. What was received before a break is kept, and the
   * same file goes on from there.
   * @throws KameError as importImage and receiveUpload; BUSY if the same file is being uploaded
   */
  async upload(
    file: UploadedFile,
    chunks: AsyncIterable<Buffer>,
    notices: UploadNotices,
    progress: Progress,
  ): Promise<ImageInfo> {
    const name = await this.#freeName(nameOfFile(file.name));
    const place = uploadPlace(this.#store.downloads, file);
    if (this.#uploads.has(place)) throw new KameError('BUSY', `${file.name} is already being uploaded.`);
    this.#uploads.add(place);
    try {
      const path = await receiveUpload(this.#store.downloads, file, chunks, notices);
      try {
        return await this.importImage(path, { name }, progress);
      } finally {
        // Whole, but no image, or stored by now.
        await rm(path, { force: true });
      }
    } finally {
      this.#uploads.delete(place);
    }
  }

  /** A name that no image has yet. @throws KameError INVALID_NAME, ALREADY_EXISTS, FILE_ACCESS */
  async #freeName(wanted: string): Promise<string> {
    await this.#store.requireAccess();
    const name = plainName(wanted);
    checkMachineName(name);
    if ((await this.list()).some(({ id }) => id === name))
      throw new KameError('ALREADY_EXISTS', `An image named ${name} already exists.`);
    return name;
  }

  /**
   * Removes a cached image; machines made from it keep their copies. Without `arch`, removes it for all architectures.
   * @throws KameError NO_SUCH_IMAGE when none is cached
   */
  async remove(reference: string, arch?: Arch): Promise<void> {
    const id = plainName(reference);
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
    throw new KameError('NO_SUCH_IMAGE', `There is no cached image ${id} to remove.`, {
      details: { image: id },
    });
  }

  /** Removes incomplete files. Call it only while no operation is running, such as when the daemon starts. */
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
        next: `Choose one of ${ids.join(', ')}, or give the path of a file or a URL.`,
        details: { image: reference.slice(0, 200) },
      },
    );
  }

  async #resolveTiny(
    entry: CatalogueEntry,
    env: Environment | undefined,
    progress: Progress,
  ): Promise<ImageSource> {
    const { arch } = entry;
    const { cacheDir, buildTiny } = this.#options;
    const outDir = this.#tinyDirectory(arch);
    const tiny = await this.#builds.run(arch, progress, (shared) =>
      buildTiny({ arch, cacheDir, outDir, env, progress: shared }),
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

  async #resolveUrl(reference: string, options: ResolveOptions, progress: Progress): Promise<ImageSource> {
    const { image, label, notes } = await this.#fetcher.pullUrl(reference, options, progress);
    return { ...this.#sourceOf(image, label), notes };
  }

  #sourceOf(image: StoredImage, label: ImageLabel): ImageSource {
    return sourceOf(image, label, this.#store.pathOf(image));
  }

  #infoOf(image: StoredImage, label: ImageLabel): ImageInfo {
    return infoOf(image, label, this.#store.pathOf(image));
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
    if (image) return this.#infoOf(image, labelOf(entry));
    const size = entry.sizeBytes === 0 ? {} : { sizeBytes: entry.sizeBytes };
    return { id, name, arch, guestOS, source: 'catalogue', cached: false, ...size };
  }
}

async function resolvePath(path: string, options: ResolveOptions): Promise<ImageSource> {
  const { format } = await probeImage(path, { allowRaw: options.allowRaw === true });
  return { id: basename(path), disk: path, format, cloudInit: format !== 'iso' };
}
