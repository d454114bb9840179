import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import { stampOf } from '../../disk/file-stamp.ts';
import { nilUuid } from '../../model/uuid.ts';
import { readBundle, type Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { changeSnapshotTree, hasSnapshotFile, readSnapshotFile } from '../../store/snapshot-file.ts';
import { exists } from '../../sys/files.ts';
import type { RelatedMachine, SnapshotTree } from '../../vmx/snapshots.ts';
import type { Host } from '../host/host.ts';
import { disksOf } from './dependents.ts';

/** A machine as its relatives record it; undefined as long as it has no UUID. */
export function relatedTo({ names, content }: Bundle): RelatedMachine | undefined {
  const uuid = content?.model.uuid ?? nilUuid;
  return uuid === nilUuid ? undefined : { path: names.vmx, uuid };
}

function uuidOf({ related }: SnapshotTree, path: string): string | undefined {
  return related.find((each) => each.path === path)?.uuid;
}

/** The machine at a path if it is the one that is meant, otherwise those of this home that have its UUID. */
async function find(host: Host, known: readonly string[], path: string, uuid: string | undefined) {
  const there = known.includes(path) ? await host.bundles.read(path) : undefined;
  const found = there?.content?.model.uuid;
  if (there && (uuid === undefined || found === undefined || found === uuid)) return [there];
  if (uuid === undefined) return [];
  const bundles = await Promise.all(known.map(async (vmx) => await host.bundles.read(vmx)));
  return bundles.filter(({ content }) => content?.model.uuid === uuid);
}

/**
 * The parents of a linked clone that are on the list: at the paths that its `.vmsd` names, or, after a move, by their UUIDs.
 * Empty for any other machine.
 * @throws KameError BROKEN_MACHINE, FILE_ACCESS when the `.vmsd` cannot be read
 */
export async function parentsOf(host: Host, bundle: Bundle): Promise<Bundle[]> {
  if (!(await hasSnapshotFile(bundle.names))) return [];
  const { tree } = await readSnapshotFile(bundle.names);
  if (tree.cloneOf.length === 0) return [];
  const known = (await host.inventory.paths()).filter((vmx) => vmx !== bundle.names.vmx);
  const found = new Map<string, Bundle>();
  for (const path of tree.cloneOf) {
    for (const parent of await find(host, known, path, uuidOf(tree, path)))
      found.set(parent.names.vmx, parent);
  }
  return [...found.values()];
}

/** The tree with only the UUIDs of machines that it names. */
function withoutStrangers(tree: SnapshotTree): SnapshotTree {
  const named = new Set([...tree.cloneOf, ...tree.snapshots.flatMap(({ clones }) => clones)]);
  return { ...tree, related: tree.related.filter(({ path }) => named.has(path)) };
}

/** The tree without a clone at these paths. */
export function withoutClones(tree: SnapshotTree, paths: ReadonlySet<string>): SnapshotTree {
  if (!tree.snapshots.some(({ clones }) => clones.some((path) => paths.has(path)))) return tree;
  const snapshots = tree.snapshots.map((snapshot) => ({
    ...snapshot,
    clones: snapshot.clones.filter((path) => !paths.has(path)),
  }));
  return withoutStrangers({ ...tree, snapshots });
}

function withClone(
  tree: SnapshotTree,
  path: string,
  uuid: string | undefined,
  uids: ReadonlySet<number>,
): SnapshotTree {
  const snapshots = tree.snapshots.map((snapshot) =>
    uids.has(snapshot.uid) && !snapshot.clones.includes(path)
      ? { ...snapshot, clones: [...snapshot.clones, path] }
      : snapshot,
  );
  const isKnown = tree.related.some((each) => each.path === path && each.uuid === uuid);
  const others = tree.related.filter((each) => each.path !== path);
  const related = isKnown || uuid === undefined ? tree.related : [...others, { path, uuid }];
  return { ...tree, snapshots, related };
}

/** The other paths at which a clone with this UUID is recorded: it is there no longer, or that path leads here by a link. */
async function formerPaths(tree: SnapshotTree, vmx: string, uuid: string | undefined): Promise<Set<string>> {
  const former = tree.related.filter((each) => each.uuid === uuid && each.path !== vmx);
  const here = await realpath(vmx).catch(() => vmx);
  const gone = await Promise.all(
    former.map(async ({ path }) => {
      if (!(await exists(path).catch(() => true))) return true;
      return (await realpath(path).catch(() => path)) === here;
    }),
  );
  return new Set(former.filter((_, at) => gone[at]).map(({ path }) => path));
}

function snapshotsNaming(tree: SnapshotTree, paths: ReadonlySet<string>): Set<number> {
  const naming = tree.snapshots.filter(({ clones }) => clones.some((path) => paths.has(path)));
  return new Set(naming.map(({ uid }) => uid));
}

/** The snapshots of a parent that a clone builds on, by the identities of their disks. */
async function snapshotsUnder(parent: Bundle, tree: SnapshotTree, clone: Bundle): Promise<Set<number>> {
  const directory = await realpath(parent.names.directory).catch(() => parent.names.directory);
  const { chains } = await disksOf(clone);
  const bases = new Set(
    chains.flatMap((chain) => chain.find(({ path }) => dirname(path) === directory)?.file ?? []),
  );
  const uids = new Set<number>();
  for (const { uid, disks } of tree.snapshots) {
    for (const { fileName } of disks) {
      const stamp = await stampOf(resolveIn(parent.names, fileName)).catch(() => undefined);
      if (stamp && bases.has(stamp.file)) uids.add(uid);
    }
  }
  return uids;
}

/**
 * Records a linked clone in the snapshots that it builds on, in the `.vmsd` of each of its parents, as VMware does, and with
 * its UUID. This locks the snapshots. A path at which the clone was before is removed.
 * @param vmx where the clone is or will be
 * @returns the names of the parents whose records have changed
 * @throws KameError FILE_ACCESS, DISK_FULL
 */
export async function linkWithParents(
  host: Host,
  clone: Bundle,
  vmx: string = clone.names.vmx,
): Promise<string[]> {
  const uuid = relatedTo(clone)?.uuid;
  const changed: string[] = [];
  for (const parent of await parentsOf(host, clone)) {
    const before = (await readSnapshotFile(parent.names)).tree;
    const former = await formerPaths(before, vmx, uuid);
    const found = await snapshotsUnder(parent, before, clone);
    // As long as the base cannot be found, what was recorded stays, with the present path.
    const uids = found.size > 0 ? found : snapshotsNaming(before, new Set([...former, vmx]));
    if (uids.size === 0) continue;
    const change = (tree: SnapshotTree) => withClone(withoutClones(tree, former), vmx, uuid, uids);
    if (isDeepStrictEqual(change(before), before)) continue;
    await changeSnapshotTree(parent.names, change);
    changed.push(parent.name);
  }
  return changed;
}

/**
 * Removes a linked clone from the records of its parents, before it is deleted or after it was renamed. What cannot be
 * written is logged: the record then names a clone that is not there, which `kame repair --forget` removes.
 */
export async function unlinkFromParents(host: Host, clone: Bundle, vmx = clone.names.vmx): Promise<void> {
  try {
    if (!(await hasSnapshotFile(clone.names))) return;
    const { tree } = await readSnapshotFile(clone.names);
    const listed = await parentsOf(host, clone);
    const elsewhere = tree.cloneOf.filter((path) => !listed.some(({ names }) => names.vmx === path));
    const unlisted = await Promise.all(elsewhere.map(async (path) => await readBundle(path)));
    for (const parent of [...listed, ...unlisted.filter(({ content }) => content !== undefined)]) {
      if (!(await hasSnapshotFile(parent.names))) continue;
      const { tree: before } = await readSnapshotFile(parent.names);
      const paths = new Set([vmx, ...(await formerPaths(before, vmx, relatedTo(clone)?.uuid))]);
      await changeSnapshotTree(parent.names, (now) => withoutClones(now, paths));
    }
  } catch (error) {
    host.log('A linked clone was not removed from the records of its parents', {
      machine: clone.name,
      reason: messageOf(error),
    });
  }
}
