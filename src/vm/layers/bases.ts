import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { layersOf, type Layer } from '../../disk/chain.ts';
import { isUnchanged, stampOf, type FileStamp } from '../../disk/file-stamp.ts';
import type { Bundle } from '../../store/bundle.ts';
import { hasSnapshotFile, readSnapshotFile } from '../../store/snapshot-file.ts';
import type { BaseFile } from '../../vmx/snapshots.ts';
import type { Host } from '../host/host.ts';
import { cannot } from '../host/verbs.ts';
import { hasClones, linkedClonesOf } from './linked-clones.ts';

/** The records of files as they are now. @throws KameError FILE_ACCESS when one is missing */
export async function basesOf(paths: Iterable<string>): Promise<BaseFile[]> {
  const bases: BaseFile[] = [];
  for (const path of new Set(paths)) {
    const stamp = await stampOf(path);
    if (!stamp) throw new KameError('FILE_ACCESS', `${path} does not exist.`, { details: { path } });
    bases.push({ path, ...stamp });
  }
  return bases;
}

/** The name of a file and of its directory: parent and clone often have disks of the same name. */
function lastNames(path: string): string {
  return join(basename(dirname(path)), basename(path));
}

/** The records of a path: of exactly that path, else of one with these last two names, else of a file with that name. */
export function recordsNamed(bases: readonly BaseFile[], path: string): BaseFile[] {
  const ways = [(one: string) => one, lastNames, (one: string) => basename(one)];
  const found = ways.map((way) => bases.filter((base) => way(base.path) === way(path)));
  return found.find((records) => records.length > 0) ?? [];
}

/** The records that may be of a file: of the same file, else by its name. */
export function recordsOf(bases: readonly BaseFile[], path: string, stamp: FileStamp): BaseFile[] {
  const same = bases.filter(({ file }) => file === stamp.file);
  return same.length > 0 ? same : recordsNamed(bases, path);
}

/** Whether a file is what the records say, as far as they say anything of it. */
export function isAsRecorded(bases: readonly BaseFile[], path: string, stamp: FileStamp): boolean {
  const records = recordsOf(bases, path, stamp);
  return records.length === 0 || records.some((record) => isUnchanged(record, stamp));
}

/** The layers of a chain that are in the directories of other machines. */
async function foreignLayers(bundle: Bundle, top: Layer): Promise<Layer[]> {
  const { directory } = bundle.names;
  const own = new Set([directory, await realpath(directory).catch(() => directory)]);
  return layersOf(top)
    .slice(1)
    .filter(({ path }) => !own.has(dirname(path)));
}

/**
 * Refuses a linked clone whose base has changed since the clone was made: the guest would read other data than before, and
 * no check of its own disk would notice.
 * @throws KameError BROKEN_MACHINE naming the file
 */
export async function refuseChangedBases(bundle: Bundle, chains: Iterable<Layer>): Promise<void> {
  if (!(await hasSnapshotFile(bundle.names))) return;
  const { bases } = (await readSnapshotFile(bundle.names)).tree;
  if (bases.length === 0) return;
  for (const top of chains) {
    for (const { path } of await foreignLayers(bundle, top)) {
      const stamp = await stampOf(path);
      if (stamp && isAsRecorded(bases, path, stamp)) continue;
      const at = new Date(Number(BigInt(stamp?.time ?? 0) / 1_000_000n)).toISOString();
      throw new KameError(
        'BROKEN_MACHINE',
        `${path} has changed: the disks of ${bundle.name}, a linked clone, build on it as it was before, and would show wrong data. It was last written to on ${at}.`,
        {
          next: `Restore that file from a backup. If you know that its content is the same, as in a copy of it, run kame repair ${bundle.name} --accept-base.`,
          details: { path, machine: bundle.name },
        },
      );
    }
  }
}

/**
 * Refuses to start a machine whose guest would write to a file that linked clones build on, as after its `.vmx` was replaced
 * by an older one.
 * @throws KameError HAS_CLONES naming the clones
 */
export async function refuseSharedTops(host: Host, bundle: Bundle, chains: Iterable<Layer>): Promise<void> {
  if (!(await hasSnapshotFile(bundle.names))) return;
  const { tree } = await readSnapshotFile(bundle.names);
  if (!tree.snapshots.some(({ clones }) => clones.length > 0)) return;
  const clones = await linkedClonesOf(host, bundle);
  for (const { path } of chains) {
    const stamp = await stampOf(path);
    if (!stamp || !clones.reads(stamp.file)) continue;
    const what = `${cannot('start', bundle.name)}: it would write to ${path}, on which these linked clones build`;
    const { code, message, details } = hasClones(bundle, what, clones.all);
    throw new KameError(code, message, {
      next: `Take a snapshot of ${bundle.name} first: from then on it writes to a file of its own.`,
      details: { ...details, path },
    });
  }
}
