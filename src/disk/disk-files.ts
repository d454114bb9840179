import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { namesFile, namesProtocol } from './backing-name.ts';
import { maxLayers } from './chain.ts';
import { isMapHead, mapHeadBytes, readMapFacts } from './map-facts.ts';
import { stampOf, type FileStamp } from './file-stamp.ts';
import { ImageFile } from './format/image-file.ts';
import { checkQcow2, hasQcow2Magic } from './qcow2-header.ts';

/** A file of a disk. */
export interface DiskFile extends FileStamp {
  /** Absolute, in a directory without symbolic links. */
  readonly path: string;
  /** Device and inode of that directory, `DEV:INO`. */
  readonly directory: string;
  readonly format: 'qcow2' | 'raw';
  /** Number of hard links. */
  readonly links: number;
  /** Its backing file as named in its header; null for none. */
  readonly backingName: string | null;
  /** Paths of the files that a map shows. */
  readonly originals?: readonly string[];
}

/** The files of a disk, from the top down, as far as they can be read. */
export interface DiskFiles {
  readonly files: readonly DiskFile[];
  /** The path of the file that the last one refers to but that cannot be read; null if these are all files. */
  readonly missing: string | null;
  /** The files that its map shows, for a disk that is used in place. */
  readonly originals: readonly DiskFile[];
}

async function realPathOf(path: string): Promise<string> {
  const directory = await realpath(dirname(path)).catch(() => resolve(dirname(path)));
  return join(directory, basename(path));
}

/** A file of a disk by its header, or undefined if it cannot be read. */
async function readFile(path: string): Promise<DiskFile | undefined> {
  try {
    const [stamp, directory] = [await stampOf(path), await stampOf(dirname(path))];
    if (!stamp || !directory) return undefined;
    await using file = await ImageFile.open(path);
    const common = { ...stamp, path, directory: directory.file, links: file.links };
    if (isMapHead(await file.readUpTo(0, mapHeadBytes))) {
      const { originals } = await readMapFacts(file);
      return { ...common, format: 'qcow2', backingName: null, originals: originals.map((each) => each.path) };
    }
    if (!hasQcow2Magic(await file.readUpTo(0, 4))) return { ...common, format: 'raw', backingName: null };
    const { backing } = await checkQcow2(file, { backing: 'tell', tables: false });
    return { ...common, format: 'qcow2', backingName: backing?.name ?? null };
  } catch {
    return undefined;
  }
}

async function readOriginals(paths: readonly string[]): Promise<Pick<DiskFiles, 'originals' | 'missing'>> {
  const originals: DiskFile[] = [];
  let missing: string | null = null;
  for (const path of paths) {
    const file = await readFile(path);
    if (file) originals.push(file);
    else missing ??= path;
  }
  return { originals, missing };
}

/** A file at a path, which may lead through links. */
interface Found {
  /** In a directory without symbolic links. */
  readonly path: string;
  /** Undefined if it cannot be read. */
  readonly file: DiskFile | undefined;
}

type Look = (path: string) => Promise<Found>;

async function look(given: string): Promise<Found> {
  const path = await realPathOf(given);
  return { path, file: await readFile(path) };
}

/**
 * The files of a disk by their headers, wherever they are: to find out what a disk builds on, never to open it. Unlike
 * readChain, this accepts any directory and stops where it cannot read on. Never throws.
 */
export async function filesOfDisk(top: string, at: Look = look): Promise<DiskFiles> {
  const files: DiskFile[] = [];
  const seen = new Set<string>();
  for (let next = resolve(top); ;) {
    const { path, file } = await at(next);
    const none = { files, originals: [] };
    if (!file || seen.has(file.file) || files.length === maxLayers) return { ...none, missing: path };
    seen.add(file.file);
    files.push(file);
    const { backingName, originals = [] } = file;
    if (backingName === null) return { files, ...(await readOriginals(originals)) };
    if (namesProtocol(backingName) || !namesFile(backingName)) return { ...none, missing: backingName };
    // Not `join`: in `a/../b` the kernel follows a symbolic link `a` before it goes up.
    next = isAbsolute(backingName) ? backingName : `${dirname(path)}/${backingName}`;
  }
}

/**
 * `filesOfDisk` for each of several disks that build on each other, as those of snapshots do: each file is read once, not once for every
 * disk above it.
 */
export async function filesOfDisks(tops: Iterable<string>): Promise<DiskFiles[]> {
  const known = new Map<string, Promise<Found>>();
  const once: Look = async (path) => {
    const found = known.get(path) ?? look(path);
    known.set(path, found);
    return await found;
  };
  const disks: DiskFiles[] = [];
  for (const top of tops) disks.push(await filesOfDisk(top, once));
  return disks;
}
