import { realpath, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { KameError, messageOf } from '../../core/errors.ts';
import type { DiskFile } from '../../disk/disk-files.ts';
import { filesOfDisk } from '../../disk/disk-files.ts';
import { isUnchanged, stampOf } from '../../disk/file-stamp.ts';
import { repoint } from '../../disk/merge.ts';
import type { Bundle } from '../../store/bundle.ts';
import { changeSnapshotTree } from '../../store/snapshot-file.ts';
import type { BaseFile, RelatedMachine, SnapshotTree } from '../../vmx/snapshots.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { isAsRecorded, recordsNamed, recordsOf } from './bases.ts';
import { disksOf, type MachineDisks } from './dependents.ts';
import { parentNameFor } from './layers.ts';
import { linkWithParents, parentsOf, relatedTo } from './parents.ts';

/** What was done to a machine and its relatives, and what could not be done, as sentences. */
export interface Relinked {
  readonly changes: string[];
  readonly problems: string[];
}

export interface RelinkOptions {
  /** Whether the headers of the machine's layers may be written: it is stopped, and the caller holds its lock. */
  readonly mayWriteDisks: boolean;
  /** Records the bases as they are, even if they have changed. */
  readonly acceptBase: boolean;
}

/** The lowest own layer of a disk, and what it refers to elsewhere. */
interface Seam {
  readonly lowest: DiskFile;
  /** The path of the file beneath, which may not be there. */
  readonly beneath: string;
  readonly base: DiskFile | undefined;
}

async function seamsOf({ directory, chains }: MachineDisks): Promise<Seam[]> {
  const seams = new Map<string, Seam>();
  for (const chain of chains) {
    const first = chain.findIndex(({ path }) => dirname(path) !== directory);
    const at = first === -1 ? chain.length : first;
    const lowest = chain[at - 1];
    if (!lowest || lowest.backingName === null) continue;
    const base = chain[at];
    const beneath = base?.path ?? (await filesOfDisk(lowest.path)).missing ?? lowest.backingName;
    seams.set(lowest.path, { lowest, beneath, base });
  }
  return [...seams.values()];
}

async function realDirectory({ names }: Bundle): Promise<string> {
  return await realpath(names.directory).catch(() => names.directory);
}

/**
 * The file of a parent that was recorded as the base, wherever the parent is now. Without a record, and if any is accepted,
 * only the parent whose directory has the name in the header can have it.
 */
async function findBase(
  parents: readonly Bundle[],
  records: readonly BaseFile[],
  beneath: string,
  accept: boolean,
): Promise<string | undefined> {
  const wanted = recordsNamed(records, beneath);
  const found: { path: string; isSame: boolean }[] = [];
  for (const parent of parents) {
    const directory = await realDirectory(parent);
    const path = join(directory, basename(beneath));
    const stamp = await stampOf(path);
    if (!stamp) continue;
    const isMeant = basename(directory) === basename(dirname(beneath));
    const fits = wanted.some((record) => isUnchanged(record, stamp));
    if (fits || (isMeant && (accept || records.length === 0)))
      found.push({ path, isSame: wanted.some(({ file }) => file === stamp.file) });
  }
  return (found.find(({ isSame }) => isSame) ?? found[0])?.path;
}

async function machinesOf({ names }: Host): Promise<string> {
  return await realpath(names.machines).catch(() => names.machines);
}

/** Points a layer at its base. It keeps its time, since linked clones may know it by that. */
async function pointAt(
  host: Host,
  directory: string,
  lowest: DiskFile,
  path: string,
): Promise<string | undefined> {
  const [base] = (await filesOfDisk(path)).files;
  if (!base) throw new KameError('BAD_IMAGE', `${path} cannot be read.`, { details: { path } });
  // The header of a file with several names is read from several directories.
  const name = lowest.links > 1 ? path : parentNameFor({ machines: await machinesOf(host) }, directory, path);
  if (lowest.backingName === name) return undefined;
  const { atime, mtime } = await stat(lowest.path);
  const backing = { path: name, format: base.format };
  await repoint({ qemuImg: await qemuImg(host), overlay: lowest.path, backing });
  await utimes(lowest.path, atime, mtime);
  return `${lowest.path} now refers to ${path}.`;
}

async function relinkDisk(
  host: Host,
  disks: MachineDisks,
  parents: readonly Bundle[],
  seam: Seam,
  { mayWriteDisks, acceptBase }: RelinkOptions,
): Promise<Partial<Record<'change' | 'problem', string>>> {
  const { bases } = disks.tree;
  const { base, beneath, lowest } = seam;
  if (dirname(beneath) === disks.directory) {
    const problem = `${beneath} is missing, but ${lowest.path} builds on it. Restore it from a backup.`;
    return { problem };
  }
  const isRight =
    base !== undefined && (await isIn(parents, base.path)) && isAsRecorded(bases, base.path, base);
  const path = isRight ? base.path : await findBase(parents, bases, beneath, acceptBase);
  if (path === undefined) return { problem: await missingBase(disks, parents, seam) };
  if (isRight && lowest.links > 1) return {};
  if (!mayWriteDisks) {
    const { name } = disks.bundle;
    return isRight
      ? {}
      : { problem: `${lowest.path} must be pointed at ${path}: stop ${name}, then run kame repair ${name}.` };
  }
  try {
    const change = await pointAt(host, disks.directory, lowest, path);
    return change === undefined ? {} : { change };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

async function isIn(parents: readonly Bundle[], path: string): Promise<boolean> {
  const directories = await Promise.all(parents.map(realDirectory));
  return directories.includes(dirname(path));
}

async function missingBase(
  { bundle }: MachineDisks,
  parents: readonly Bundle[],
  { base, beneath, lowest }: Seam,
): Promise<string> {
  if (base && (await isIn(parents, base.path))) {
    return `${base.path} has changed since ${bundle.name} was made from it. Restore it from a backup; if you know that its content is the same, run kame repair ${bundle.name} --accept-base.`;
  }
  return `The base of ${lowest.path} was not found: it was ${beneath}. Register the machine that it belongs to, then run kame repair ${bundle.name}.`;
}

/** The records of the files that the disks build on now. A file that has changed keeps its old record. */
function basesNow(disks: MachineDisks, accept: boolean, problems: string[]): BaseFile[] {
  const { bundle, chains, directory, tree } = disks;
  const foreign = new Map<string, DiskFile>();
  for (const chain of chains) {
    if (chain[0] && dirname(chain[0].path) !== directory) continue;
    for (const file of chain) if (dirname(file.path) !== directory) foreign.set(file.file, file);
  }
  return [...foreign.values()].flatMap(({ path, file, size, time }) => {
    if (accept || isAsRecorded(tree.bases, path, { file, size, time })) return [{ path, file, size, time }];
    problems.push(`${path} has changed since ${bundle.name} was made from it.`);
    return recordsOf(tree.bases, path, { file, size, time });
  });
}

function sorted(machines: readonly RelatedMachine[]): RelatedMachine[] {
  return [...machines].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function treeNow(
  disks: MachineDisks,
  parents: readonly Bundle[],
  bases: readonly BaseFile[],
): Promise<SnapshotTree> {
  const { tree } = disks;
  const used: Bundle[] = [];
  for (const parent of parents) {
    const directory = await realDirectory(parent);
    if (bases.some(({ path }) => dirname(path) === directory)) used.push(parent);
  }
  const cloneOf = used.map(({ names }) => names.vmx);
  const own = new Set([...tree.cloneOf, ...cloneOf]);
  const others = tree.related.filter(({ path }) => !own.has(path));
  const now = [...others, ...used.flatMap((parent) => relatedTo(parent) ?? [])];
  const related = isDeepStrictEqual(sorted(now), sorted(tree.related)) ? tree.related : now;
  const sentinels = (await seamsOf(disks)).flatMap(({ base }) => (base ? [base.path] : []));
  return { ...tree, cloneOf, sentinels, related, bases };
}

/**
 * Finds the bases of a linked clone after it or a parent was moved, points its layers at them, and brings the records of the
 * clone and of its parents up to date. A base is accepted only if it is the recorded file or a faithful copy of it. Every
 * step can be repeated. Does nothing to a machine that is no linked clone.
 * @throws KameError BROKEN_MACHINE, DISK_FULL, FILE_ACCESS, ENGINE_MISSING
 */
export async function relink(host: Host, bundle: Bundle, options: RelinkOptions): Promise<Relinked> {
  const changes: string[] = [];
  const problems: string[] = [];
  const before = await disksOf(bundle);
  if (before.tree.cloneOf.length === 0) return { changes, problems };
  const parents = await parentsOf(host, bundle);
  for (const seam of await seamsOf(before)) {
    const { change, problem } = await relinkDisk(host, before, parents, seam, options);
    if (change !== undefined) changes.push(change);
    if (problem !== undefined) problems.push(problem);
  }
  const disks = await disksOf(bundle);
  // As long as a base is missing, the records are what tells which file it was.
  if (problems.length === 0 && disks.isWhole) {
    const bases = basesNow(disks, options.acceptBase, problems);
    const tree = await treeNow(disks, parents, bases);
    if (!isDeepStrictEqual(tree, disks.tree)) {
      await changeSnapshotTree(bundle.names, () => tree);
      changes.push(`${bundle.name} now records where the disks are that it builds on.`);
    }
  } else if (problems.length === 0) {
    problems.push(`Not all files of ${bundle.name} can be read: ${disks.missing.join(', ')}.`);
  }
  for (const name of await linkWithParents(host, bundle))
    changes.push(`${name} now records the linked clone ${bundle.name}.`);
  return { changes, problems };
}
