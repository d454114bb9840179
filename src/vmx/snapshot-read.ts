import type { VmxDocument } from './document.ts';
import { groupsOf, numbersOf, type Place } from './snapshot-keys.ts';
import {
  snapshotLimits,
  type Snapshot,
  type SnapshotDisk,
  type SnapshotProblem,
  type SnapshotTree,
} from './snapshot-model.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import { readBases, readRelated } from './snapshot-related.ts';
import { readTiers } from './snapshot-tiers.ts';
import { timeFrom } from './snapshot-time.ts';

/** The tree, and the index of its parts in the file. */
export interface SnapshotReading {
  readonly tree: SnapshotTree;
  readonly problems: readonly SnapshotProblem[];
  readonly places: readonly Place<number>[];
  readonly tierPlaces: readonly Place<number>[];
  /** The uids of the most recently used snapshots, the latest first. */
  readonly mostRecent: readonly number[];
}

/** The disks at `snapshotN` that have a file and a unique node. The id of a place is the node in lower case. */
export function readDisks(
  reader: SnapshotReader,
  at: string,
  rests: readonly string[],
  uid: number,
): { disks: SnapshotDisk[]; places: Place<string>[] } {
  const disks: SnapshotDisk[] = [];
  const places: Place<string>[] = [];
  const seen = new Set<string>();
  for (const index of groupsOf(rests, 'disk').keys()) {
    const disk = `${at}.disk${index}`;
    const slot = reader.text(`${disk}.node`);
    const id = slot.toLowerCase();
    const understood = reader.text(`${disk}.fileName`) !== '' && slot !== '' && !seen.has(id);
    places.push({ index, id: understood ? id : null });
    if (!understood) {
      reader.odd(`${disk}.node`, `${disk} has no file, or no unique node. Ignoring the disk.`, uid);
      continue;
    }
    seen.add(id);
    if (!/^[a-z]{2,10}\d{1,3}:\d{1,3}$/.test(id)) {
      reader.odd(
        `${disk}.node`,
        `${disk}.node is "${reader.shown(`${disk}.node`)}", which is not a disk slot.`,
        uid,
      );
    }
    const mode = reader.text(`${disk}.mode`);
    const fileName = reader.fileName(`${disk}.fileName`, uid);
    disks.push(mode === '' ? { slot, fileName } : { slot, fileName, mode });
  }
  reader.count(`${at}.numDisks`, disks.length, uid);
  return { disks, places };
}

function readTime(reader: SnapshotReader, at: string, uid: number): Date {
  const { integer } = snapshotLimits;
  const high = reader.integer(`${at}.createTimeHigh`, 0, integer, uid) ?? 0;
  const low = reader.integer(`${at}.createTimeLow`, -integer - 1, 0xffffffff, uid) ?? 0;
  const time = timeFrom(high, low);
  if (!time) reader.odd(`${at}.createTimeHigh`, `The creation time of ${at} is out of range.`, uid);
  return time ?? new Date(0);
}

/** The values of the keys `NAME<N>` in order, except empty ones. */
function readList(reader: SnapshotReader, keys: Iterable<string>, within: string, name: string): string[] {
  return numbersOf(keys, name.toLowerCase())
    .map((number) => reader.text(`${within}${name}${number}`))
    .filter((value) => value !== '');
}

// The separator that VMware writes is unknown, so commas, semicolons and blanks are all accepted.
function readTierList(reader: SnapshotReader, at: string, uid: number): number[] {
  const tiers = new Set<number>();
  for (const word of reader.text(`${at}.tiers`).split(/[\s,;]+/, snapshotLimits.rollingTiers)) {
    if (word === '') continue;
    const tier = /^\d{1,10}$/.test(word) ? Number(word) : 0;
    if (tier >= 1 && tier <= snapshotLimits.integer) tiers.add(tier);
    else
      reader.odd(
        `${at}.tiers`,
        `${at}.tiers is "${reader.shown(`${at}.tiers`)}", which is not a list of tiers.`,
        uid,
      );
  }
  return [...tiers];
}

function readSnapshot(
  reader: SnapshotReader,
  index: number,
  rests: readonly string[],
  uid: number,
): Snapshot {
  const at = `snapshot${index}`;
  const clones = readList(reader, rests, `${at}.`, 'clone');
  reader.count(`${at}.numClones`, clones.length, uid);
  return {
    uid,
    parent: reader.integer(`${at}.parent`, 0, snapshotLimits.integer, uid) || null,
    displayName: reader.text(`${at}.displayName`),
    description: reader.text(`${at}.description`),
    withMemory: reader.integer(`${at}.type`, 0, snapshotLimits.integer, uid) === 1,
    createdAt: readTime(reader, at, uid),
    fileName: reader.fileName(`${at}.filename`, uid),
    disks: readDisks(reader, at, rests, uid).disks,
    clones,
    tiers: readTierList(reader, at, uid),
  };
}

function readAll(reader: SnapshotReader): { snapshots: Snapshot[]; places: Place<number>[] } {
  const snapshots: Snapshot[] = [];
  const places: Place<number>[] = [];
  const seen = new Set<number>();
  let gap: number | undefined;
  for (const [index, rests] of groupsOf(reader.doc.index.keys(), 'snapshot')) {
    if (index !== places.length) gap ??= places.length;
    const key = `snapshot${index}.uid`;
    const uid = reader.integer(key, 1);
    const reason = leftOut(uid, seen);
    places.push({ index, id: reason === undefined ? (uid ?? null) : null });
    if (uid === undefined || reason !== undefined) {
      reader.odd(key, `snapshot${index} ${reason}. Ignoring the snapshot.`);
      continue;
    }
    seen.add(uid);
    snapshots.push(readSnapshot(reader, index, rests, uid));
  }
  if (gap !== undefined) reader.odd(`snapshot${gap}.uid`, `snapshot${gap} is missing, but later ones exist.`);
  reader.count('snapshot.numSnapshots', snapshots.length);
  return { snapshots, places };
}

