import { lstat, mkdir, readdir, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
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

/** The file that holds the RAM of a snapshot until it has been stored in the checkpoint. */
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

/** The bytes to which our files may grow, and the bytes that they take now. */
async function promised(directory: string): Promise<{ size: number; held: number }> {
  const files = await Promise.all(
    (await readdir(directory)).map(async (name) => await stat(join(directory, name)).catch(() => undefined)),
  );
  return {
    size: files.reduce((sum, file) => sum + (file?.size ?? 0), 0),
    held: files.reduce((sum, file) => sum + (file ? allocatedOf(file) : 0), 0),
  };
}

/**
 * Whether there is space for a RAM file of that size, even if every guest fills its RAM. If not, as in a container with
 * a small /dev/shm, the RAM must be anonymous memory of the engine.
 */
export async function hasRamPlace(home: HomeNames, bytes: number): Promise<boolean> {
  if (!(await makeOurs(home.ram))) return false;
  const [space, ours] = await Promise.all([statfs(home.ram), promised(home.ram)]);
  const total = space.blocks * space.bsize;
  const others = total - space.bavail * space.bsize - ours.held;
  return ours.size + others + bytes <= total * (1 - leftFree);
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
