import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileId } from './file-id.ts';
import { fileError } from './files.ts';
import { releaseLock, takeLock } from './lock.ts';

/** Whether a process listens on a Unix socket. The socket file of a dead process refuses connections. */
export async function socketAnswers(path: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'ENOTSOCK'].includes(errnoOf(error) ?? '')) resolve(false);
      else reject(fileError(error, path));
    });
  });
}

/**
 * On a full disk no lock can be taken, but running machines must stay reachable. Then only the check for a listener
 * remains, which leaves a short window for two daemons that start at the same time.
 */
function forgiveFullDisk(error: unknown): void {
  if (!(error instanceof KameError) || error.code !== 'DISK_FULL') throw error;
}

/** Removes what processes left that were killed before they renamed their sockets. */
async function removeUnnamed(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true }))
    if (entry.isSocket() && /^\.\d{1,10}$/.test(entry.name))
      await rm(join(directory, entry.name), { force: true });
}

/**
 * Removes a socket unless another process has replaced it, as happens when the directory was removed and made again
 * while this one listened.
 */
async function removeOwn(path: string, lock: string, id: string | null): Promise<void> {
  try {
    await takeLock(lock, 'kamed', path);
  } catch {
    // Another process is about to replace the socket, or the disk is full: the file of a dead listener harms nobody.
    return;
  }
  try {
    if (id !== null && (await fileId(path)) === id) await rm(path, { force: true });
  } finally {
    await releaseLock(lock);
  }
}

/**
 * Listens on a Unix socket as its only owner: the socket is the lock. A socket left by a dead process is replaced. A
 * lock file, which becomes stale when its holder dies, makes checking and binding one step.
 * @param listen binds a socket at the path that it gets, which is not longer, and resolves when it is listening. The
 * socket is then renamed: Node removes the path that it has bound whatever is there by then.
 * @returns to be disposed when nothing listens any more: removes the socket
 * @throws KameError BUSY when a living process is listening, or about to listen
 */
export async function listenAlone(
  path: string,
  listen: (at: string) => Promise<void>,
): Promise<AsyncDisposable> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await chmod(dirname(path), 0o700);
  const lock = `${path}.lock`;
  await takeLock(lock, 'kamed', path).catch(forgiveFullDisk);
  try {
    if (await socketAnswers(path)) {
      throw new KameError('BUSY', `A daemon is already listening on ${path}.`, {
        next: 'Run `kame daemon status` to see it.',
      });
    }
    await removeUnnamed(dirname(path));
    const at = join(dirname(path), `.${process.pid}`);
    // The socket gets its mode from the umask: no other user may connect, not even for an instant.
    const umask = process.umask(0o177);
    try {
      await listen(at);
    } finally {
      process.umask(umask);
    }
    await rename(at, path);
    const id = await fileId(path);
    return { [Symbol.asyncDispose]: async () => await removeOwn(path, lock, id) };
  } finally {
    await releaseLock(lock);
  }
}
