import { KameError } from '../core/errors.ts';
import { snapshotLimits, type RollingTier, type Snapshot, type SnapshotTree } from './snapshot-model.ts';

/**
 * AutoProtect as Fusion and Workstation have it: rolling snapshots, half-hourly, hourly and daily, by a clock that
 * runs only while the machine is powered on. What VMware documents is the intervals, the clock, the maximum, that one
 * snapshot serves several tiers, and that the oldest goes. How the maximum is shared between the tiers it does not;
 * that is ours:
 *
 * - Taking. `every` is the finest tier; the coarser ones of the three come with it. A tier is due when its clock has
 *   reached its interval. One snapshot is taken for all that are due, and it counts for every finer tier too, so that
 *   the tiers stay in step. The clocks of these tiers start again at 0.
 * - Keeping. `keep` is how many automatic snapshots there are at most. Each tier gets an equal share of it, and the
 *   finest the rest; where `keep` is less than the number of tiers, the coarsest tiers are not there. `every: '30m'`
 *   with 10 keeps 4 half-hourly, 3 hourly and 3 daily ones.
 * - Removing. Each tier holds on to its newest ones, up to its maximum, which is 1 at least: the newest of each tier
 *   stays. An automatic snapshot that no tier holds on to goes, the oldest first. A snapshot counts in each tier it was
 *   taken for; one whose tiers are all gone, because the settings changed, counts in the finest.
 * - Never removed, and in no tier’s count: a snapshot a person took or named, and one with linked clones.
 * - Off. The tiers go, the snapshots stay, and none expires. Switched on again, the snapshots of the same intervals
 *   count again.
 *
 * Age goes by the uid, not by the clock of the host, which may be set back.
 *
 * The type: how often; the coarser of these come with it.
 */
export type AutoProtectInterval = '30m' | '1h' | '1d';

export interface AutoProtectSettings {
  /** Null for an interval that only a file of VMware’s can have. */
  readonly every: AutoProtectInterval | null;
  /** The interval of the finest tier in seconds of powered-on time. */
  readonly interval: number;
  /** At most so many automatic snapshots. */
  readonly keep: number;
}

// The uids are always the same, so that the snapshots of a tier find it again after AutoProtect was off.
const intervals: readonly { every: AutoProtectInterval; interval: number; uid: number; name: string }[] = [
  { every: '30m', interval: 1800, uid: 1, name: 'Half-Hourly' },
  { every: '1h', interval: 3600, uid: 2, name: 'Hourly' },
  { every: '1d', interval: 86_400, uid: 3, name: 'Daily' },
];

/**
 * How many automatic snapshots are kept where nobody says: enough for every tier to reach back by three steps, while
 * the memory of ten snapshots, a file each, is what a laptop’s disk still bears. VMware stops at 100 of a machine.
 */
export const defaultKeep = 10;

const keepLimits = { min: 1, max: 100 } as const;

function checkKeep(keep: number): void {
  if (Number.isInteger(keep) && keep >= keepLimits.min && keep <= keepLimits.max) return;
  throw new KameError('INVALID_VALUE', `AutoProtect can’t keep ${keep} snapshots.`, {
    next: `Choose a whole number from ${keepLimits.min} to ${keepLimits.max}; ${defaultKeep} is usual.`,
  });
}

function freeUid(wanted: number, used: ReadonlySet<number>): number {
  let uid = wanted;
  while (used.has(uid)) uid = Math.max(uid, intervals.length) + 1;
  return uid;
}

/**
 * The tree with AutoProtect on. A tier of the same interval that is there already keeps its uid and its clock; others
 * go. The snapshots stay as they are; `expired` tells which are too many now.
 * @throws KameError INVALID_VALUE when `keep` is not a whole number from 1 to 100
 */
export function configure(
  tree: SnapshotTree,
  settings: { every: AutoProtectInterval; keep?: number },
): SnapshotTree {
  const keep = settings.keep ?? defaultKeep;
  checkKeep(keep);
  const first = intervals.findIndex(({ every }) => every === settings.every);
  const chosen = intervals.slice(first, first + keep);
  const share = Math.floor(keep / chosen.length);
  const old = chosen.map(({ interval }) => tree.rollingTiers.find((tier) => tier.interval === interval));
  const used = new Set(old.flatMap((tier) => (tier ? [tier.uid] : [])));
  const rollingTiers = chosen.map(({ interval, uid, name }, at): RollingTier => {
    const maximum = at === 0 ? keep - share * (chosen.length - 1) : share;
    const there = old[at];
    if (there) return { ...there, maximum };
    const free = freeUid(uid, used);
    used.add(free);
    return { uid: free, interval, maximum, timeSinceLast: 0, displayName: name, description: '' };
  });
  return { ...tree, rollingTiers };
}

