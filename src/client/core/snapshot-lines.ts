import type { Snapshot } from '../../api/checkpoint.ts';

/** A line of the tree: its strokes and its snapshot, or null for the machine's current state. */
export interface TreeLine {
  readonly strokes: string;
  readonly snapshot: Snapshot | null;
}

type Node = Snapshot | null;

/** The strokes before a node and before the nodes below it. Roots have none. */
function strokesOf(above: string, root: boolean, last: boolean): { own: string; below: string } {
  if (root) return { own: '', below: '' };
  return { own: above + (last ? '└─ ' : '├─ '), below: above + (last ? '   ' : '│  ') };
}

/**
 * The snapshot tree, drawn with lines as in Fusion's Snapshots window: siblings in the given order, and "You are here" (null)
 * last below the current snapshot. Without a current snapshot it is beside the roots. A snapshot whose parent is not in the
 * list is drawn as a root.
 */
export function treeLines(snapshots: readonly Snapshot[]): TreeLine[] {
  const known = new Set(snapshots.map(({ uid }) => uid));
  const children = new Map<number | null, Node[]>();
  const put = (parent: number | null, node: Node) => {
    children.set(parent, [...(children.get(parent) ?? []), node]);
  };
  for (const snapshot of snapshots) {
    const { parent } = snapshot;
    put(parent !== null && known.has(parent) ? parent : null, snapshot);
  }
  put(snapshots.find(({ current }) => current)?.uid ?? null, null);

  const lines: TreeLine[] = [];
  // A list instead of recursion: a chain may be deeper than the stack. The next node is at its end.
  const waiting: { node: Node; above: string; root: boolean; last: boolean }[] = [];
  const push = (nodes: readonly Node[], above: string, root: boolean) => {
    nodes.toReversed().forEach((node, index) => waiting.push({ node, above, root, last: index === 0 }));
  };
  push(children.get(null) ?? [], '', true);
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { own, below } = strokesOf(next.above, next.root, next.last);
    lines.push({ strokes: own, snapshot: next.node });
    if (next.node) push(children.get(next.node.uid) ?? [], below, false);
  }
  return lines;
}
