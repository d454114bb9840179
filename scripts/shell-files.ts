import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Folders with programs for a shell, and such a program beside them. */
const folders = ['.ci', 'bench', 'guest', 'scripts'];
const files = ['run'];

export interface ShellFile {
  readonly path: string;
  /** The dialect to check it by; undefined where its first line says it in ShellCheck's own words. */
  readonly dialect: 'dash' | undefined;
}

/**
 * Whether a file is a program for a shell, by its first line: `#!` and a shell, or ShellCheck's directive in a file that
 * others read. ShellCheck before 0.10 does not know busybox's shell; dash comes nearest to it.
 */
export function shellFile(path: string, text: string): ShellFile | undefined {
  const line = /^.{0,200}/.exec(text)?.[0] ?? '';
  if (/^#!.*\bbusybox sh\b/.test(line)) return { path, dialect: 'dash' };
  if (/^#!.*\b(ba|da|k)?sh\b/.test(line) || line.startsWith('# shellcheck shell=') || path.endsWith('.sh'))
    return { path, dialect: undefined };
  return undefined;
}

/** Every program for a shell in the repository at `root`, by its path in there. */
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
