import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../api/checkpoint.ts';
import { treeLines } from './snapshot-lines.ts';

function snapshot(uid: number, parent: number | null, more: Partial<Snapshot> = {}): Snapshot {
  return {
    uid,
    parent,
    label: `s${uid}`,
    description: '',
    path: `/s${uid}`,
    depth: 0,
    current: false,
    createdAt: '2026-11-24T01:35:33.644Z',
    state: 'stopped',
    memory: false,
    screen: false,
    autoProtect: false,
    clones: [],
    ...more,
  };
}

const drawn = (snapshots: readonly Snapshot[]) =>
  treeLines(snapshots).map(({ strokes, snapshot: node }) => strokes + (node?.label ?? 'here'));

describe('the tree of snapshots', () => {
  it('draws branches, and the place of the machine as the last child of the current snapshot', () => {
    const tree = [
      snapshot(1, null),
      snapshot(2, 1, { current: true }),
      snapshot(4, 2),
      snapshot(3, 1),
      snapshot(6, 3),
      snapshot(5, null),
    ];
    expect(drawn(tree)).toEqual(['s1', '├─ s2', '│  ├─ s4', '│  └─ here', '└─ s3', '   └─ s6', 's5']);
  });

  it('draws a chain', () => {
    const chain = [snapshot(1, null), snapshot(2, 1), snapshot(3, 2, { current: true })];
    expect(drawn(chain)).toEqual(['s1', '└─ s2', '   └─ s3', '      └─ here']);
  });

  it('puts a machine without a current snapshot, and snapshots without their parent, beside the roots', () => {
    expect(drawn([])).toEqual(['here']);
    expect(drawn([snapshot(1, null), snapshot(7, 99)])).toEqual(['s1', 's7', 'here']);
  });

  it('draws every snapshot once, below its parent, at any depth', () => {
    const trees = fc
      .array(fc.nat(), { maxLength: 60 })
      .map((parents) =>
        parents.map((number, index) => snapshot(index + 1, index === 0 ? null : (number % index) + 1)),
      );
    fc.assert(
      fc.property(trees, (tree) => {
        const lines = treeLines(tree);
        expect(lines.flatMap((line) => line.snapshot?.uid ?? []).toSorted((a, b) => a - b)).toEqual(
          tree.map(({ uid }) => uid),
        );
        const depths = new Map<number | null, number>([[null, -1]]);
        for (const { strokes, snapshot: node } of lines) {
          if (node === null) continue;
          const depth = (depths.get(node.parent) ?? Number.NaN) + 1;
          depths.set(node.uid, depth);
          expect(strokes.length).toBe(3 * depth);
        }
      }),
    );
    const deep = Array.from({ length: 5000 }, (_, index) => snapshot(index + 1, index || null));
    expect(treeLines(deep).length).toBe(5001);
  });
});
