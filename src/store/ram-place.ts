import { lstat, mkdir, readdir, rm, rmdir, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { formatSize } from '../core/units.ts';
import { makeHole } from '../sys/extents.ts';
import { allocatedOf } from '../sys/files.ts';
import type { HomeNames, RunNames } from './names.ts';

/**
 * Share of the file system left free for other programs: when it is full, the kernel kills a guest that touches a new
 * page.
 */
const leftFree = 0.1;

/** The RAM file of a running machine, or of a checkpoint being stored. Named after the run directory. */
export function ramFileOf(home: HomeNames, run: RunNames, purpose = 'ram'): string {
  return process.platform === 'linux'
    ? join(home.ram, `${basename(run.directory)}.${purpose}`)
    : join(run.directory, purpose);
}

/** The file that holds the RAM of a snapshot until it has been stored in the checkpoint; `foundWaitingRam` if it exists. */
export function waitingRam(home: HomeNames, run: RunNames): string {
  return ramFileOf(home, run, 'taken');
}

/**
 * Whether only we own and can access the directory of RAM files. Any user can create one of that name on /dev/shm, or a
 * link: then nothing in it is used or removed.
 */
async function isOurs(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isDirectory()) return false;
  return found.uid === (process.geteuid?.() ?? found.uid) && (found.mode & 0o77) === 0;
}

async function makeOurs(path: string): Promise<boolean> {
  return await mkdir(path, { recursive: true, mode: 0o700 }).then(
    async () => await isOurs(path),
    () => false,
  );
}

/** The names of our RAM files; none if the directory is not ours. */
async function ramNames(home: HomeNames): Promise<string[]> {
  if (!(await isOurs(home.ram))) return [];
  return await readdir(home.ram).catch(() => []);
}

/** The bytes to which RAM files may grow, and the bytes that they take now. */
interface Promised {
  readonly size: number;
  readonly held: number;
}

const nothing: Promised = { size: 0, held: 0 };

/** What the files of a RAM directory take; nothing if it is not a directory of this user. */
async function promisedIn(directory: string): Promise<Promised> {
  if (!(await isOurs(directory))) return nothing;
  const names = await readdir(directory).catch(() => []);
  const files = await Promise.all(
    names.map(async (name) => await lstat(join(directory, name)).catch(() => undefined)),
  );
  return {
    size: files.reduce((sum, file) => sum + (file?.size ?? 0), 0),
    held: files.reduce((sum, file) => sum + (file ? allocatedOf(file) : 0), 0),
  };
}

/** The RAM directories of all homes of this user on the same file system: a full one harms the guests of each. */
async function ramDirectories(home: HomeNames): Promise<string[]> {
  const [parent, own] = [dirname(home.ram), basename(home.ram)];
  const prefix = /^kame-\d+-/.exec(own)?.[0];
  const names = prefix === undefined ? [] : await readdir(parent).catch(() => []);
  const others = names.filter((name) => prefix !== undefined && name.startsWith(prefix) && name !== own);
  return [home.ram, ...others.map((name) => join(parent, name))];
}

/** The memory file system, and its room for one more RAM file. */
export interface RamRoom {
  readonly directory: string;
  /** Size of the file system, in bytes; 0 if it cannot be used. */
  readonly total: number;
  /** Bytes for one more file, even if every guest fills its RAM. */
  readonly bytes: number;
}

/** Measures the room for RAM files. */
export async function ramRoom(home: HomeNames): Promise<RamRoom> {
  const directory = home.ram;
  if (!(await makeOurs(directory))) return { directory, total: 0, bytes: 0 };
  const space = await statfs(directory);
  const promised = await Promise.all((await ramDirectories(home)).map(promisedIn));
  const ours = promised.reduce((sum, { size }) => sum + size, 0);
  const held = promised.reduce((sum, each) => sum + each.held, 0);
  const total = space.blocks * space.bsize;
  const others = total - space.bavail * space.bsize - held;
  return { directory, total, bytes: Math.max(0, Math.floor(total * (1 - leftFree)) - others - ours) };
}

