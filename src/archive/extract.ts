import { chmod, link, lutimes, lchown, mkdir, open, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileError } from '../sys/files.ts';
import type { ArchiveEntry } from './tar/entry.ts';
import { writeSparse } from './sparse.ts';
import type { ArchiveItem } from './tar-read.ts';

export interface ExtractOptions {
  /** An empty directory that nobody else writes to. */
  readonly directory: string;
  /** Whether to give everything to the owners that the archive names; only root may. */
  readonly owner: boolean;
  readonly signal: AbortSignal;
  /** Makes the error for an archive that names what it must not. */
  readonly refuse: (reason: string) => Error;
  readonly onEntry?: (entry: ArchiveEntry) => void;
  /** Told what was left out: devices and pipes. */
  readonly onLeftOut?: (path: string) => void;
}

/** What was extracted. */
export interface Extracted {
  /** The directories, each before those in it. Their permissions and times are not set yet: see `finishDirectories`. */
  readonly directories: readonly ArchiveEntry[];
  readonly files: number;
  readonly bytes: number;
}

/** A stranger's archive gives nobody's rights to anybody. */
const permissions = 0o777;

/**
 * Lays out an archive from a stranger. Everything is made anew in directories that were made anew, so that no name leads
 * out of them: a name that is there twice, also for a file system that does not tell its letters' case, is refused.
 */
class Extractor {
  readonly #options: ExtractOptions;
  readonly directories = new Map<string, ArchiveEntry>();
  readonly #files = new Set<string>();
  bytes = 0;
  count = 0;

  constructor(options: ExtractOptions) {
    this.#options = options;
  }

  async add({ entry, content }: ArchiveItem): Promise<void> {
    const { signal, onEntry, onLeftOut } = this.#options;
    if (signal.aborted) throw new KameError('CANCELLED', 'The copy was cancelled.');
    if (entry.path === '') throw this.#options.refuse('it has an entry without a name');
    this.#requireParent(entry.path);
    const path = join(this.#options.directory, entry.path);
    if (entry.type === 'other') {
      onLeftOut?.(entry.path);
      return;
    }
    if (entry.type !== 'directory') onEntry?.(entry);
    try {
      await this.#make(path, entry, content);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST')
        throw this.#options.refuse(`two of its entries have the name ${JSON.stringify(entry.path)} here`);
      throw error instanceof KameError ? error : fileError(error, path);
    }
  }

  #requireParent(path: string): void {
    const slash = path.lastIndexOf('/');
    if (slash >= 0 && !this.directories.has(path.slice(0, slash)))
      throw this.#options.refuse(`${JSON.stringify(path)} is not in a directory of the archive`);
  }

  async #make(path: string, entry: ArchiveEntry, content: AsyncIterable<Buffer>): Promise<void> {
    if (entry.type === 'directory') {
      await mkdir(path, { mode: 0o700 });
      this.directories.set(entry.path, entry);
      return;
    }
    this.count += 1;
    if (entry.type === 'symlink') await this.#symlink(path, entry);
    else if (entry.type === 'link') await this.#hardLink(path, entry);
    else {
      await this.#file(path, entry, content);
      this.#files.add(entry.path);
    }
  }

  async #symlink(path: string, entry: ArchiveEntry): Promise<void> {
    await symlink(entry.linkName, path);
    if (this.#options.owner) await lchown(path, entry.uid, entry.gid);
    await lutimes(path, entry.mtime, entry.mtime);
  }

  async #hardLink(path: string, entry: ArchiveEntry): Promise<void> {
    if (!this.#files.has(entry.linkName))
      throw this.#options.refuse(
        `${JSON.stringify(entry.path)} is a link to ${JSON.stringify(entry.linkName)}, which is not a file of the archive before it`,
      );
    await link(join(this.#options.directory, entry.linkName), path);
    this.#files.add(entry.path);
  }

  async #file(path: string, entry: ArchiveEntry, content: AsyncIterable<Buffer>): Promise<void> {
    const file = await open(path, 'wx', 0o600);
    try {
      await writeSparse(file, content);
      if (this.#options.owner) await file.chown(entry.uid, entry.gid);
      await file.chmod(entry.mode & permissions);
      await file.utimes(entry.mtime, entry.mtime);
    } finally {
      await file.close();
    }
    this.bytes += entry.size;
  }
}

/**
 * Extracts an archive from a stranger into an empty directory. No link is followed, no device or pipe is made, and setuid
 * bits are dropped.
 * @throws what `refuse` makes; KameError DISK_FULL, FILE_ACCESS, CANCELLED
 */
export async function extract(
  items: AsyncIterable<ArchiveItem>,
  options: ExtractOptions,
): Promise<Extracted> {
  const extractor = new Extractor(options);
  for await (const item of items) await extractor.add(item);
  const { count: files, bytes } = extractor;
  return { directories: [...extractor.directories.values()], files, bytes };
}

/**
 * Gives directories their owners, permissions and times, after all that is in them is in its place.
 * @param pathOf where a directory of the archive is now
 * @throws KameError FILE_ACCESS
 */
export async function finishDirectories(
  directories: readonly ArchiveEntry[],
  owner: boolean,
  pathOf: (entry: ArchiveEntry) => string,
): Promise<void> {
  for (const entry of directories.toReversed()) {
    const path = pathOf(entry);
    try {
      if (owner) await lchown(path, entry.uid, entry.gid);
      await chmod(path, entry.mode & permissions);
      await utimes(path, entry.mtime, entry.mtime);
    } catch (error) {
      throw fileError(error, path);
    }
  }
}
