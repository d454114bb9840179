import type {
  GuestDirectory,
  GuestFile,
  GuestPlace,
  LookAtPath,
  MakeGuestDirectory,
  MakeGuestTemporary,
  RemoveGuestFile,
  RenameGuestFile,
  StatPath,
} from '../../api/guest-files.ts';
import { KameError } from '../../core/errors.ts';
import type { Host } from '../host/host.ts';
import { filesOf, mostListed } from './agent-replies.ts';
import { operate } from './operate.ts';
import { namedPath, wordOf } from './paths.ts';
import { readFile, readFiles, readPath } from './replies.ts';

/** All of these throw KameErrors as `operate` does. */

function changed(): KameError {
  return new KameError('GUEST_FAILED', 'The directory changed while the guest listed it.', {
    next: 'Run the command again.',
  });
}

/** @throws KameError GUEST_FAILED when it was changed meanwhile */
function listed(printed: Buffer): object {
  const files = filesOf(printed);
  if (!files) throw changed();
  return files;
}

/** The files in a directory of a guest, in the order of their names. */
export async function listFiles(
  host: Host,
  reference: string,
  { path, user }: LookAtPath,
  signal: AbortSignal,
): Promise<GuestDirectory> {
  const byAgent = { words: ['list', wordOf(path), String(mostListed + 1)], read: listed };
  const reply = await operate(host, reference, { operation: 'list', path }, byAgent, { signal, user });
  const { items, more } = readFiles(reply);
  return { files: items, more };
}

/** The properties of a file of a guest. */
export async function statFile(
  host: Host,
  reference: string,
  { path, follow, user }: StatPath,
  signal: AbortSignal,
): Promise<GuestFile> {
  const byAgent = {
    words: ['stat', wordOf(path), String(follow)],
    read: (printed: Buffer) => ({ ...filesOf(printed)?.entries[0], name: path }),
  };
  const asked = { operation: 'stat', path, follow };
  return readFile(await operate(host, reference, asked, byAgent, { signal, user }));
}

export async function makeDirectory(
  host: Host,
  reference: string,
  { path, parents, user }: MakeGuestDirectory,
  signal: AbortSignal,
): Promise<GuestPlace> {
  const named = namedPath(path);
  const byAgent = {
    words: ['makeDirectory', wordOf(named), String(parents)],
    read: () => ({ path: named }),
  };
  const asked = { operation: 'makeDirectory', path: named, parents };
  return { path: readPath(await operate(host, reference, asked, byAgent, { signal, user })) };
}

/** Removes a file, a link, or a directory with all that is in it. */
export async function removeFile(
  host: Host,
  reference: string,
  { path, recursive, directory, user }: RemoveGuestFile,
  signal: AbortSignal,
): Promise<GuestPlace> {
  const named = namedPath(path);
  const byAgent = {
    words: ['remove', wordOf(named), String(recursive), String(directory)],
    read: () => ({ path: named }),
  };
  const asked = { operation: 'remove', path: named, recursive, directory };
  return { path: readPath(await operate(host, reference, asked, byAgent, { signal, user })) };
}

/** Renames a file or directory. */
export async function renameFile(
  host: Host,
  reference: string,
  { path, to, replace, user }: RenameGuestFile,
  signal: AbortSignal,
): Promise<GuestPlace> {
  const [from, target] = [namedPath(path), namedPath(to)];
  const byAgent = {
    words: ['rename', wordOf(from), wordOf(target), String(replace)],
    read: () => ({ path: target }),
  };
  const asked = { operation: 'rename', path: from, to: target, replace };
  return { path: readPath(await operate(host, reference, asked, byAgent, { signal, user })) };
}

/** Makes an empty file or directory that did not exist before. */
export async function makeTemporary(
  host: Host,
  reference: string,
  { path = '/tmp', directory, prefix, suffix, user }: MakeGuestTemporary,
  signal: AbortSignal,
): Promise<GuestPlace> {
  const byAgent = {
    ...(suffix === '' ? {} : { needsTools: 'A suffix' }),
    words: ['makeTemporary', wordOf(path), String(directory), prefix],
    read: (printed: Buffer) => ({ path: printed.toString('utf8').replace(/^\.\//u, '') }),
  };
  const asked = { operation: 'makeTemporary', path, directory, prefix, suffix };
  return { path: readPath(await operate(host, reference, asked, byAgent, { signal, user })) };
}
