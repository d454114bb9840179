import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  configure,
  defaultKeep,
  disable,
  due,
  expired,
  settingsOf,
  taken,
  tick,
  type AutoProtectInterval,
} from './autoprotect.ts';
import { parseVmx, printVmx } from './document.ts';
import { emptyTree, type SnapshotTree } from './snapshot-model.ts';
import { add, remove, rename } from './snapshot-tree.ts';
import { readSnapshots, writeSnapshots } from './snapshots.ts';

const hour = 3600;
const day = 24 * hour;

function take(tree: SnapshotTree): SnapshotTree {
  return add(tree, {
    displayName: 'snapshot',
    description: '',
    withMemory: true,
    createdAt: new Date(0),
    fileName: 's.vmsn',
    disks: [],
    clones: [],
    tiers: [],
  });
}

/** What a caller does at every tick: takes the snapshot that is due, then deletes those that have expired. */
function step(tree: SnapshotTree, seconds: number): SnapshotTree {
  let next = tick(tree, seconds);
  const now = due(next);
  if (now) {
    next = take(next);
    next = taken(next, next.lastUid, now.tiers);
  }
  return expired(next).reduce((rest, uid) => remove(rest, uid, { children: false }), next);
}

function run(tree: SnapshotTree, total: number, every: number): SnapshotTree {
  let next = tree;
  for (let time = 0; time < total; time += every) next = step(next, every);
  return next;
}

const maximums = (tree: SnapshotTree): number[][] =>
  tree.rollingTiers.map(({ uid, interval, maximum }) => [uid, interval, maximum]);
const uidsOf = (tree: SnapshotTree): number[] => tree.snapshots.map(({ uid }) => uid);

describe('settings', () => {
  it.each<[AutoProtectInterval, number, number[][]]>([
    [
      '30m',
      10,
      [
        [1, 1800, 4],
        [2, 3600, 3],
        [3, 86_400, 3],
      ],
    ],
    [
      '1h',
      10,
      [
        [2, 3600, 5],
        [3, 86_400, 5],
      ],
    ],
    ['1d', 10, [[3, 86_400, 10]]],
    [
      '30m',
      2,
      [
        [1, 1800, 1],
        [2, 3600, 1],
      ],
    ],
    ['30m', 1, [[1, 1800, 1]]],
    [
      '1h',
      100,
      [
        [2, 3600, 50],
        [3, 86_400, 50],
      ],
    ],
  ])('divides %2$i snapshots among the tiers of %1$s', (every, keep, expected) => {
    const tree = configure(emptyTree, { every, keep });
    expect(maximums(tree)).toEqual(expected);
    expect(settingsOf(tree)).toEqual({ every, keep, interval: expected[0]![1] });
  });

  it('keeps ten by default', () => {
    expect(settingsOf(configure(emptyTree, { every: '1d' }))).toMatchObject({ keep: defaultKeep });
  });

  it.each([0, -1, 1.5, 101, Number.NaN, Number.POSITIVE_INFINITY])('rejects keep: %d', (keep) => {
    expect(() => configure(emptyTree, { every: '1h', keep })).toThrow(/AutoProtect cannot keep/);
  });

  it('is off without tiers', () => {
    expect(settingsOf(emptyTree)).toBeNull();
    expect(disable(configure(emptyTree, { every: '1h' }))).toEqual(emptyTree);
    expect(due(emptyTree)).toBeNull();
    expect(tick(emptyTree, 5)).toBe(emptyTree);
  });

  it('keeps the uid and clock of a tier that stays, and gives its uid to no other tier', () => {
    const foreign = {
      ...configure(emptyTree, { every: '1d' }),
      rollingTiers: [
        {
          uid: 1,
          interval: 86_400,
          maximum: 9,
          timeSinceLast: 77,
          displayName: 'D',
          description: '',
          live: true,
        },
        { uid: 2, interval: 60, maximum: 9, timeSinceLast: 7, displayName: '', description: '' },
      ],
    };
    expect(settingsOf(foreign)).toEqual({ every: null, interval: 60, keep: 18 });
    const tree = configure(foreign, { every: '30m', keep: 3 });
    expect(maximums(tree)).toEqual([
      [4, 1800, 1],
      [2, 3600, 1],
      [1, 86_400, 1],
    ]);
    expect(tree.rollingTiers[2]).toMatchObject({ timeSinceLast: 77, displayName: 'D', live: true });
  });

  it('is stored in the .vmsd', () => {
    const tree = configure(emptyTree, { every: '1h', keep: 5 });
    const text = new TextDecoder().decode(printVmx(writeSnapshots(parseVmx(new Uint8Array()), tree)));
    expect(text).toBe(`.encoding = "UTF-8"
snapshot.numRollingTiers = "2"
rollingTier0.uid = "2"
rollingTier0.interval = "3600"
rollingTier0.maximum = "3"
rollingTier0.displayName = "Hourly"
rollingTier0.timeSincelast = "0"
rollingTier1.uid = "3"
rollingTier1.interval = "86400"
rollingTier1.maximum = "2"
rollingTier1.displayName = "Daily"
rollingTier1.timeSincelast = "0"
`);
    const later = writeSnapshots(parseVmx(new TextEncoder().encode(text)), disable(tree));
    expect(readSnapshots(later)).toEqual({ tree: emptyTree, problems: [] });
  });
});

