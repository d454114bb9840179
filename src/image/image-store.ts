import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { errnoOf, KameError } from '../core/errors.ts';
import type { Checksum } from '../net/checksum.ts';
import type { Hashes } from '../net/part-file.ts';
import { fileError, readFileCapped, writeFileAtomic } from '../sys/files.ts';

const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`, 'u'));

const label = z.object({
  id: z.string().max(200),
  name: z.string().max(300),
  /** Absent if unknown, as for an imported file. */
  arch: z.enum(['aarch64', 'x86_64']).optional(),
  source: z.enum(['catalogue', 'imported']),
  url: z.string().max(4096).optional(),
  /** The strong ETag or the date of what the URL gave. */
  validator: z.string().max(1000).optional(),
  guestOS: z.string().max(100).optional(),
  user: z.string().max(100).optional(),
  cloudInit: z.boolean(),
});

const stored = z.object({
  sha256: hex(64),
  sha512: hex(128),
  bytes: z.int().min(0),
  format: z.enum(['qcow2', 'raw', 'vmdk', 'vhdx', 'vdi', 'iso']),
  addedAt: z.string().max(40),
  labels: z.array(label).min(1).max(100),
});

/** A name of a stored image. */
export type ImageLabel = z.infer<typeof label>;
/** An image in the store: the hashes of its content, and all its names. */
export type StoredImage = z.infer<typeof stored>;

const extension = '.img';
/** Bytes of a description. */
const maxDescription = 1024 * 1024;
const abandonedMs = 7 * 24 * 60 * 60_000;

function sameLabel(one: ImageLabel, other: ImageLabel): boolean {
  return one.id === other.id && one.arch === other.arch;
}

/** Computes the hashes of an existing file. */
export async function hashFile(path: string): Promise<Hashes> {
  const [sha256, sha512] = [createHash('sha256'), createHash('sha512')];
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    sha256.update(chunk);
    sha512.update(chunk);
  }
  return { sha256: sha256.digest('hex'), sha512: sha512.digest('hex') };
}

/**
 * The directory of base images, named by content: `<sha256>.img` and, written after it, `<sha256>.json`, which
 * describes it. An image without `.json` is incomplete. Machines have copies, so any image may be removed at any time.
 */
export class ImageStore {
  readonly directory: string;
  /** Directory of incomplete downloads, which can be continued for a week. */
  readonly downloads: string;

  constructor(directory: string) {
    this.directory = directory;
    this.downloads = join(directory, 'downloads');
  }

  /** Checks that images can be read and added, before long work. @throws KameError FILE_ACCESS */
  async requireAccess(): Promise<void> {
    await access(this.directory, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw fileError(error, this.directory);
    });
  }

  pathOf(image: StoredImage): string {
    return join(this.directory, `${image.sha256}${extension}`);
  }

  /**
   * All complete images. Ignores a description that is unreadable, or whose file is missing or has another size.
   * @throws KameError FILE_ACCESS if the directory cannot be read
   */
  async list(): Promise<StoredImage[]> {
    const images: StoredImage[] = [];
    for (const name of await this.#names()) {
      if (!/^[0-9a-f]{64}\.json$/u.test(name)) continue;
      const image = await this.#read(name);
      if (image) images.push(image);
    }
    return images;
  }

  async findByChecksum(checksum: Checksum): Promise<StoredImage | undefined> {
    return (await this.list()).find((image) => image[checksum.algorithm] === checksum.hex);
  }

  /**
   * Moves a complete file into the store under a label. If the store already has the content, the file is removed. An
   * older image with the same label loses it.
   */
  async add(
    file: string,
    facts: Omit<StoredImage, 'labels' | 'addedAt'>,
    labelled: ImageLabel,
  ): Promise<StoredImage> {
    const known = (await this.list()).find(({ sha256 }) => sha256 === facts.sha256);
    const image = { ...facts, addedAt: new Date().toISOString(), labels: [labelled] };
    if (known) {
      await rm(file, { force: true });
      return this.label(known, labelled);
    }
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      await rename(file, this.pathOf(image));
    } catch (error) {
      throw fileError(error, this.pathOf(image));
    }
    await this.#unlabel((one) => sameLabel(one, labelled));
    await this.#write(image);
    return image;
  }

  /** Adds a name to a stored image. */
  async label(image: StoredImage, labelled: ImageLabel): Promise<StoredImage> {
    const labels = [...image.labels.filter((one) => !sameLabel(one, labelled)), labelled];
    const next = { ...image, labels };
    await this.#write(next);
    await this.#unlabel((one) => sameLabel(one, labelled), image.sha256);
    return next;
  }

  /** Removes names, and images without names. Returns how many names were removed. */
  async remove(matches: (label: ImageLabel) => boolean): Promise<number> {
    return this.#unlabel(matches);
  }

  /** Removes incomplete files. Call it only while no operation is running, such as when the daemon starts. */
  async collectGarbage(now = Date.now()): Promise<void> {
    const whole = new Set((await this.list()).map(({ sha256 }) => sha256));
    for (const hash of await this.#unread()) whole.add(hash);
    for (const name of await this.#names()) {
      const [, hash] = /^([0-9a-f]{64})\.(?:img|json)$/u.exec(name) ?? [];
      const isHalfDone = hash !== undefined && !whole.has(hash);
      if (isHalfDone || /^\..*\.tmp(\.raw)?$/u.test(name))
        await rm(join(this.directory, name), { force: true });
    }
    for (const name of await namesIn(this.downloads)) {
      const path = join(this.downloads, name);
      const facts = await stat(path).catch(() => undefined);
      if (facts && now - facts.mtimeMs > abandonedMs) await rm(path, { force: true });
    }
  }

  /** The hashes of images whose descriptions cannot be read now: nobody knows whether they are complete. */
  async #unread(): Promise<string[]> {
    const hashes = (await this.#names()).flatMap((name) => /^([0-9a-f]{64})\.json$/u.exec(name)?.[1] ?? []);
    const isUnread = async (hash: string) =>
      await readFileCapped(join(this.directory, `${hash}.json`), maxDescription).then(
        () => false,
        (error: unknown) => error instanceof KameError && error.code === 'FILE_ACCESS',
      );
    const unread = await Promise.all(hashes.map(isUnread));
    return hashes.filter((_, at) => unread[at]);
  }

  async #names(): Promise<string[]> {
    return namesIn(this.directory);
  }

  async #read(name: string): Promise<StoredImage | undefined> {
    try {
      const text = (await readFileCapped(join(this.directory, name), maxDescription)).toString('utf8');
      const image = stored.parse(JSON.parse(text));
      const { size } = await stat(this.pathOf(image));
      return size === image.bytes && name === `${image.sha256}.json` ? image : undefined;
    } catch {
      // Incomplete or foreign: ignore it.
      return undefined;
    }
  }

  async #write(image: StoredImage): Promise<void> {
    const text = `${JSON.stringify(image, undefined, 2)}\n`;
    await writeFileAtomic(join(this.directory, `${image.sha256}.json`), text);
  }

  async #unlabel(matches: (label: ImageLabel) => boolean, except?: string): Promise<number> {
    let removed = 0;
    for (const image of await this.list()) {
      const labels = image.labels.filter((one) => !matches(one));
      if (image.sha256 === except || labels.length === image.labels.length) continue;
      removed += image.labels.length - labels.length;
      if (labels.length > 0) await this.#write({ ...image, labels });
      else await this.#drop(image);
    }
    return removed;
  }

  async #drop(image: StoredImage): Promise<void> {
    // Remove the description first: a file without description is collected as garbage, but not the reverse.
    await rm(join(this.directory, `${image.sha256}.json`), { force: true });
    await rm(this.pathOf(image), { force: true });
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, directory);
  }
}
