import type { Machine } from '../../../src/api/generated/shapes.ts';
import { isWithin } from '../../../src/model/folder.ts';

/** A folder of the library. */
export interface Folder {
  /** With all names, as in `work/web`. */
  readonly path: string;
  /** The last name. */
  readonly name: string;
  /** The machines in it and in folders within it. */
  readonly count: number;
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folders directly within a folder, by name. */
export function foldersIn(machines: readonly Machine[], outer: string): Folder[] {
  const depth = outer === '' ? 0 : outer.split('/').length;
  const counts = new Map<string, number>();
  for (const { folder } of machines) {
    if (folder === outer || !isWithin(folder, outer)) continue;
    const path = folder
      .split('/')
      .slice(0, depth + 1)
      .join('/');
    counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return [...counts]
    .map(([path, count]) => ({ path, name: lastName(path), count }))
    .sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

/** The folders around a folder, from the outermost to itself. */
export function pathTo(folder: string): { readonly path: string; readonly name: string }[] {
  const names = folder === '' ? [] : folder.split('/');
  return names.map((name, at) => ({ path: names.slice(0, at + 1).join('/'), name }));
}

/** The address of a folder within the web desktop. The router decodes a part of it, so `%` is written twice over. */
export function folderPage(folder: string): string {
  const names = folder === '' ? [] : folder.split('/');
  const parts = names.map((name) => encodeURIComponent(name.replaceAll('%', '%25')));
  return folder === '' ? '/' : ['', 'folders', ...parts].join('/');
}

/** The folder of an address, from what the router made of it. */
export function folderAt(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}
