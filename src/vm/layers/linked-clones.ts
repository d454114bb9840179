import { KameError } from '../../core/errors.ts';
import { stampOf } from '../../disk/file-stamp.ts';
import { readBundle, type Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { hasSnapshotFile, readSnapshotFile } from '../../store/snapshot-file.ts';
import { exists } from '../../sys/files.ts';
import type { Snapshot } from '../../vmx/snapshots.ts';
import type { Host } from '../host/host.ts';
import { cannot, type Verb } from '../host/verbs.ts';
import { dependentsOf, disksOf, type Dependent, type Dependents } from './dependents.ts';

/** A linked clone of a machine. */
export interface LinkedClone {
  readonly vmx: string;
  /** False if nothing is there: it may have been moved, or be on a drive that is not connected. It counts all the same. */
  readonly isThere: boolean;
}

/** The linked clones of a machine, by what they read and by what the machine has recorded. */
export interface LinkedClones {
  readonly all: readonly LinkedClone[];
  /** Those that need a snapshot, by its uid. */
  readonly ofSnapshot: (uid: number) => readonly LinkedClone[];
  /** Whether a clone reads a file of the machine; the identity is that of FileStamp. */
  readonly reads: (file: string) => boolean;
}

/** For a snapshot that was only just taken. */
export const noClones: LinkedClones = { all: [], ofSnapshot: () => [], reads: () => false };

/** What the `.vmsd` of a machine says of a clone, resolved. */
interface Entry {
  readonly clones: readonly LinkedClone[];
  /** A clone that no machine of this home is, if it is readable. */
  readonly use?: Dependent;
}

function isThere(bundle: Bundle): LinkedClone {
  return { vmx: bundle.names.vmx, isThere: true };
}

/** The clone that is at a recorded path; null if there is nothing, or another machine. */
async function cloneAt(found: Dependents, path: string, uuid: string | undefined): Promise<Entry | null> {
  const known = found.dependents.find(({ bundle }) => bundle.names.vmx === path);
  if (known) return { clones: [isThere(known.bundle)] };
  // What cannot be looked at may be intact.
  if (!(await exists(path).catch(() => true))) return null;
  const disks =
    found.others.find(({ bundle }) => bundle.names.vmx === path) ?? (await disksOf(await readBundle(path)));
  const use = found.useOf(disks);
  if (use) return { clones: [isThere(disks.bundle)], use };
  if (!disks.isWhole) return { clones: [isThere(disks.bundle)] };
  const { content } = disks.bundle;
  return uuid === undefined || content?.model.uuid === uuid ? { clones: [] } : null;
}

/** Finds the clone that a `.vmsd` names by a path at which it was. */
async function resolveEntry(found: Dependents, path: string): Promise<Entry> {
  const uuid = found.own.tree.related.find((each) => each.path === path)?.uuid;
  const there = await cloneAt(found, path, uuid);
  if (there) return there;
  if (uuid !== undefined) {
    const moved = found.dependents.filter(({ bundle }) => bundle.content?.model.uuid === uuid);
    if (moved.length > 0) return { clones: moved.map(({ bundle }) => isThere(bundle)) };
    const free = found.others.filter(({ bundle }) => bundle.content?.model.uuid === uuid);
    if (free.length > 0 && free.every(({ isWhole }) => isWhole)) return { clones: [] };
  }
  return { clones: [{ vmx: path, isThere: false }] };
}

async function diskIdentities(bundle: Bundle, { disks }: Snapshot): Promise<Set<string>> {
  const stamps = await Promise.all(
    disks.map(
      async ({ fileName }) => await stampOf(resolveIn(bundle.names, fileName)).catch(() => undefined),
    ),
  );
  return new Set(stamps.flatMap((stamp) => (stamp ? [stamp.file] : [])));
}

function unique(clones: readonly LinkedClone[]): LinkedClone[] {
  return [...new Map(clones.map((clone) => [clone.vmx, clone])).values()];
}

/**
 * The linked clones of a machine: every machine that this home knows and whose disks build on files of it, wherever either
 * of them was moved, and those that its `.vmsd` records. A recorded clone that is not there counts, unless its UUID shows
 * that it is elsewhere. VMware never removes one from the list.
 * @throws KameError BROKEN_MACHINE, FILE_ACCESS when the `.vmsd` or the inventory cannot be read
 */
export async function linkedClonesOf(host: Host, bundle: Bundle): Promise<LinkedClones> {
  // A `.vmsd` that cannot be read might name clones.
  if (await hasSnapshotFile(bundle.names)) await readSnapshotFile(bundle.names);
  const found = await dependentsOf(host, bundle);
  const entries = new Map<string, Entry>();
  for (const path of new Set(found.own.tree.snapshots.flatMap(({ clones }) => clones)))
    entries.set(path, await resolveEntry(found, path));
  const uses = [...found.dependents, ...[...entries.values()].flatMap(({ use }) => (use ? [use] : []))];
  const bySnapshot = new Map<number, LinkedClone[]>();
  for (const snapshot of found.own.tree.snapshots) {
    const files = await diskIdentities(bundle, snapshot);
    const building = uses.filter(({ bases }) => [...bases].some((file) => files.has(file)));
    const recorded = snapshot.clones.flatMap((path) => entries.get(path)?.clones ?? []);
    bySnapshot.set(snapshot.uid, unique([...recorded, ...building.map((use) => isThere(use.bundle))]));
  }
  const all = [...[...bySnapshot.values()].flat(), ...uses.map((use) => isThere(use.bundle))];
  const read = new Set(uses.flatMap(({ files }) => [...files]));
  return {
    all: unique(all),
    ofSnapshot: (uid) => bySnapshot.get(uid) ?? [],
    reads: (file) => read.has(file),
  };
}

/** The refusal of a use case that would take its base from a linked clone. */
export function hasClones(bundle: Bundle, what: string, clones: readonly LinkedClone[]): KameError {
  const lost = clones.filter((clone) => !clone.isThere).map(({ vmx }) => vmx);
  const [first] = lost;
  const advice =
    first === undefined
      ? {}
      : {
          next: `There is nothing at ${lost.join(', ')} now. If the clone was moved, run kame register on it where it is; if it no longer exists, run kame repair ${bundle.name} --forget ${first}.`,
        };
  return new KameError('HAS_CLONES', `${what}: ${clones.map(({ vmx }) => vmx).join(', ')}.`, {
    details: { machine: bundle.name },
    ...advice,
  });
}

/** @throws KameError HAS_CLONES naming the linked clones that depend on the machine's disks */
export async function refuseLinkedClones(host: Host, bundle: Bundle, verb: Verb): Promise<void> {
  const { all } = await linkedClonesOf(host, bundle);
  if (all.length === 0) return;
  throw hasClones(bundle, `${cannot(verb, bundle.name)}: these linked clones depend on its disks`, all);
}
