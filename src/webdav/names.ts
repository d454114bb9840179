import { Refusal } from './refusal.ts';

/** Of a name with all of its folders, decoded: Linux allows a path no more. */
const maxPathBytes = 4096;
const maxNameBytes = 255;
/** Folders within each other. */
export const maxDepth = 128;

/** Names that the server gives to files that are being written; nobody else sees or has them. */
const ownForm = /^\.kame-put-[0-9a-f]{16}$/;

export function isOwnName(name: string): boolean {
  return ownForm.test(name);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(400, 'The address is not percent-encoded UTF-8.');
  }
}

function checked(name: string): string {
  // A slash that was encoded, a step up or a zero would lead elsewhere than the address says.
  if (name === '.' || name === '..' || /[/\0]/.test(name))
    throw new Refusal(400, 'The address has a name that no file can have.');
  if (Buffer.byteLength(name) > maxNameBytes) throw new Refusal(414, 'A name in the address is too long.');
  if (isOwnName(name)) throw new Refusal(403, 'Names of this form are for files that are being written.');
  return name;
}

/**
 * The names in the path of an address, of which the first is that of a shared folder; none for the list of them.
 * @param address a path, or a whole address as in a Destination; a query is left out
 * @throws Refusal
 */
export function namesIn(address: string): string[] {
  const path = address.replace(/^https?:\/\/[^/]*/i, '').replace(/\?.*$/s, '');
  if (path.includes('#')) throw new Refusal(400, 'The address has a fragment.');
  if (path !== '' && !path.startsWith('/')) throw new Refusal(400, 'The address is not an absolute path.');
  // An encoded byte has three characters.
  if (path.length > 3 * maxPathBytes) throw new Refusal(414, 'The address is too long.');
  const names = path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => checked(decoded(part)));
  if (names.length > maxDepth) throw new Refusal(414, 'The address has too many folders.');
  if (Buffer.byteLength(names.join('/')) > maxPathBytes) throw new Refusal(414, 'The address is too long.');
  return names;
}

/** The address of names; that of a folder ends with a slash. */
export function addressOf(names: readonly string[], isFolder: boolean): string {
  const path = names.map((name) => `/${encodeURIComponent(name)}`).join('');
  return isFolder ? `${path}/` : path;
}

/** Whether `inner` is `outer` or in it. */
export function isWithin(outer: readonly string[], inner: readonly string[]): boolean {
  return outer.length <= inner.length && outer.every((name, at) => name === inner[at]);
}
