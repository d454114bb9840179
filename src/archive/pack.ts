import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, readlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError } from '../core/errors.ts';
import { fileError } from '../sys/files.ts';
import { inBlocks, type ArchiveEntry } from './tar/entry.ts';
import { endOfArchive, headerOf } from './tar-header.ts';

/** A file or directory of this computer, and its name in the archive. */
export interface PackSource {
  readonly path: string;
  readonly name: string;
}

export interface PackOptions {
  /** Whether to keep the owners; otherwise everything belongs to root. */
  readonly owner: boolean;
  readonly signal: AbortSignal;
  /** Told each file or link that is begun. */
  readonly onEntry?: (entry: ArchiveEntry) => void;
  /** Told what cannot be in an archive, such as a socket, or was changed while it was read. */
  readonly onProblem?: (path: string, problem: string) => void;
}

/** What there is to copy. */
export interface PackTotal {
  readonly files: number;
  readonly bytes: number;
}

const partBytes = 1024 * 1024;

interface Found {
  readonly path: string;
  readonly name: string;
  readonly stats: Stats;
}

async function namesIn(path: string): Promise<string[]> {
  const names = await readdir(path, { encoding: 'buffer' });
  return names
    .map((bytes) => {
      const name = bytes.toString('utf8');
      if (!Buffer.from(name).equals(bytes))
        throw new KameError('INVALID_VALUE', `A name in ${path} is not UTF-8: ${JSON.stringify(name)}.`, {
          next: 'Rename it, and try again.',
        });
      return name;
    })
    .sort();
}

/** All that is at a path and below, directories before what is in them. Links are not followed. */
async function* walk({ path, name }: PackSource, signal: AbortSignal): AsyncGenerator<Found> {
  if (signal.aborted) throw new KameError('CANCELLED', 'The copy was cancelled.');
  const stats = await lstat(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  yield { path, name, stats };
  if (!stats.isDirectory()) return;
  const names = await namesIn(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  for (const each of names) yield* walk({ path: join(path, each), name: `${name}/${each}` }, signal);
}

/** Counts what there is to copy. @throws KameError FILE_ACCESS, INVALID_VALUE, CANCELLED */
export async function measure(sources: readonly PackSource[], signal: AbortSignal): Promise<PackTotal> {
  let [files, bytes] = [0, 0];
  for (const source of sources) {
    for await (const { stats } of walk(source, signal)) {
      if (stats.isDirectory()) continue;
      files += 1;
      if (stats.isFile()) bytes += stats.size;
    }
  }
  return { files, bytes };
}

/** The content of a file in whole blocks, of the size that the archive promises. */
async function* contentOf(
  file: FileHandle,
  { path, size, signal, onProblem }: { path: string; size: number } & Omit<PackOptions, 'owner'>,
): AsyncGenerator<Buffer> {
  let left = size;
  while (left > 0) {
    if (signal.aborted) throw new KameError('CANCELLED', 'The copy was cancelled.');
    // A new buffer for each part: the reader may still have the last one.
    const buffer = Buffer.allocUnsafeSlow(Math.min(partBytes, left));
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) break;
    left -= bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  if (left > 0) onProblem?.(path, 'became shorter while it was copied; zeros fill the rest');
  for (let fill = left + inBlocks(size) - size; fill > 0; fill -= partBytes)
    yield Buffer.alloc(Math.min(partBytes, fill));
}

class Packer {
  readonly #options: PackOptions;
  /** Names in the archive of files with several names, by device and inode. */
  readonly #linked = new Map<string, string>();

  constructor(options: PackOptions) {
    this.#options = options;
  }

  async *pack({ path, name, stats }: Found): AsyncGenerator<Buffer> {
    const common = this.#common(name, stats);
    if (stats.isDirectory()) yield headerOf({ ...common, type: 'directory' });
    else if (stats.isSymbolicLink()) {
      const entry = { ...common, type: 'symlink' as const, linkName: await readlink(path) };
      this.#options.onEntry?.(entry);
      yield headerOf(entry);
    } else if (stats.isFile()) yield* this.#file(path, common, stats);
    else this.#options.onProblem?.(path, 'is neither a file nor a directory nor a link, and was left out');
  }

  #common(path: string, { mode, uid, gid, mtimeMs }: Stats): ArchiveEntry {
    const owner = this.#options.owner ? { uid, gid } : { uid: 0, gid: 0 };
    const mtime = Math.max(0, Math.floor(mtimeMs / 1000));
    return { path, type: 'file', mode: mode & 0o7777, ...owner, mtime, size: 0, linkName: '' };
  }

  async *#file(path: string, common: ArchiveEntry, { nlink, dev, ino }: Stats): AsyncGenerator<Buffer> {
    const key = `${dev}:${ino}`;
    const first = nlink > 1 ? this.#linked.get(key) : undefined;
    if (first !== undefined) {
      const entry = { ...common, type: 'link' as const, linkName: first };
      this.#options.onEntry?.(entry);
      yield headerOf(entry);
      return;
    }
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await file.stat();
      const entry = { ...common, type: 'file' as const, size };
      this.#options.onEntry?.(entry);
      yield headerOf(entry);
      yield* contentOf(file, { ...this.#options, path, size });
      if (nlink > 1) this.#linked.set(key, common.path);
    } finally {
      await file.close();
    }
  }
}

/**
 * Makes a tar archive of files and directories of this computer: modes, times in whole seconds, symbolic links as they are,
 * hard links.
 * @throws KameError FILE_ACCESS, INVALID_VALUE, CANCELLED
 */
export async function* pack(
  sources: readonly PackSource[],
  options: PackOptions,
): AsyncGenerator<Buffer, void> {
  const packer = new Packer(options);
  for (const source of sources) {
    for await (const found of walk(source, options.signal)) {
      try {
        yield* packer.pack(found);
      } catch (error) {
        throw fileError(error, found.path);
      }
    }
  }
  yield endOfArchive;
}
