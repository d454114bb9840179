import { KameError } from '../../core/errors.ts';
import { createClient } from '../core/client.ts';
import type { CallOptions } from '../core/options.ts';
import { NotListening, UnixTransport } from './unix-transport.ts';

const stopDeadlineMs = 15_000;

/**
 * Stops the daemon that listens on a socket and waits until the socket is closed. Machines keep running.
 * @returns false if no daemon was listening
 * @throws KameError DAEMON_UNREACHABLE, CANCELLED
 */
export async function stopDaemon(socket: string, options?: CallOptions): Promise<boolean> {
  try {
    await createClient(new UnixTransport(socket)).daemon.stop(options);
  } catch (error) {
    if (error instanceof NotListening) return false;
    // A daemon that is ending already resets the connection: then it only has to be waited for.
    if (!(error instanceof KameError) || error.code !== 'DAEMON_UNREACHABLE') throw error;
  }
  const { waitUntilGone } = await import('./wait-until-gone.ts');
  if (!(await waitUntilGone(socket, stopDeadlineMs))) {
    throw new KameError('DAEMON_UNREACHABLE', `The daemon did not stop within ${stopDeadlineMs / 1000} s.`);
  }
  return true;
}
