import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Folders with shell programs, and further shell programs. */
const folders = ['.ci', 'bench', 'compat', 'guest', 'scripts'];
const files = ['run'];

export interface ShellFile {
  readonly path: string;
  /** The dialect for ShellCheck; undefined if ShellCheck recognises it from the first line. */
  readonly dialect: 'dash' | undefined;
}

/**
 * Recognises a shell program by its first line: `#!` and a shell, or a ShellCheck directive in a file that others
 * source. ShellCheck before 0.10 does not know the busybox shell; dash is the closest.
 */
export function shellFile(path: string, text: string): ShellFile | undefined {
  const line = /^.{0,200}/.exec(text)?.[0] ?? '';
  if (/^#!.*\bbusybox sh\b/.test(line)) return { path, dialect: 'dash' };
  if (/^#!.*\b(ba|da|k)?sh\b/.test(line) || line.startsWith('# shellcheck shell=') || path.endsWith('.sh'))
    return { path, dialect: undefined };
  return undefined;
}

/** Every shell program in the repository at `root`, by its path relative to it. */
export function shellFiles(root: string): ShellFile[] {
  const inFolders = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name))),
  );
  return [...files, ...inFolders]
    .sort()
    .map((path) => shellFile(path, readFileSync(join(root, path), 'latin1')))
    .filter((file) => file !== undefined);
}