/** The tree with AutoProtect off. The automatic snapshots stay. */
export function disable(tree: SnapshotTree): SnapshotTree {
  return { ...tree, rollingTiers: [] };
}

function finestOf(tree: SnapshotTree): RollingTier | undefined {
  return tree.rollingTiers.reduce<RollingTier | undefined>(
    (finest, tier) => (finest && finest.interval <= tier.interval ? finest : tier),
    undefined,
  );
}

/** The settings, or null while AutoProtect is off. */
export function settingsOf(tree: SnapshotTree): AutoProtectSettings | null {
  const finest = finestOf(tree);
  if (!finest) return null;
  const every = intervals.find(({ interval }) => interval === finest.interval)?.every ?? null;
  const keep = tree.rollingTiers.reduce((sum, { maximum }) => sum + maximum, 0);
  return { every, interval: finest.interval, keep };
}

/**
 * The clocks of all tiers, put forward.
 * @param elapsed seconds that the machine was powered on. The file holds whole seconds: a part of one is dropped, and
 *   the caller keeps it for the next call. What is no number, or below 0, is 0.
 */
export function tick(tree: SnapshotTree, elapsed: number): SnapshotTree {
  const seconds = elapsed > 0 ? Math.min(Math.floor(elapsed), snapshotLimits.integer) : 0;
  if (seconds === 0 || tree.rollingTiers.length === 0) return tree;
  const rollingTiers = tree.rollingTiers.map((tier) => ({
    ...tier,
    timeSinceLast: Math.min(tier.timeSinceLast + seconds, snapshotLimits.integer),
  }));
  return { ...tree, rollingTiers };
}

/** The tiers that a snapshot must be taken for now, by their uids; null when none is due. */
export function due(tree: SnapshotTree): { tiers: number[] } | null {
  const coarsest = tree.rollingTiers
    .filter(({ timeSinceLast, interval }) => timeSinceLast >= interval)
    .reduce((most, { interval }) => Math.max(most, interval), 0);
  if (coarsest === 0) return null;
  return { tiers: tree.rollingTiers.filter(({ interval }) => interval <= coarsest).map(({ uid }) => uid) };
}

/** After the snapshot `uid` was taken for these tiers: it is marked with them, and their clocks start again. */
export function taken(tree: SnapshotTree, uid: number, tiers: readonly number[]): SnapshotTree {
  const served = tree.rollingTiers.map((tier) => tier.uid).filter((tier) => tiers.includes(tier));
  return {
    ...tree,
    snapshots: tree.snapshots.map((snapshot) =>
      snapshot.uid === uid ? { ...snapshot, tiers: served } : snapshot,
    ),
    rollingTiers: tree.rollingTiers.map((tier) =>
      served.includes(tier.uid) ? { ...tier, timeSinceLast: 0 } : tier,
    ),
  };
}

/** Whether AutoProtect may remove it: it took it, nobody named it, and no linked clone needs it. */
function removable(snapshot: Snapshot): boolean {
  return snapshot.tiers.length > 0 && snapshot.clones.length === 0;
}

/** The automatic snapshots that are too many, by the policy of AutoProtectInterval, the oldest first. */
export function expired(tree: SnapshotTree): number[] {
  const finest = finestOf(tree);
  if (!finest) return [];
  const known = new Set(tree.rollingTiers.map(({ uid }) => uid));
  const newestFirst = tree.snapshots.filter(removable).sort((a, b) => b.uid - a.uid);
  const held = new Set<number>();
  for (const tier of tree.rollingTiers) {
    newestFirst
      .filter(
        ({ tiers }) => tiers.includes(tier.uid) || (tier === finest && !tiers.some((uid) => known.has(uid))),
      )
      .slice(0, tier.maximum)
      .forEach(({ uid }) => held.add(uid));
  }
  return newestFirst
    .map(({ uid }) => uid)
    .filter((uid) => !held.has(uid))
    .reverse();
}
