import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { filesOfDisks, type DiskFile } from '../../disk/disk-files.ts';
import { stampOf } from '../../disk/file-stamp.ts';
import type { Bundle } from '../../store/bundle.ts';
import { isBundle, resolveIn } from '../../store/names.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { emptyTree } from '../../vmx/snapshot-model.ts';
import type { SnapshotTree } from '../../vmx/snapshots.ts';
import type { Host } from '../host/host.ts';

/** Machines that are asked at the same time: each has one file open. */
const atOnce = 32;

/** The disks of all states of a machine, as far as they can be read. */
export interface MachineDisks {
  readonly bundle: Bundle;
  /** Without links. */
  readonly directory: string;
  /** Its device and inode; undefined if it is not there. */
  readonly directoryId: string | undefined;
  readonly tree: SnapshotTree;
  /** The files of each disk of each state, from the top down. */
  readonly chains: readonly (readonly DiskFile[])[];
  /** The files of other programs that the disks show in place. */
  readonly originals: readonly DiskFile[];
  /** Files that a disk refers to but that cannot be read. */
  readonly missing: readonly string[];
  /** Whether these are all disks with all files. */
  readonly isWhole: boolean;
}

/** Reads the headers of all disks of a machine: its current ones and those of its snapshots. Never throws. */
export async function disksOf(bundle: Bundle): Promise<MachineDisks> {
  const { names, content } = bundle;
  const read = await readSnapshotFile(names).catch(() => undefined);
  const tree = read?.tree ?? emptyTree;
  const named = [
    ...(content?.model.disks ?? []).map(({ fileName }) => fileName),
    ...tree.snapshots.flatMap(({ disks }) => disks.map(({ fileName }) => fileName)),
  ];
  const chains: (readonly DiskFile[])[] = [];
  const originals: DiskFile[] = [];
  const missing: string[] = [];
  for (const found of await filesOfDisks(new Set(named.map((name) => resolveIn(names, name))))) {
    chains.push(found.files);
    originals.push(...found.originals);
    if (found.missing !== null) missing.push(found.missing);
  }
  const directory = await realpath(names.directory).catch(() => names.directory);
  const directoryId = (await stampOf(directory).catch(() => undefined))?.file;
  const isWhole = content !== undefined && read?.problems.length === 0 && missing.length === 0;
  return { bundle, directory, directoryId, tree, chains, originals, missing, isWhole };
}

/** The disks of every machine that this home knows, other than one. */
async function othersOf(host: Host, bundle: Bundle): Promise<MachineDisks[]> {
  const paths = (await host.inventory.knownPaths()).filter((vmx) => vmx !== bundle.names.vmx);
  const found: MachineDisks[] = [];
  for (let at = 0; at < paths.length; at += atOnce) {
    const some = paths.slice(at, at + atOnce);
    found.push(...(await Promise.all(some.map(async (vmx) => await disksOf(await host.bundles.read(vmx))))));
  }
  return found;
}

/** The identities of the files that belong to a machine: all of a bundle; outside of one, those that its disks consist of. */
async function ownFiles({ bundle, directory, chains }: MachineDisks): Promise<Set<string>> {
  const own = chains.flat().filter(({ path }) => dirname(path) === directory);
  const files = new Set(own.map(({ file }) => file));
  if (!isBundle(bundle.names.directory)) return files;
  for (const name of await readdir(directory).catch(() => [])) {
    const stamp = await stampOf(join(directory, name)).catch(() => undefined);
    if (stamp) files.add(stamp.file);
  }
  return files;
}

/** A machine whose disks build on files of another. */
export interface Dependent {
  readonly bundle: Bundle;
  /** The identities of these files. */
  readonly files: ReadonlySet<string>;
  /** The identities of the uppermost of these files in each disk. */
  readonly bases: ReadonlySet<string>;
  /** Whether all its disks could be read. */
  readonly isWhole: boolean;
}

/** What a machine uses of another, by the files that its disks consist of, and by its records for files that it cannot read. */
function useOf(other: MachineDisks, own: MachineDisks, files: ReadonlySet<string>): Dependent | undefined {
  // By way of our directory: an instant clone has hard links of its own to the layers of its source.
  const isUsed = ({ file, directory }: DiskFile) => files.has(file) && directory === own.directoryId;
  const used = [...other.chains, other.originals].map((chain) =>
    chain.filter(isUsed).map(({ file }) => file),
  );
  const { bundle, isWhole } = other;
  const all = new Set(used.flat());
  const bases = new Set(used.flatMap((chain) => chain.slice(0, 1)));
  if (isWhole) return all.size > 0 ? { bundle, files: all, bases, isWhole } : undefined;
  const recorded = other.tree.bases.filter(({ file }) => files.has(file)).map(({ file }) => file);
  for (const file of recorded) all.add(file);
  const { names, content } = own.bundle;
  const refersToUs =
    other.missing.some((path) => dirname(path) === own.directory && isBundle(own.bundle.names.directory)) ||
    other.tree.cloneOf.includes(names.vmx) ||
    other.tree.related.some(
      ({ path, uuid }) => other.tree.cloneOf.includes(path) && uuid === content?.model.uuid,
    );
  return all.size > 0 || refersToUs ? { bundle, files: all, bases, isWhole } : undefined;
}

/** The machines that build on a machine, and what it is itself. */
export interface Dependents {
  readonly own: MachineDisks;
  readonly dependents: readonly Dependent[];
  /** The machines of this home that do not build on it. */
  readonly others: readonly MachineDisks[];
  /** What another machine, perhaps one that is not known to this home, uses of it. */
  readonly useOf: (other: MachineDisks) => Dependent | undefined;
}

/**
 * Asks every machine that this home knows for the files of its disks, and compares them with those of one machine by their
 * identities. Paths tell nothing: either side may have been moved.
 * @throws KameError FILE_ACCESS when the inventory cannot be read
 */
export async function dependentsOf(host: Host, bundle: Bundle): Promise<Dependents> {
  const [own, machines] = await Promise.all([disksOf(bundle), othersOf(host, bundle)]);
  const files = await ownFiles(own);
  const use = (other: MachineDisks) => useOf(other, own, files);
  const dependents: Dependent[] = [];
  const others: MachineDisks[] = [];
  for (const machine of machines) {
    const found = use(machine);
    if (found) dependents.push(found);
    else others.push(machine);
  }
  return { own, dependents, others, useOf: use };
}
