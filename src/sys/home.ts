import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { KameError } from '../core/errors.ts';

/** macOS allows 104 bytes for the path of a socket, Linux 108, each including the terminating zero. */
const maxSocketPath = 100;

/** The directory that holds all of Kame's files: `KAME_HOME`, or `.kame` in the user's home. Absolute. */
export function kameHome(env: Readonly<Record<string, string | undefined>>): string {
  const chosen = env['KAME_HOME'];
  return chosen === undefined || chosen === '' ? join(homedir(), '.kame') : resolve(chosen);
}

/**
 * The path of the socket on which the daemon of a home listens.
 * @throws KameError HOST_PROBLEM when the path is too long for a socket
 */
export function socketPath(home: string): string {
  const path = join(home, 'kamed.sock');
  const bytes = Buffer.byteLength(path);
  if (bytes > maxSocketPath) {
    throw new KameError(
      'HOST_PROBLEM',
      `The path ${path} is ${bytes} bytes long; the path of a socket may have at most ${maxSocketPath} bytes.`,
      { next: 'Set KAME_HOME to a shorter path.', details: { path, bytes } },
    );
  }
  return path;
}
