import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KameError } from '../core/errors.ts';
import { fileError } from './files.ts';

const packageName = 'kame-vm';
let root: string | undefined;

function isPackageRoot(directory: string): boolean {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return (
      typeof manifest === 'object' && manifest !== null && 'name' in manifest && manifest.name === packageName
    );
  } catch {
    return false;
  }
}

/**
 * The root directory of the package. It is found by walking up from this module, which is in `src/sys/` in a clone and
 * in `dist/` in a build, so that both find the same files.
 * @throws KameError INTERNAL when no parent directory is the root of the package
 */
export function packageRoot(start: string = dirname(fileURLToPath(import.meta.url))): string {
  if (root !== undefined) return root;
  for (let directory = start; ; directory = dirname(directory)) {
    if (isPackageRoot(directory)) return (root = directory);
    if (directory === dirname(directory)) {
      throw new KameError('INTERNAL', `The files of ${packageName} were not found above ${start}.`, {
        next: 'Reinstall Kame: its package is incomplete.',
      });
    }
  }
}

/**
 * The path of a file that ships with the package, such as `guest/tiny/init`.
 * @throws KameError INTERNAL for a path outside the package, or when the package is incomplete
 */
export function assetPath(relative: string): string {
  const clean = normalize(relative);
  if (clean.startsWith('..') || clean.startsWith('/')) {
    throw new KameError('INTERNAL', `${relative} is not a path inside the package.`);
  }
  return join(packageRoot(), clean);
}

const texts = new Map<string, string>();

/**
 * The text of a small file that ships with the package, such as a program for guests. Each is read once.
 * @throws KameError INTERNAL as assetPath, and when the file is missing
 */
export function assetText(relative: string): string {
  const known = texts.get(relative);
  if (known !== undefined) return known;
  const path = assetPath(relative);
  try {
    const text = readFileSync(path, 'utf8');
    texts.set(relative, text);
    return text;
  } catch (error) {
    throw new KameError('INTERNAL', `The file ${path} of ${packageName} could not be read.`, {
      next: 'Install Kame again: its package is not whole.',
      cause: error,
    });
  }
}

/**
 * The path of kame-tools for guests of an architecture, which a build without Go does not have. A build has it beside its
 * programs, a clone in the last build.
 * @param directory where to look instead
 * @throws KameError INTERNAL when the package is incomplete
 */
export function toolsPath(arch: string, directory?: string): string | undefined {
  const places = directory === undefined ? [dirname(fileURLToPath(import.meta.url)), assetPath('dist')] : [];
  const candidates = [
    ...places.map((place) => join(place, 'tools')),
    ...(directory === undefined ? [] : [directory]),
  ];
  return candidates.map((place) => join(place, `kame-tools-linux-${arch}`)).find((path) => existsSync(path));
}

/**
 * The program kame-tools for guests of an architecture; undefined in a build that was made without Go.
 * @throws KameError FILE_ACCESS
 */
export async function toolsProgram(arch: string): Promise<Buffer | undefined> {
  const path = toolsPath(arch);
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError(error, path);
  }
}
