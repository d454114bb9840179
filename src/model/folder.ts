import { shown } from './problem.ts';

/** What a folder of the library may be, for messages. */
export const folderForm = 'up to 8 names of up to 80 characters, with / between them';

const maxDepth = 8;
const maxCharacters = 80;

/**
 * The folder of the library that a text names, as `work/web`: without spaces and slashes at the ends of its names, in Unicode
 * NFC. Folders are not directories: a folder is there while a machine is in it.
 * @returns undefined if it is not valid; empty for none
 */
export function folderNamed(text: string): string | undefined {
  const names = text
    .normalize('NFC')
    .split('/')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const fits = names.every((name) => Array.from(name).length <= maxCharacters && shown(name) === name);
  return fits && names.length <= maxDepth ? names.join('/') : undefined;
}

/** Whether a folder is another one, or within it. Everything is within the one without a name. */
export function isWithin(folder: string, outer: string): boolean {
  return outer === '' || folder === outer || folder.startsWith(`${outer}/`);
}
