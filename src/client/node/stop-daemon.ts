import { KameError } from '../../core/errors.ts';
import { createClient, type Client } from '../core/client.ts';
import type { CallOptions } from '../core/options.ts';
import { NotListening, UnixTransport } from './unix-transport.ts';

const stopDeadlineMs = 15_000;

/** Asks a daemon to stop. @throws NotListening, KameError CANCELLED */
async function askToStop({ daemon }: Client, options?: CallOptions): Promise<void> {
  try {
    await daemon.stop(options);
  } catch (error) {
    // A daemon that is ending already resets the connection: then it only has to be waited for.
    if (!(error instanceof KameError) || error.code !== 'DAEMON_UNREACHABLE') throw error;
  }
}

/** The pid of a daemon; null when it does not tell. @throws NotListening, KameError CANCELLED */
async function pidOf({ daemon }: Client, options?: CallOptions): Promise<number | null> {
  try {
    return (await daemon.status(options)).pid;
  } catch (error) {
    // One that is ending, or of a version with another answer, is stopped all the same.
    if (error instanceof KameError && error.code !== 'CANCELLED') return null;
    throw error;
  }
}

/**
 * Stops the daemon that listens on a socket and waits until its process has ended, which lets go of its machines after it
 * has closed the socket. Machines keep running.
 * @returns false if no daemon was listening
 * @throws KameError DAEMON_UNREACHABLE, CANCELLED
 */
export async function stopDaemon(socket: string, options?: CallOptions): Promise<boolean> {
  const client = createClient(new UnixTransport(socket));
  let pid: number | null;
  try {
    pid = await pidOf(client, options);
    await askToStop(client, options);
  } catch (error) {
    if (error instanceof NotListening) return false;
    throw error;
  }
  const { waitUntilGone } = await import('./wait-until-gone.ts');
  if (!(await waitUntilGone(socket, pid, stopDeadlineMs))) {
    throw new KameError('DAEMON_UNREACHABLE', `The daemon did not stop within ${stopDeadlineMs / 1000} s.`);
  }
  return true;
}
