import { KameError } from '../core/errors.ts';
import { snapshotLimits, type RollingTier, type Snapshot, type SnapshotTree } from './snapshot-model.ts';

/**
 * AutoProtect as in Fusion and Workstation: rolling half-hourly, hourly and daily snapshots, timed by a clock that runs
 * only while the machine is powered on. VMware documents the intervals, the clock, the maximum, that one snapshot
 * serves several tiers, and that the oldest is deleted. It does not document how the tiers share the maximum; these
 * rules are ours:
 *
 * - Taking. `every` is the finest tier; it includes the coarser ones. A tier is due when its clock reaches its
 * interval.
 *   One snapshot is taken for all tiers that are due. It also counts for every finer tier, so that the tiers stay in
 *   step. The clocks of all these tiers restart at 0.
 * - Keeping. `keep` is the maximum number of automatic snapshots. Each tier gets an equal share, and the finest also
 * the
 *   remainder; if `keep` is less than the number of tiers, the coarsest tiers are omitted. `every: '30m'` with 10 keeps
 *   4 half-hourly, 3 hourly and 3 daily snapshots.
 * - Removing. Each tier keeps its newest snapshots, up to its maximum, which is at least 1. Automatic snapshots that no
 *   tier keeps are removed, the oldest first. A snapshot counts for each tier it was taken for, or for the finest if
 *   the settings changed and none of its tiers is left.
 * - Never removed, nor counted: snapshots that a person took or named, and snapshots with linked clones.
 * - Off. The tiers are removed, the snapshots stay, and none expires. When AutoProtect is switched on again, snapshots
 *   with the same intervals count again.
 *
 * The uid determines the age, not the clock of the host, which may be set back.
 *
 * The type itself is the interval of the finest tier.
 */
export type AutoProtectInterval = '30m' | '1h' | '1d';

export interface AutoProtectSettings {
  /** Null for an interval that Kame does not offer, from a file that VMware wrote. */
  readonly every: AutoProtectInterval | null;
  /** The interval of the finest tier in seconds of powered-on time. */
  readonly interval: number;
  /** The maximum number of automatic snapshots. */
  readonly keep: number;
}

// The uids are fixed, so that existing snapshots match their tier again after AutoProtect was off.
const intervals: readonly { every: AutoProtectInterval; interval: number; uid: number; name: string }[] = [
  { every: '30m', interval: 1800, uid: 1, name: 'Half-Hourly' },
  { every: '1h', interval: 3600, uid: 2, name: 'Hourly' },
  { every: '1d', interval: 86_400, uid: 3, name: 'Daily' },
];

/**
 * The default number of automatic snapshots: enough for three of every tier, while a laptop can still store the memory
 * of ten snapshots, one file each. VMware allows 100 per machine.
 */
export const defaultKeep = 10;

const keepLimits = { min: 1, max: 100 } as const;

function checkKeep(keep: number): void {
  if (Number.isInteger(keep) && keep >= keepLimits.min && keep <= keepLimits.max) return;
  throw new KameError('INVALID_VALUE', `AutoProtect cannot keep ${keep} snapshots.`, {
    next: `Choose a whole number from ${keepLimits.min} to ${keepLimits.max}; the default is ${defaultKeep}.`,
  });
}

function freeUid(wanted: number, used: ReadonlySet<number>): number {
  let uid = wanted;
  while (used.has(uid)) uid = Math.max(uid, intervals.length) + 1;
  return uid;
}

/**
 * Switches AutoProtect on. An existing tier with the same interval keeps its uid and its clock; other tiers are
 * removed. The snapshots do not change; `expired` returns those that are now surplus.
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

/** Switches AutoProtect off. The automatic snapshots stay. */
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
 * Advances the clocks of all tiers.
 * @param elapsed seconds that the machine was powered on. The file stores whole seconds: a fraction is dropped, and the
 *   caller carries it over to the next call. A negative number or NaN counts as 0.
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

/** The uids of the tiers for which a snapshot is due now; null when none is. */
export function due(tree: SnapshotTree): { tiers: number[] } | null {
  const coarsest = tree.rollingTiers
    .filter(({ timeSinceLast, interval }) => timeSinceLast >= interval)
    .reduce((most, { interval }) => Math.max(most, interval), 0);
  if (coarsest === 0) return null;
  return { tiers: tree.rollingTiers.filter(({ interval }) => interval <= coarsest).map(({ uid }) => uid) };
}

/** Records that the snapshot `uid` was taken for these tiers, and restarts their clocks. */
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

/** Whether AutoProtect may remove a snapshot: AutoProtect took it, no person named it, and no linked clone needs it. */
function removable(snapshot: Snapshot): boolean {
  return snapshot.tiers.length > 0 && snapshot.clones.length === 0;
}

/** The uids of the automatic snapshots to remove by the rules of AutoProtectInterval, the oldest first. */
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
