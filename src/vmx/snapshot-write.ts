import { emptyDocument, foldKey, type VmxDocument } from './document.ts';
import { arrange, editInPlace, groupsOf, numbersOf, renumber } from './snapshot-keys.ts';
import type { Snapshot, SnapshotTree } from './snapshot-model.ts';
import { readDisks, readVmsd, type SnapshotReading } from './snapshot-read.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import { relatedChanges } from './snapshot-related.ts';
import { tierChanges } from './snapshot-tiers.ts';
import { timeParts } from './snapshot-time.ts';
import { booleanText, getInteger } from './values.ts';

type Changes = Map<string, string | null>;

function same<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

/** Writes `NAME0` to `NAME<n-1>` and the count, and removes the rest. Without values, the count is removed too. */
function putList(
  changes: Changes,
  doc: VmxDocument,
  name: string,
  count: string,
  values: readonly string[],
): void {
  for (const number of numbersOf(doc.index.keys(), foldKey(name))) {
    if (number >= values.length) changes.set(`${name}${number}`, null);
  }
  values.forEach((value, at) => changes.set(`${name}${at}`, value));
  changes.set(count, values.length === 0 ? null : String(values.length));
}

function putTime(changes: Changes, at: string, time: Date): void {
  const { high, low } = timeParts(time);
  changes.set(`${at}.createTimeHigh`, String(high));
  changes.set(`${at}.createTimeLow`, String(low));
}

function sameDisks(a: Snapshot, b: Snapshot): boolean {
  const texts = (snapshot: Snapshot): string[] =>
    snapshot.disks.flatMap(({ slot, fileName, mode }) => [slot, fileName, mode ?? '']);
  return same(texts(a), texts(b));
}

/**
 * Writes the changed disks of the snapshot at `index`. Whole disks move, so that keys such as `epoch` stay with theirs.
 * @returns the document with the disks in their places
 */
function putDisks(changes: Changes, doc: VmxDocument, index: number, snapshot: Snapshot): VmxDocument {
  const at = `snapshot${index}`;
  const rests = groupsOf(doc.index.keys(), 'snapshot').get(index) ?? [];
  const old = readDisks(new SnapshotReader(doc), at, rests, snapshot.uid);
  const { changed, moves, indexOf } = arrange(
    old.places,
    snapshot.disks.map(({ slot }) => slot.toLowerCase()),
  );
  changes.set(`${at}.numDisks`, String(snapshot.disks.length));
  for (const disk of snapshot.disks) {
    const id = disk.slot.toLowerCase();
    const before = old.disks.find(({ slot }) => slot.toLowerCase() === id);
    const key = `${at}.disk${indexOf.get(id)}`;
    if (before?.fileName !== disk.fileName) changes.set(`${key}.fileName`, disk.fileName);
    if (before?.slot !== disk.slot) changes.set(`${key}.node`, disk.slot);
    if (before?.mode !== disk.mode) changes.set(`${key}.mode`, disk.mode ?? null);
  }
  return changed ? renumber(doc, `${at}.disk`, moves) : doc;
}

/**
 * Writes the plain values of a snapshot, in VMware’s order. Like VMware, omits what is empty, off or without a parent.
 */
function putValues(changes: Changes, at: string, snapshot: Snapshot, old: Snapshot | undefined): void {
  const { uid, fileName, parent, displayName, description, withMemory, createdAt } = snapshot;
  if (!old) changes.set(`${at}.uid`, String(uid));
  if (old?.fileName !== fileName) changes.set(`${at}.filename`, fileName);
  if ((old?.parent ?? null) !== parent) changes.set(`${at}.parent`, parent === null ? null : String(parent));
  if (old?.displayName !== displayName) changes.set(`${at}.displayName`, displayName);
  if ((old?.description ?? '') !== description) changes.set(`${at}.description`, description || null);
  if ((old?.withMemory ?? false) !== withMemory) changes.set(`${at}.type`, withMemory ? '1' : '0');
  if (old?.createdAt.getTime() !== createdAt.getTime()) putTime(changes, at, createdAt);
}

function putSnapshot(
  changes: Changes,
  doc: VmxDocument,
  index: number,
  snapshot: Snapshot,
  old: Snapshot | undefined,
): VmxDocument {
  const at = `snapshot${index}`;
  putValues(changes, at, snapshot, old);
  const placed = old && sameDisks(old, snapshot) ? doc : putDisks(changes, doc, index, snapshot);
  if (!same(old?.clones ?? [], snapshot.clones)) {
    putList(changes, placed, `${at}.clone`, `${at}.numClones`, snapshot.clones);
  }
  const { tiers } = snapshot;
  if (!same(old?.tiers ?? [], tiers)) {
    changes.set(`${at}.numTiers`, tiers.length === 0 ? null : String(tiers.length));
    changes.set(`${at}.tiers`, tiers.length === 0 ? null : tiers.join(','));
  }
  return placed;
}

