import * as fc from 'fast-check';
import { describe as group, expect, it } from 'vitest';
import { emptyTree, snapshotLimits, type Snapshot, type SnapshotTree } from './snapshot-model.ts';
import {
  add,
  ancestors,
  childrenOf,
  describe,
  findSnapshot,
  nextUid,
  pathOf,
  remove,
  rename,
  subtreeOf,
} from './snapshot-tree.ts';

const body = (displayName: string): Omit<Snapshot, 'uid' | 'parent'> => ({
  displayName,
  description: '',
  withMemory: true,
  createdAt: new Date(0),
  fileName: `${displayName}.vmsn`,
  disks: [],
  clones: [],
  tiers: [1],
});

/** 1 a with the children 2 b and 4 b; 3 c under 2; 4 is current. */
const tree: SnapshotTree = add(
  { ...['a', 'b', 'c'].reduce((all, name) => add(all, body(name)), emptyTree), current: 1 },
  body('b'),
);
const shape = (of: SnapshotTree): string[] =>
  of.snapshots.map(({ uid, parent }) => `${parent ?? '-'}>${uid}`);

group('a tree', () => {
  it('grows under the current snapshot', () => {
    expect(shape(tree)).toEqual(['->1', '1>2', '2>3', '1>4']);
    expect(tree).toMatchObject({ current: 4, lastUid: 4 });
  });

  it('assigns no uid twice, unless the highest is used up', () => {
    expect(nextUid(remove(tree, 4, { children: false }))).toBe(5);
    const full = add({ ...tree, lastUid: snapshotLimits.integer }, body('late'));
    expect(full).toMatchObject({ current: 5, lastUid: snapshotLimits.integer });
    expect(nextUid(remove(full, 2, { children: false }))).toBe(2);
  });

  it('knows what is above and below', () => {
    expect(childrenOf(tree, 1).map(({ uid }) => uid)).toEqual([2, 4]);
    expect(childrenOf(tree, null).map(({ uid }) => uid)).toEqual([1]);
    expect(ancestors(tree, 3).map(({ uid }) => uid)).toEqual([2, 1]);
    expect(ancestors(tree, 99)).toEqual([]);
    expect(subtreeOf(tree, 1).map(({ uid }) => uid)).toEqual([1, 2, 4, 3]);
    expect(subtreeOf(tree, 99)).toEqual([]);
    expect(pathOf(tree, 3)).toBe('/a/b/c');
    expect(pathOf(tree, 99)).toBe('');
  });

  it('moves the children of a removed snapshot up to its parent', () => {
    expect(shape(remove(tree, 2, { children: false }))).toEqual(['->1', '1>3', '1>4']);
    expect(shape(remove(tree, 1, { children: false }))).toEqual(['->2', '2>3', '->4']);
    expect(remove(tree, 99, { children: true })).toBe(tree);
  });

  it('moves current to the parent of the removed snapshot', () => {
    expect(remove(tree, 4, { children: false }).current).toBe(1);
    expect(remove({ ...tree, current: 3 }, 2, { children: true })).toMatchObject({ current: 1 });
    expect(remove(tree, 1, { children: true })).toMatchObject({ current: null, snapshots: [], lastUid: 4 });
    expect(remove({ ...tree, current: null }, 1, { children: false }).current).toBeNull();
  });

  it('removes a snapshot from AutoProtect once it is named', () => {
    expect(rename(tree, 2, 'mine').snapshots[1]).toMatchObject({ displayName: 'mine', tiers: [] });
    expect(describe(tree, 2, 'why').snapshots[1]).toMatchObject({ description: 'why', tiers: [1] });
    expect(rename(tree, 99, 'x')).toEqual(tree);
  });

  it('visits a cycle once', () => {
    const circle = {
      ...tree,
      snapshots: tree.snapshots.map((one) => (one.uid === 1 ? { ...one, parent: 3 } : one)),
    };
    expect(ancestors(circle, 3).map(({ uid }) => uid)).toEqual([2, 1, 3]);
    expect(subtreeOf(circle, 3).map(({ uid }) => uid)).toEqual([3, 1, 2, 4]);
  });
});

group('a reference', () => {
  const find = (reference: string, within = tree): unknown => {
    const found = findSnapshot(within, reference);
    if (found.kind === 'found') return found.snapshot.uid;
    return found.kind === 'none' ? 'none' : found.candidates.map(({ uid }) => uid);
  };

  it.each([
    ['#3', 3],
    ['c', 3],
    ['/a', 1],
    ['/a/b/c', 3],
    ['b', [2, 4]],
    ['/a/b', [2, 4]],
    ['#9', 'none'],
    ['#', 'none'],
    ['C', 'none'],
    ['', 'none'],
    ['/', 'none'],
    ['a/b', 'none'],
    ['/b/c', 'none'],
    ['/a/b/c/', 'none'],
  ])('%j is %j', (reference, expected) => {
    expect(find(reference)).toEqual(expected);
  });

  it('finds names that look like a uid or a path', () => {
    const odd = ['#3', '/x', 'y/z', '#77'].reduce((all, name) => add(all, body(name)), emptyTree);
    expect(find('/#3', odd)).toBe(1);
    expect(find('#1', odd)).toBe(1);
    expect(find('#77', odd)).toBe(4);
    expect(find('/x', odd)).toBe(2);
    expect(find('/#3//x/y/z', odd)).toBe(3);
    expect(find('y/z', odd)).toBe(3);
  });

  it('that fits several snapshots is refused as ambiguous', () => {
    // The first has the uid 1 and the label #3; the second is /a, the third has that label.
    const odd = add(
      { ...add({ ...add(emptyTree, body('#3')), current: null }, body('a')), current: null },
      body('/a'),
    );
    expect(find('#3', odd)).toEqual([1, 3]);
    expect(find('/a', odd)).toEqual([2, 3]);
    expect([find('/#3', odd), find('a', odd), find('#2', odd)]).toEqual([1, 2, 2]);
  });

  it('is the same however its characters are composed', () => {
    const made = add(add(emptyTree, body('Änderung')), body('é'));
    expect([find('Änderung'.normalize('NFD'), made), find('/Änderung/é'.normalize('NFD'), made)]).toEqual([
      1, 2,
    ]);
    const decomposed = add(emptyTree, body('é'.normalize('NFD')));
    expect(find('é', decomposed)).toBe(1);
  });

  it('finds every snapshot by its uid and by its path', () => {
    const names = fc.array(fc.tuple(fc.constantFrom('a', 'b', '', '/', '#1'), fc.nat()), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(names, (made) => {
        let all = emptyTree;
        for (const [name, under] of made) {
          all = add({ ...all, current: under % (all.lastUid + 1) || null }, body(name));
        }
        for (const { uid } of all.snapshots) {
          expect([find(`#${uid}`, all)].flat()).toContain(uid);
          expect([find(pathOf(all, uid), all)].flat()).toContain(uid);
        }
      }),
    );
  });
});
