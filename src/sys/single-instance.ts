import { chmod, mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
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

/**
 * Listens on a Unix socket as its only owner: the socket is the lock. A socket left by a dead process is replaced. A
 * lock file, which becomes stale when its holder dies, makes checking and binding one step.
 * @param listen binds the socket and resolves when it is listening
 * @throws KameError BUSY when a living process is listening, or about to listen
 */
export async function listenAlone(path: string, listen: () => Promise<void>): Promise<void> {
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
    await rm(path, { force: true });
    // The socket gets its mode from the umask: no other user may connect, not even for an instant.
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
