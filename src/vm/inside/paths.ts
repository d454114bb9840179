import { KameError } from '../../core/errors.ts';

/** A path for a program in the guest: relative to its directory, it cannot be taken for an option. */
export function wordOf(path: string): string {
  return path.startsWith('/') ? path : `./${path}`;
}

/**
 * The path of something that can be made, removed or renamed, without slashes at its end.
 * @throws KameError INVALID_VALUE when it does not end with a name
 */
export function namedPath(path: string): string {
  const trimmed = path.replace(/\/+$/u, '');
  if (['', '.', '..'].includes(trimmed.slice(trimmed.lastIndexOf('/') + 1))) {
    throw new KameError('INVALID_VALUE', `The path "${path}" does not end with the name of a file.`, {
      next: 'Name the file or directory itself.',
    });
  }
  return trimmed;
}
