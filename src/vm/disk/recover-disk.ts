import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { exists, fileError } from '../../sys/files.ts';
import type { Host, JournalOf } from '../host/host.ts';

/** Renames a file. It is not an error if it was already renamed. */
async function moveFile(from: string, to: string): Promise<void> {
  if (!(await exists(from))) return;
  if (await exists(to)) {
    throw new KameError('ALREADY_EXISTS', `Cannot rename ${from}: ${to} already exists.`, {
      next: `Move ${to} elsewhere; the next command then finishes the operation.`,
      details: { path: to },
    });
  }
  try {
    await rename(from, to);
  } catch (error) {
    throw fileError(error, to);
  }
}

/** Removes incomplete copies of these files that a kill left behind: `.NAME.XXXXXXXXXXXX.tmp`. */
async function removeTemporaries(directory: string, files: readonly string[]): Promise<void> {
  const isOurs = (name: string) =>
    files.some(
      (file) => name.startsWith(`.${file}.`) && /^[0-9a-f]{12}\.tmp$/.test(name.slice(file.length + 2)),
    );
  for (const name of await readdir(directory)) {
    if (isOurs(name)) await rm(join(directory, name), { force: true });
  }
}

/**
 * Recovers an operation on a disk of a stopped machine. The `.vmx` decides: as long as it refers to the disk, all its files
 * stay. Otherwise the files of the operation are deleted, or renamed to the name under which they are kept.
 * @throws KameError BROKEN_MACHINE, FILE_ACCESS
 */
export async function recoverDisk(
  _host: Host,
  bundle: Bundle,
  { files, kept }: JournalOf<'disk'>,
): Promise<void> {
  const { directory } = bundle.names;
  await removeTemporaries(directory, files);
  const present = new Set(
    contentOf(bundle).model.disks.map(({ fileName }) => resolveIn(bundle.names, fileName)),
  );
  const own = (name: string) => join(directory, name);
  if ([...files, ...(kept ? [kept.from] : [])].some((name) => present.has(own(name)))) return;
  if (kept) await moveFile(own(kept.from), own(kept.to));
  const { tree } = await readSnapshotFile(bundle.names);
  const frozen = new Set(
    tree.snapshots.flatMap(({ disks }) => disks.map(({ fileName }) => resolveIn(bundle.names, fileName))),
  );
  for (const path of files.map(own)) if (!frozen.has(path)) await rm(path, { force: true });
}
