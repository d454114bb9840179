import { realpath, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isBundle } from './names.ts';

/**
 * A deletion moves the files of a machine to `aside`, a bundle in one step, and then removes `aside`. If `aside` does
 * not exist, the deletion never began and the machine is intact.
 */
export interface Deletion {
  readonly vmx: string;
  /** The directory to which the files are moved, on the same file system. */
  readonly aside: string;
  /** The files to remove, if the directory also contains files that stay; the `.vmx` first. Empty: the whole bundle. */
  readonly files: readonly string[];
}

/** Removes the files of a deletion, and those directories of the machine that are empty then. */
export async function removeListed({ vmx, files }: Deletion): Promise<void> {
  const machine = dirname(vmx);
  const directories = new Set<string>();
  for (const path of files) {
    const directory = dirname(path);
    // A link that took the place of a directory leads to other files.
    if ((await realpath(directory).catch(() => undefined)) !== directory) continue;
    await rm(path, { force: true });
    for (let each = directory; each.startsWith(machine); each = dirname(each)) directories.add(each);
  }
  const inner = [...directories].sort((a, b) => b.length - a.length);
  for (const directory of inner) {
    // A `.vmx` outside a bundle does not own its directory.
    if (directory !== machine || isBundle(machine)) await rmdir(directory).catch(() => undefined);
  }
}
