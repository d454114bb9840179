import { lstat, mkdir, readdir, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errnoOf } from '../core/errors.ts';
import { allocatedOf } from '../sys/files.ts';
import type { HomeNames, RunNames } from './names.ts';

/** Room that is left to other programs: a guest whose page finds no room is killed by the system. */
const leftFree = 0.1;

/** The RAM file of a machine that runs, or of a checkpoint on its way. Named after the run directory. */
export function ramFileOf(home: HomeNames, run: RunNames, purpose = 'ram'): string {
  return process.platform === 'linux'
    ? join(home.ram, `${basename(run.directory)}.${purpose}`)
    : join(run.directory, purpose);
}

/** Where the RAM of a snapshot waits until it has its lasting place. */
export function waitingRam(home: HomeNames, run: RunNames): string {
  return ramFileOf(home, run, 'taken');
}

/** Other users can make directories beside ours: one that is not ours alone is not used. */
async function ownDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const found = await lstat(path);
    return (
      found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid) && (found.mode & 0o77) === 0
    );
  } catch {
    return false;
  }
}

/** Bytes that our files may grow to, and bytes that they hold now. */
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
 * Whether a RAM file of that many bytes has room beside all others, even when every guest fills its RAM. Where it has not,
 * as in a container with a small /dev/shm, RAM must be memory of the engine.
 */
export async function hasRamPlace(home: HomeNames, bytes: number): Promise<boolean> {
  if (!(await ownDirectory(home.ram))) return false;
  const [space, ours] = await Promise.all([statfs(home.ram), promised(home.ram)]);
  const total = space.blocks * space.bsize;
  const others = total - space.bavail * space.bsize - ours.held;
  return ours.size + others + bytes <= total * (1 - leftFree);
}

/** Removes the RAM files of a machine that no longer runs, those of a checkpoint on its way too. */
export async function removeRamFiles(home: HomeNames, run: RunNames): Promise<void> {
  const key = `${basename(run.directory)}.`;
  const names = await readdir(home.ram).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [] as string[];
    throw error;
  });
  for (const name of names) if (name.startsWith(key)) await rm(join(home.ram, name), { force: true });
}

/** Removes what checkpoints of a machine left beside its RAM: memory on its way, and what clones started from. */
export async function removeCheckpointRam(home: HomeNames, run: RunNames): Promise<void> {
  if (process.platform !== 'linux') return;
  const key = `${basename(run.directory)}.`;
  for (const name of await readdir(home.ram).catch(() => [])) {
    if (name.startsWith(key) && name !== `${key}ram`) await rm(join(home.ram, name), { force: true });
  }
}

/** Removes RAM files whose machine has no run directory any more: a daemon and its engines were killed. */
export async function sweepRamFiles(home: HomeNames, known: ReadonlySet<string>): Promise<void> {
  if (process.platform !== 'linux') return;
  const keys = new Set([...known].map((directory) => basename(directory)));
  for (const name of await readdir(home.ram).catch(() => [])) {
    if (!keys.has(name.slice(0, name.indexOf('.')))) await rm(join(home.ram, name), { force: true });
  }
}

/** Removes the directory of RAM files when there is none. */
export async function removeRamDirectory(home: HomeNames): Promise<void> {
  if (process.platform === 'linux') await rmdir(home.ram).catch(() => undefined);
}
