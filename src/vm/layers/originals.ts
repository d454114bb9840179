import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Layer } from '../../disk/chain.ts';
import type { Bundle } from '../../store/bundle.ts';
import { fileError } from '../../sys/files.ts';
import { originalsOf } from './layers.ts';

/** What VMware leaves beside a file that it has open: a directory or a file with this extension. */
const lockExtension = '.lck';

/**
 * The first mark of VMware beside one of these files, which says that it has it open; undefined if there is none.
 * @throws KameError FILE_ACCESS
 */
export async function openMark(paths: readonly string[]): Promise<string | undefined> {
  for (const directory of new Set(paths.map((path) => dirname(path)))) {
    const marks = new Set(
      paths.filter((path) => dirname(path) === directory).map((path) => basename(path) + lockExtension),
    );
    const entries = await readdir(directory).catch((error: unknown) => {
      throw fileError(error, directory);
    });
    const mark = entries.find((entry) => marks.has(entry));
    if (mark !== undefined) return mark;
  }
  return undefined;
}

/**
 * Refuses to start a machine that was imported in place while VMware has its original open, and so may write to its disks.
 * @throws KameError WRONG_STATE
 */
export async function refuseOpenOriginals({ name }: Bundle, chains: Iterable<Layer>): Promise<void> {
  const originals = originalsOf(chains);
  const mark = await openMark(originals);
  if (mark === undefined) return;
  throw new KameError('WRONG_STATE', `${name} shows the disks of a machine that is open in VMware: ${mark} is beside its files.`, {
    next: `Shut it down and close it in VMware. If it was changed there, ${name} must be imported anew. If no program uses it, delete ${mark}.`,
    details: { machine: name, path: originals[0] ?? '' },
  });
}
