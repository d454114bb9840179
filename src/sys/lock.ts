import { randomBytes } from 'node:crypto';
import { link, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileId } from './file-id.ts';
import { fileError, writeFileAtomic } from './files.ts';
import { readOwnIfThere } from './own-file.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

/** The content of a lock file: the process that holds the lock, and why. */
export interface LockHolder extends ProcessIdentity {
  /** For people, such as `kamed` or `qemu`. */
  readonly purpose: string;
}

/** A lock file has about 200 bytes, and the length of a path. */
const maxBytes = 16 * 1024;

/** A lock as it is written: with its place, by which it is known in a copy of the directory. */
interface LockFile extends LockHolder {
  readonly path?: string;
  /** Device and inode of the directory. */
  readonly directory?: string;
}

async function directoryId(path: string): Promise<string> {
  return (await fileId(dirname(path), { follow: true })) ?? '';
}

async function lockText(path: string, holder: LockHolder): Promise<string> {
  const file: LockFile = { ...holder, path, directory: await directoryId(path) };
  return JSON.stringify(file);
}

/** Whether a lock was copied with its directory: then its holder uses the original. A moved one still has its directory. */
async function isCopy(path: string, lock: LockFile): Promise<boolean> {
  if (lock.path === undefined || lock.path === path) return false;
  return lock.directory !== (await directoryId(path));
}

/** The holder of a lock with this text, if it lives and uses this directory. */
async function livingHolder(path: string, text: string): Promise<LockHolder | undefined> {
  const lock = parseLock(text);
  if (!lock || (await isCopy(path, lock)) || !(await isAlive(lock))) return undefined;
  const { pid, birth, purpose } = lock;
  return { pid, birth, purpose };
}

function parseLock(text: string): LockFile | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, birth, purpose, path, directory } = value as Record<string, unknown>;
    if (typeof pid !== 'number' || typeof birth !== 'string' || typeof purpose !== 'string') return undefined;
    const isPlaced = typeof path === 'string' && typeof directory === 'string';
    return { pid, birth, purpose, ...(isPlaced ? { path, directory } : {}) };
  } catch {
    return undefined;
  }
}

async function readText(path: string): Promise<string | undefined> {
  return (await readOwnIfThere(path, { maxBytes }))?.toString('utf8');
}

/**
 * The living process that holds the lock, or undefined. The lock of a dead process does not count.
 * @throws KameError FILE_ACCESS, INVALID_VALUE when the lock cannot be read, so that nobody knows whether it is held
 */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  return await livingHolder(path, (await readText(path)) ?? '');
}

/** Moves a stale lock aside. The moved file is checked again, and put back if it is a lock that was taken meanwhile. */
async function clearStale(path: string, staleText: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.stale`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw fileError(error, path);
  }
  if ((await readText(aside)) !== staleText) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/**
 * Takes a lock for this process. The lock file is linked into place when it is complete, so no reader sees a partial
 * one. A stale lock, left by a process that has ended, is replaced.
 * @throws KameError BUSY naming the holder
 */
export async function takeLock(path: string, purpose: string, subject: string): Promise<void> {
  const me = await identify(process.pid);
  const mine = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    if (!me) throw new KameError('INTERNAL', 'This process cannot be identified.');
    await writeFile(mine, await lockText(path, { ...me, purpose }), { flag: 'wx', mode: 0o600 });
    for (let attempt = 0; attempt < 10; attempt += 1) {
      try {
        await link(mine, path);
        return;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw fileError(error, path);
      }
      const text = await readText(path);
      if (text === undefined) continue;
      const holder = await livingHolder(path, text);
      if (holder) throw busy(subject, holder);
      await clearStale(path, text);
    }
    throw new KameError('BUSY', `${subject} is locked: ${path} keeps changing hands.`);
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await rm(mine, { force: true });
  }
}

function busy(subject: string, holder: LockHolder): KameError {
  return new KameError('BUSY', `${subject} is in use by ${holder.purpose} (process ${holder.pid}).`, {
    details: { pid: holder.pid },
  });
}

/** Removes the lock of a dead process; the lock of a living process stays. */
export async function clearDeadLock(path: string): Promise<void> {
  const text = await readText(path);
  if (text === undefined) return;
  if (!(await livingHolder(path, text))) await clearStale(path, text);
}

/** Transfers a lock that this process holds to another process, in one step: it is never free in between. */
export async function handLock(path: string, to: LockHolder): Promise<void> {
  await writeFileAtomic(path, await lockText(path, to));
}

/** Releases a lock of this process. */
export async function releaseLock(path: string): Promise<void> {
  await rm(path, { force: true });
}
