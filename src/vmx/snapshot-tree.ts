import { snapshotLimits, type Snapshot, type SnapshotTree } from './snapshot-model.ts';

function byUid(tree: SnapshotTree): Map<number, Snapshot> {
  return new Map(tree.snapshots.map((snapshot) => [snapshot.uid, snapshot]));
}

/** The uid of the next snapshot, which its file names contain. If the highest is used up, the lowest free one. */
export function nextUid(tree: SnapshotTree): number {
  if (tree.lastUid < snapshotLimits.integer) return tree.lastUid + 1;
  const used = byUid(tree);
  let uid = 1;
  while (used.has(uid)) uid += 1;
  return uid;
}

/** Adds a snapshot under the current one and makes it the current one. Its uid is `nextUid(tree)`. */
export function add(tree: SnapshotTree, snapshot: Omit<Snapshot, 'uid' | 'parent'>): SnapshotTree {
  const uid = nextUid(tree);
  const added = { ...snapshot, uid, parent: tree.current };
  const lastUid = Math.max(tree.lastUid, uid);
  return { ...tree, current: uid, lastUid, snapshots: [...tree.snapshots, added] };
}

/** The children of a snapshot, or the roots for null, in file order. */
export function childrenOf(tree: SnapshotTree, uid: number | null): Snapshot[] {
  return tree.snapshots.filter(({ parent }) => parent === uid);
}

/** The ancestors of a snapshot: its parent first, the root last. */
export function ancestors(tree: SnapshotTree, uid: number): Snapshot[] {
  const all = byUid(tree);
  const above = new Set<Snapshot>();
  let at = all.get(all.get(uid)?.parent ?? 0);
  for (; at && !above.has(at); at = all.get(at.parent ?? 0)) above.add(at);
  return [...above];
}

/** The snapshot and all its descendants, each parent before its children. Empty for an unknown uid. */
export function subtreeOf(tree: SnapshotTree, uid: number): Snapshot[] {
  const children = new Map<number, Snapshot[]>();
  for (const snapshot of tree.snapshots) {
    const siblings = children.get(snapshot.parent ?? 0);
    if (siblings) siblings.push(snapshot);
    else children.set(snapshot.parent ?? 0, [snapshot]);
  }
  const below = new Set(tree.snapshots.filter((snapshot) => snapshot.uid === uid));
  // Iterating over a set also visits items that are added meanwhile.
  for (const snapshot of below) for (const child of children.get(snapshot.uid) ?? []) below.add(child);
  return [...below];
}

/**
 * Removes a snapshot, with `children` including all its descendants. Children that stay move up to its parent, as does
 * `current` if it was removed. An unknown uid changes nothing.
 */
export function remove(tree: SnapshotTree, uid: number, options: { children: boolean }): SnapshotTree {
  const removed = byUid(tree).get(uid);
  if (!removed) return tree;
  const gone = new Set(options.children ? subtreeOf(tree, uid).map((snapshot) => snapshot.uid) : [uid]);
  const snapshots = tree.snapshots
    .filter((snapshot) => !gone.has(snapshot.uid))
    .map((snapshot) => (snapshot.parent === uid ? { ...snapshot, parent: removed.parent } : snapshot));
  const current = tree.current !== null && gone.has(tree.current) ? removed.parent : tree.current;
  return { ...tree, current, snapshots };
}

function change(tree: SnapshotTree, uid: number, changes: Partial<Snapshot>): SnapshotTree {
  const snapshots = tree.snapshots.map((snapshot) =>
    snapshot.uid === uid ? { ...snapshot, ...changes } : snapshot,
  );
  return { ...tree, snapshots };
}

/**
 * Renames a snapshot. A person who names an automatic snapshot wants to keep it, so AutoProtect no longer counts it.
 */
export function rename(tree: SnapshotTree, uid: number, displayName: string): SnapshotTree {
  return change(tree, uid, { displayName, tiers: [] });
}

/** Changes the description of a snapshot. */
export function describe(tree: SnapshotTree, uid: number, description: string): SnapshotTree {
  return change(tree, uid, { description });
}

/** The names from the root: `/before/after`. Empty for an unknown uid. A name may itself contain a `/`. */
export function pathOf(tree: SnapshotTree, uid: number): string {
  const self = byUid(tree).get(uid);
  if (!self) return '';
  return [self, ...ancestors(tree, uid)]
    .reverse()
    .map(({ displayName }) => `/${displayName}`)
    .join('');
}

/** A name as it is compared: one character can be written as several code points, and macOS and Linux differ in that. */
function plain(name: string): string {
  return name.normalize('NFC');
}

/** Whether `path` is the path of a snapshot. Compares from the end, which stays cheap for deep trees of long names. */
function hasPath(all: ReadonlyMap<number, Snapshot>, snapshot: Snapshot, path: string): boolean {
  let rest = plain(path);
  let at: Snapshot | undefined = snapshot;
  while (at) {
    const step = `/${plain(at.displayName)}`;
    if (!rest.endsWith(step)) return false;
    rest = rest.slice(0, -step.length);
    at = at.parent === null ? undefined : all.get(at.parent);
  }
  return rest === '';
}

/** The result of looking up a reference. */
export type FoundSnapshot =
  | { readonly kind: 'found'; readonly snapshot: Snapshot }
  | { readonly kind: 'none' }
  /** In file order; their paths and uids distinguish them. */
  | { readonly kind: 'several'; readonly candidates: readonly Snapshot[] };

/** Whether a name could be taken for a reference to another snapshot: `#3` for a uid, `/a` for a path. */
export function looksLikeReference(name: string): boolean {
  return /^(?:#\d+$|\/)/.test(name);
}

/** Whether two names of snapshots are the same for a person. */
export function sameName(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

/**
 * Looks up a snapshot: `#3` by uid, `/before/after` by the names from the root, otherwise by its name. VMware allows names
 * that look like a uid or a path; a reference that means more than one snapshot is never decided by a rule.
 */
export function findSnapshot(tree: SnapshotTree, reference: string): FoundSnapshot {
  const all = byUid(tree);
  const uid = /^#(\d{1,10})$/.exec(reference)?.[1];
  const isMeant = (snapshot: Snapshot): boolean =>
    (uid !== undefined && snapshot.uid === Number(uid)) ||
    sameName(snapshot.displayName, reference) ||
    (reference.startsWith('/') && hasPath(all, snapshot, reference));
  const candidates = tree.snapshots.filter(isMeant);
  const [first] = candidates;
  if (!first) return { kind: 'none' };
  return candidates.length === 1 ? { kind: 'found', snapshot: first } : { kind: 'several', candidates };
}