describe('the clock', () => {
  it('counts only the time it is given, in whole seconds', () => {
    const tree = configure(emptyTree, { every: '1h' });
    const clocks = (elapsed: number): number[] =>
      tick(tree, elapsed).rollingTiers.map(({ timeSinceLast }) => timeSinceLast);
    expect(clocks(59.9)).toEqual([59, 59]);
    for (const none of [0, -5, Number.NaN, 0.4]) expect(tick(tree, none)).toBe(tree);
    expect(clocks(Number.POSITIVE_INFINITY)).toEqual([0x7fffffff, 0x7fffffff]);
  });

  it('continues from where the machine was powered off', () => {
    const off = tick(configure(emptyTree, { every: '1h' }), 300);
    const saved = readSnapshots(writeSnapshots(parseVmx(new Uint8Array()), off)).tree;
    expect(due(tick(saved, 3299))).toBeNull();
    expect(due(tick(saved, 3300))).toEqual({ tiers: [2] });
  });

  it('uses one snapshot for all tiers that are due, and for the finer ones', () => {
    let tree = configure(emptyTree, { every: '30m' });
    expect(due(tick(tree, 1800))).toEqual({ tiers: [1] });
    expect(due(tick(tree, day))).toEqual({ tiers: [1, 2, 3] });
    const only = (uid: number, seconds: number): SnapshotTree => ({
      ...tree,
      rollingTiers: tree.rollingTiers.map((tier) =>
        tier.uid === uid ? { ...tier, timeSinceLast: seconds } : tier,
      ),
    });
    tree = only(2, 3600);
    expect(due(tree)).toEqual({ tiers: [1, 2] });
    tree = taken(take(tick(tree, 10)), 1, [1, 2, 99]);
    expect(tree.rollingTiers.map(({ timeSinceLast }) => timeSinceLast)).toEqual([0, 0, 10]);
    expect(tree.snapshots[0]!.tiers).toEqual([1, 2]);
  });
});

describe('what expires', () => {
  it('keeps four half-hourly, three hourly and three daily ones after ten days', () => {
    const tree = run(configure(emptyTree, { every: '30m' }), 10 * day, 600);
    const halfHours = 480;
    expect(tree.lastUid).toBe(halfHours);
    expect(uidsOf(tree)).toEqual([384, 432, 476, 477, 478, 479, 480]);
    expect(tree.snapshots.map(({ tiers }) => tiers.length)).toEqual([3, 3, 2, 1, 2, 1, 3]);
  });

  it('never removes a snapshot that a person took or named, or that a linked clone needs', () => {
    let tree = run(take(configure(emptyTree, { every: '1h', keep: 2 })), 3 * hour, hour);
    tree = rename(tree, tree.lastUid, 'mine');
    tree = run(tree, hour, hour);
    const cloned = tree.lastUid;
    tree = {
      ...tree,
      snapshots: tree.snapshots.map((one) => (one.uid === cloned ? { ...one, clones: ['/vm/c.vmx'] } : one)),
    };
    tree = run(tree, 12 * hour, hour);
    expect(uidsOf(tree)).toEqual([1, 4, 5, 17]);
  });

  it('returns the oldest first', () => {
    const many = run(configure(emptyTree, { every: '1h', keep: 100 }), 20 * hour, hour);
    expect(expired(configure(many, { every: '1h', keep: 4 }))).toEqual(
      Array.from({ length: 18 }, (_, at) => at + 1),
    );
  });

  it('removes nothing while it is off, and counts the old ones when it is on again', () => {
    const off = disable(run(configure(emptyTree, { every: '1h' }), 5 * hour, hour));
    expect(expired(off)).toEqual([]);
    expect(expired(configure(off, { every: '1h', keep: 4 }))).toEqual([1, 2, 3]);
  });

  it('counts snapshots of removed tiers in the finest one', () => {
    const halfHourly = run(configure(emptyTree, { every: '30m', keep: 30 }), 5 * hour, 1800);
    expect(expired(configure(halfHourly, { every: '1d', keep: 3 }))).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('never keeps more than the maximum, and always keeps the newest of each tier', () => {
    const every = fc.constantFrom<AutoProtectInterval>('30m', '1h', '1d');
    const steps = fc.array(fc.integer({ min: 1, max: 2 * day }), { maxLength: 60 });
    fc.assert(
      fc.property(every, fc.integer({ min: 1, max: 12 }), steps, (interval, keep, seconds) => {
        let tree = configure(emptyTree, { every: interval, keep });
        const newest = new Map<number, number>();
        for (const elapsed of seconds) {
          tree = step(tree, elapsed);
          for (const { uid, tiers } of tree.snapshots) for (const tier of tiers) newest.set(tier, uid);
          expect(tree.snapshots.length).toBeLessThanOrEqual(keep);
          for (const uid of newest.values()) expect(uidsOf(tree)).toContain(uid);
          expect(due(tree)).toBeNull();
        }
      }),
    );
  });
});