/**
 * Whether there is space for a RAM file of that size, even if every guest fills its RAM. If not, as in a container with
 * a small /dev/shm, the RAM must be anonymous memory of the engine.
 */
export async function hasRamPlace(home: HomeNames, bytes: number): Promise<boolean> {
  return (await ramRoom(home)).bytes >= bytes;
}

/** Why a RAM file of that size has no place, as the end of a sentence. */
export function noRamPlace({ directory, total, bytes: room }: RamRoom, bytes: number): string {
  return total === 0
    ? `${directory} cannot be used: it must be a directory that only this user can enter`
    : `${directory} has room for ${room} more bytes (${formatSize(room)} of ${formatSize(total)}), and ${bytes} bytes (${formatSize(bytes)}) are needed`;
}

/** One reservation at a time: two starts must not count on the same room. */
let reserving: Promise<unknown> = Promise.resolve();

/**
 * Reserves the room for the RAM of a machine that starts, by an empty file of that size: it takes no memory, but counts as
 * if it were full. (To allocate the memory itself would take it from the host, whether the guest needs it or not.)
 * @returns its path, or why there is no room
 */
export async function reserveRam(
  home: HomeNames,
  run: RunNames,
  bytes: number,
): Promise<{ readonly path: string } | { readonly reason: string }> {
  const reserve = async () => {
    const room = await ramRoom(home);
    if (room.bytes < bytes) return { reason: noRamPlace(room, bytes) };
    const path = ramFileOf(home, run);
    // On macOS it is in the run directory, which does not exist yet; there is no memory file system to fill.
    if (process.platform === 'linux') await makeHole(path, bytes);
    return { path };
  };
  const mine = reserving.then(reserve);
  reserving = mine.catch(() => undefined);
  return await mine;
}

/**
 * The RAM of a snapshot that a kill has kept from being stored, or undefined. In a directory that is not ours it is
 * somebody else's, who would choose the memory of a guest.
 */
export async function foundWaitingRam(home: HomeNames, run: RunNames): Promise<string | undefined> {
  const path = waitingRam(home, run);
  if (!(await isOurs(dirname(path)))) return undefined;
  return (await lstat(path).catch(() => undefined))?.isFile() ? path : undefined;
}

/** Removes the RAM of an engine that has ended, and keeps that of a snapshot that waits to be stored. */
export async function removeEngineRam(home: HomeNames, run: RunNames): Promise<void> {
  const path = ramFileOf(home, run);
  if (await isOurs(dirname(path))) await rm(path, { force: true });
}

/** Removes the RAM files of a machine that is no longer running, including those of a checkpoint being stored. */
export async function removeRamFiles(home: HomeNames, run: RunNames): Promise<void> {
  const key = `${basename(run.directory)}.`;
  for (const name of await ramNames(home))
    if (name.startsWith(key)) await rm(join(home.ram, name), { force: true });
}

/**
 * Removes RAM files other than that of the machine itself: of a checkpoint being stored, or one that clones started
 * from.
 */
export async function removeCheckpointRam(home: HomeNames, run: RunNames): Promise<void> {
  if (process.platform !== 'linux') return;
  const key = `${basename(run.directory)}.`;
  for (const name of await ramNames(home)) {
    if (name.startsWith(key) && name !== `${key}ram`) await rm(join(home.ram, name), { force: true });
  }
}

/** Removes RAM files of machines without a run directory, left behind when a daemon and its engines were killed. */
export async function sweepRamFiles(home: HomeNames, known: ReadonlySet<string>): Promise<void> {
  if (process.platform !== 'linux') return;
  const keys = new Set([...known].map((directory) => basename(directory)));
  for (const name of await ramNames(home)) {
    if (!keys.has(name.slice(0, name.indexOf('.')))) await rm(join(home.ram, name), { force: true });
  }
}

/** Removes the directory of RAM files if it is empty. */
export async function removeRamDirectory(home: HomeNames): Promise<void> {
  if (process.platform === 'linux' && (await isOurs(home.ram))) await rmdir(home.ram).catch(() => undefined);
}
