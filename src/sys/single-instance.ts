import { chmod, mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileError } from './files.ts';
import { releaseLock, takeLock } from './lock.ts';

/** Whether somebody listens on a Unix socket. A socket file of a dead process refuses. */
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
 * On a full disk there is no lock to be had, but machines that run must still be reached: the question whether somebody
 * answers is all that remains, and leaves a gap of a moment for two who begin at once.
 */
function forgiveFullDisk(error: unknown): void {
  if (!(error instanceof KameError) || error.code !== 'DISK_FULL') throw error;
}

/**
 * Listens on a Unix socket as its only owner: the socket is the lock. What a dead process left is replaced. Looking and
 * binding are one step for others, by a lock file that dies with its holder.
 * @param listen binds the socket and resolves when it listens
 * @throws KameError BUSY when a living process listens, or is about to
 */
export async function listenAlone(path: string, listen: () => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await chmod(dirname(path), 0o700);
  const lock = `${path}.lock`;
  await takeLock(lock, 'kamed', path).catch(forgiveFullDisk);
  try {
    if (await socketAnswers(path)) {
      throw new KameError('BUSY', `A daemon listens on ${path} already.`, {
        next: 'kame daemon status shows it.',
      });
    }
    await rm(path, { force: true });
    // The socket is made with the process's umask: nobody else may connect, not even for an instant.
    const umask = process.umask(0o177);
    try {
      await listen();
    } finally {
      process.umask(umask);
    }
  } finally {
    await releaseLock(lock);
  }
}
