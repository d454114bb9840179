import { realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileError } from './files.ts';
import { chosenHome } from './home-path.ts';
import { isOwner } from './own-file.ts';

/** macOS allows 104 bytes for the path of a socket, Linux 108, each including the terminating zero. */
const maxSocketPath = 100;

/** A path without symbolic links, as far as it exists. */
export function realPathSync(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    const parent = dirname(path);
    if (errnoOf(error) !== 'ENOENT' || parent === path) return path;
    return join(realPathSync(parent), basename(path));
  }
}

/**
 * The directory that holds all of Kame's files: `KAME_HOME`, or `.kame` in the user's home. Absolute, and without symbolic
 * links: machines are known by their paths, and one machine must not have two. A link is kept where the real path is too
 * long for a socket.
 */
export function kameHome(env: Readonly<Record<string, string | undefined>>): string {
  const given = chosenHome(env);
  const real = realPathSync(given);
  return socketBytes(real) <= maxSocketPath ? real : given;
}

function statOf(home: string): Stats | undefined {
  try {
    return statSync(home, { throwIfNoEntry: false });
  } catch (error) {
    throw fileError(error, home);
  }
}

/**
 * Refuses the home of another user, as `own-file.ts` refuses their files. Root could use it, by `sudo` with the user's
 * environment; but then files of root would lie among theirs, and root would do what they have written there.
 * @throws KameError FILE_ACCESS
 */
export function requireOwnHome(home: string): void {
  const found = statOf(home);
  if (found === undefined || isOwner(found.uid)) return;
  throw new KameError(
    'FILE_ACCESS',
    `${home} belongs to another user (uid ${found.uid}), so Kame does not use it.`,
    {
      next: 'Run Kame as that user, set KAME_HOME to a directory of your own, or change its owner.',
      details: { path: home },
    },
  );
}

/** The directory of a home with files for programs that know those of other hypervisors. */
export function compatPath(home: string): string {
  return join(home, 'compat');
}

function socketIn(home: string): string {
  return join(home, 'kamed.sock');
}

function socketBytes(home: string): number {
  return Buffer.byteLength(socketIn(home));
}

/**
 * The path of the socket on which the daemon of a home listens.
 * @throws KameError HOST_PROBLEM when the path is too long for a socket
 */
export function socketPath(home: string): string {
  const path = socketIn(home);
  const bytes = socketBytes(home);
  if (bytes > maxSocketPath) {
    throw new KameError(
      'HOST_PROBLEM',
      `The path ${path} is ${bytes} bytes long; the path of a socket may have at most ${maxSocketPath} bytes.`,
      { next: 'Set KAME_HOME to a shorter path.', details: { path, bytes } },
    );
  }
  return path;
}