function putTiers(
  changes: Changes,
  doc: VmxDocument,
  reading: SnapshotReading,
  tree: SnapshotTree,
): VmxDocument {
  const { changed, moves, indexOf } = arrange(
    reading.tierPlaces,
    tree.rollingTiers.map(({ uid }) => uid),
  );
  if (changed) changes.set('snapshot.numRollingTiers', String(tree.rollingTiers.length));
  for (const tier of tree.rollingTiers) {
    const old = reading.tree.rollingTiers.find(({ uid }) => uid === tier.uid);
    for (const [key, value] of tierChanges(indexOf.get(tier.uid) ?? 0, tier, old)) changes.set(key, value);
  }
  return changed ? renumber(doc, 'rollingtier', moves) : doc;
}

/** The most recently used snapshots: the current one if it has changed, then new ones, then those already listed. */
function mostRecent(reading: SnapshotReading, tree: SnapshotTree): number[] {
  const uids = new Set(tree.snapshots.map(({ uid }) => uid));
  const before = new Set(reading.tree.snapshots.map(({ uid }) => uid));
  const added = [...uids].filter((uid) => !before.has(uid)).sort((a, b) => b - a);
  const used = tree.current === null || tree.current === reading.tree.current ? [] : [tree.current];
  return [...new Set([...used, ...added, ...reading.mostRecent])].filter((uid) => uids.has(uid));
}

function putMostRecent(
  changes: Changes,
  doc: VmxDocument,
  reading: SnapshotReading,
  tree: SnapshotTree,
): void {
  const recent = mostRecent(reading, tree);
  if (same(recent, reading.mostRecent)) return;
  for (const index of groupsOf(doc.index.keys(), 'snapshot.mru').keys()) {
    if (index >= recent.length) changes.set(`snapshot.mru${index}.uid`, null);
  }
  recent.forEach((uid, at) => changes.set(`snapshot.mru${at}.uid`, String(uid)));
}

function putHeader(
  changes: Changes,
  reading: SnapshotReading,
  tree: SnapshotTree,
  rearranged: boolean,
): void {
  const old = reading.tree;
  if (rearranged || tree.lastUid !== old.lastUid) changes.set('snapshot.lastUID', String(tree.lastUid));
  if (tree.current !== old.current) {
    changes.set('snapshot.current', tree.current === null ? null : String(tree.current));
  }
  if (tree.needConsolidate !== old.needConsolidate) {
    changes.set('snapshot.needConsolidate', booleanText(tree.needConsolidate));
  }
  if (tree.maxSnapshots !== old.maxSnapshots) {
    changes.set('snapshot.maxSnapshots', tree.maxSnapshots === undefined ? null : String(tree.maxSnapshots));
  }
}

/**
 * Removes the parent of a root if a new snapshot gets the uid that it names: there was no such snapshot, so it counted
 * as a root, and must not become a child of one that has nothing to do with it.
 */
function dropMissingParents(
  changes: Changes,
  doc: VmxDocument,
  tree: SnapshotTree,
  known: ReadonlyMap<number, Snapshot>,
): void {
  const added = new Set(tree.snapshots.flatMap(({ uid }) => (known.has(uid) ? [] : [uid])));
  tree.snapshots.forEach(({ uid, parent }, index) => {
    const key = `snapshot${index}.parent`;
    if (parent === null && known.has(uid) && added.has(getInteger(doc, key, 0))) changes.set(key, null);
  });
}

/**
 * Writes a tree into a `.vmsd`. Only differences from the tree in the document are written, so the same tree yields the
 * same bytes. Everything else stays: unknown keys of a snapshot move or vanish with it, and a snapshot that could not
 * be read moves after the others when their number or order changes. An empty file becomes one that starts with
 * `.encoding`, as VMware’s do.
 *
 * Snapshots are numbered from 0 in the order of the tree; the counts, `snapshot.lastUID` and the list of recently used
 * snapshots follow.
 * @throws KameError INVALID_VALUE when a text cannot be written in the encoding of the file, or the file would exceed
 *   vmxLimits
 */
export function writeSnapshots(document: VmxDocument, tree: SnapshotTree): VmxDocument {
  const reading = readVmsd(document);
  const changes: Changes = new Map();
  const uids = tree.snapshots.map(({ uid }) => uid);
  const arranged = arrange(reading.places, uids);
  putHeader(changes, reading, tree, arranged.changed);
  let doc = document.lines.length === 0 ? emptyDocument() : document;
  if (arranged.changed) doc = renumber(doc, 'snapshot', arranged.moves);
  const old = new Map(reading.tree.snapshots.map((snapshot) => [snapshot.uid, snapshot]));
  for (const snapshot of tree.snapshots) {
    doc = putSnapshot(changes, doc, arranged.indexOf.get(snapshot.uid) ?? 0, snapshot, old.get(snapshot.uid));
  }
  if (arranged.changed) dropMissingParents(changes, doc, tree, old);
  if (arranged.changed) changes.set('snapshot.numSnapshots', String(uids.length));
  putMostRecent(changes, doc, reading, tree);
  doc = putTiers(changes, doc, reading, tree);
  for (const [name, count, key] of [
    ['cloneOf', 'numCloneOf', 'cloneOf'],
    ['sentinel', 'numSentinels', 'sentinels'],
  ] as const) {
    if (!same(reading.tree[key], tree[key])) putList(changes, doc, name, count, tree[key]);
  }
  for (const [key, value] of relatedChanges(doc, reading.tree, tree)) changes.set(key, value);
  return changes.size === 0 ? document : editInPlace(doc, changes);
}