function leftOut(uid: number | undefined, seen: ReadonlySet<number>): string | undefined {
  if (uid === undefined) return 'has no uid';
  if (seen.has(uid)) return `has the uid ${uid}, which is already in use`;
  return seen.size >= snapshotLimits.snapshots
    ? `exceeds the limit of ${snapshotLimits.snapshots} snapshots`
    : undefined;
}

/**
 * Makes every snapshot reachable from a root: a snapshot with an unknown parent becomes a root, as does the first one
 * in the file of a cycle of parents. Each is visited once, so the depth of the tree does not matter.
 */
function rooted(
  reader: SnapshotReader,
  snapshots: readonly Snapshot[],
  places: readonly Place<number>[],
): Snapshot[] {
  const byUid = new Map(snapshots.map((snapshot) => [snapshot.uid, snapshot]));
  const indexOf = new Map(places.map(({ index, id }) => [id, index]));
  const cut = new Set<number>();
  const settled = new Set<number>();
  const report = (snapshot: Snapshot, reason: string): void => {
    const key = `snapshot${indexOf.get(snapshot.uid)}.parent`;
    cut.add(snapshot.uid);
    reader.odd(key, `${key} is ${snapshot.parent}: ${reason}. Treating it as a root.`, snapshot.uid);
  };
  for (const start of snapshots) {
    const trail = new Set<number>();
    let at: Snapshot | undefined = start;
    while (at && !settled.has(at.uid) && !trail.has(at.uid)) {
      trail.add(at.uid);
      const above: Snapshot | undefined = at.parent === null ? undefined : byUid.get(at.parent);
      if (at.parent !== null && !above) report(at, 'there is no such snapshot');
      at = above;
    }
    if (at && trail.has(at.uid)) report(firstOfCircle(at, byUid, indexOf), 'its parents form a cycle');
    for (const uid of trail) settled.add(uid);
  }
  return snapshots.map((snapshot) => (cut.has(snapshot.uid) ? { ...snapshot, parent: null } : snapshot));
}

function firstOfCircle(
  start: Snapshot,
  byUid: ReadonlyMap<number, Snapshot>,
  indexOf: ReadonlyMap<number | null, number>,
): Snapshot {
  const place = (snapshot: Snapshot): number => indexOf.get(snapshot.uid) ?? 0;
  let first = start;
  for (let at = byUid.get(start.parent ?? 0); at && at !== start; at = byUid.get(at.parent ?? 0)) {
    if (place(at) < place(first)) first = at;
  }
  return first;
}

function readCurrent(reader: SnapshotReader, snapshots: readonly Snapshot[]): number | null {
  const current = reader.integer('snapshot.current') || null;
  if (current === null || snapshots.some(({ uid }) => uid === current)) return current;
  reader.odd('snapshot.current', `snapshot.current is ${current}: there is no such snapshot.`);
  return null;
}

/** The last uid according to the file, or the highest in use if that is higher, so that no uid is assigned twice. */
function readLastUid(reader: SnapshotReader, snapshots: readonly Snapshot[]): number {
  const written = reader.integer('snapshot.lastUID');
  const highest = snapshots.reduce((most, { uid, parent }) => Math.max(most, uid, parent ?? 0), 0);
  if (written !== undefined && written < highest) {
    reader.odd('snapshot.lastUID', `snapshot.lastUID is ${written}, but uid ${highest} is in use.`);
  }
  return Math.max(written ?? 0, highest);
}

function readMostRecent(reader: SnapshotReader, snapshots: readonly Snapshot[]): number[] {
  const known = new Set(snapshots.map(({ uid }) => uid));
  const recent = new Set<number>();
  for (const index of groupsOf(reader.doc.index.keys(), 'snapshot.mru').keys()) {
    const uid = reader.integer(`snapshot.mru${index}.uid`);
    if (uid !== undefined && known.has(uid)) recent.add(uid);
  }
  return [...recent];
}

/** Reads a `.vmsd`, for readSnapshots and writeSnapshots. */
export function readVmsd(doc: VmxDocument): SnapshotReading {
  const reader = new SnapshotReader(doc);
  const { snapshots: read, places } = readAll(reader);
  const { tiers, places: tierPlaces } = readTiers(reader);
  const cloneOf = readList(reader, doc.index.keys(), '', 'cloneOf');
  const sentinels = readList(reader, doc.index.keys(), '', 'sentinel');
  const maxSnapshots = reader.integer('snapshot.maxSnapshots');
  const tree: SnapshotTree = {
    current: readCurrent(reader, read),
    lastUid: readLastUid(reader, read),
    snapshots: rooted(reader, read, places),
    needConsolidate: reader.flag('snapshot.needConsolidate') ?? false,
    rollingTiers: tiers,
    cloneOf,
    sentinels,
    related: readRelated(reader),
    bases: readBases(reader),
    ...(maxSnapshots === undefined ? {} : { maxSnapshots }),
  };
  const mostRecent = readMostRecent(reader, read);
  return { tree, problems: reader.problems, places, tierPlaces, mostRecent };
}
