import { existsSync } from 'node:fs';
import { readdir, readlink, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf } from '../core/errors.ts';
import { fileError } from '../sys/files.ts';

/**
 * A machine that gets another path: the paths that its `.vmx` has in turn, the present one first. It is at one of them at
 * any time, so that the next daemon can tell how far an interrupted change came.
 */
export type Renaming = readonly string[];

/** What the inventory knows of machines by their paths. */
interface ByPath {
  readonly registered: readonly string[];
  readonly agreed: Readonly<Record<string, readonly string[]>>;
}

/** Where the machine is; undefined if it is at none of the paths, such as on a drive that is not plugged in. */
export function placeAfter(renaming: Renaming): string | undefined {
  return renaming.toReversed().find((vmx) => existsSync(vmx));
}

/** The inventory without the paths at which the machine is not. @param keyOf names a path in `agreed` */
export function settled<File extends ByPath>(
  file: File,
  renaming: Renaming,
  place: string,
  keyOf: (vmx: string) => string,
): File {
  const registered = file.registered.filter((vmx) => vmx === place || !renaming.includes(vmx));
  const keys = new Set(renaming.map(keyOf));
  const others = Object.entries(file.agreed).filter(([key]) => !keys.has(key));
  const [own] = Object.entries(file.agreed).filter(([key]) => keys.has(key));
  const agreed = Object.fromEntries(own ? [...others, [keyOf(place), own[1]]] : others);
  return { ...file, registered, agreed };
}

/** A link in the home to the old bundle is replaced by one to the new bundle. @throws KameError FILE_ACCESS */
export async function renameLinks(machines: string, renaming: Renaming, place: string): Promise<void> {
  const bundle = dirname(place);
  const former = new Set(renaming.map((vmx) => dirname(vmx)).filter((directory) => directory !== bundle));
  for (const name of await readdir(machines).catch(() => [])) {
    const link = join(machines, name);
    const target = await readlink(link).catch(() => undefined);
    if (target === undefined || !former.has(resolve(machines, target)) || existsSync(link)) continue;
    try {
      await symlink(bundle, join(machines, basename(bundle))).catch((error: unknown) => {
        if (errnoOf(error) !== 'EEXIST') throw error;
      });
      await rm(link);
    } catch (error) {
      throw fileError(error, link);
    }
  }
}
