import { join } from 'node:path';
import { type Layer, layersOf, readChain } from '../../disk/chain.ts';
import { stampOf } from '../../disk/file-stamp.ts';
import { isInPlace } from '../../disk/stand-in.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import type { SnapshotTree } from '../../vmx/snapshots.ts';
import { isOwnFile } from './layers.ts';
import type { LinkedClones } from './linked-clones.ts';

/** All layers of a machine and how they depend on each other. */
export interface LayerGraph {
  readonly layers: ReadonlyMap<string, Layer>;
  /** The layers directly on top of each layer. */
  readonly children: ReadonlyMap<string, ReadonlySet<string>>;
  /** Layers that the `.vmx` or a snapshot refers to. */
  readonly named: ReadonlySet<string>;
  /** Layers that a linked clone depends on: they must not change. */
  readonly locked: ReadonlySet<string>;
}

/** An unreferenced layer with exactly one layer on top of it: the two can be merged. */
export interface Merge {
  readonly lower: Layer;
  readonly upper: Layer;
  /** `commit`: into the lower one; `pull`: into the upper one. */
  readonly how: 'commit' | 'pull';
}

/** Whether a linked clone reads a file. */
export async function isReadBy(clones: LinkedClones, path: string): Promise<boolean> {
  const stamp = await stampOf(path);
  return stamp !== undefined && clones.reads(stamp.file);
}

/**
 * Reads the layers of all states of a machine: the current one and its snapshots.
 * @param clones the linked clones of the machine, which lock the layers that they read
 * @throws KameError BAD_IMAGE, FILE_ACCESS when one of them is damaged or missing
 */
export async function readLayerGraph(
  bundle: Bundle,
  tree: SnapshotTree,
  inside: readonly string[],
  clones: LinkedClones,
): Promise<LayerGraph> {
  const { names } = bundle;
  const layers = new Map<string, Layer>();
  const children = new Map<string, Set<string>>();
  const locked = new Set<string>();
  const named = new Set<string>();
  const addChain = async (fileName: string, isLocked: boolean) => {
    const top = resolveIn(names, fileName);
    named.add(top);
    let above: string | undefined;
    for (const layer of layersOf(await readChain(top, { inside, tables: false }))) {
      layers.set(layer.path, layer);
      const over = children.get(layer.path) ?? new Set<string>();
      children.set(layer.path, over);
      if (above !== undefined) over.add(above);
      if (isLocked) locked.add(layer.path);
      above = layer.path;
    }
  };
  for (const disk of contentOf(bundle).model.disks) await addChain(disk.fileName, false);
  for (const { uid, disks } of tree.snapshots) {
    for (const { fileName } of disks) await addChain(fileName, clones.ofSnapshot(uid).length > 0);
  }
  for (const path of layers.keys()) if (await isReadBy(clones, path)) locked.add(path);
  return { layers, children, named, locked };
}

function directionOf(lower: Layer, upper: Layer): Merge['how'] | undefined {
  // A file with several hard links is also a layer of an instant clone.
  const mayCommit = lower.links === 1;
  // The engine’s tools cannot be given the layer onto which they would pull: see disk/stand-in.ts.
  const mayPull = upper.links === 1 && !isInPlace(upper);
  if (mayCommit && (!mayPull || upper.allocatedBytes <= lower.allocatedBytes || lower.format === 'raw'))
    return 'commit';
  return mayPull && lower.links === 1 ? 'pull' : undefined;
}

/** The next merge; undefined when there is nothing to merge. */
export function nextMerge(bundle: Bundle, graph: LayerGraph): Merge | undefined {
  for (const lower of graph.layers.values()) {
    const over = [...(graph.children.get(lower.path) ?? [])];
    const upper = over.length === 1 ? graph.layers.get(over[0] as string) : undefined;
    if (!upper || graph.named.has(lower.path) || graph.locked.has(lower.path)) continue;
    // What is used in place is never written, and nothing is copied out of it unasked.
    if (lower.map) continue;
    if (!isOwnFile(bundle.names, lower.path) || !isOwnFile(bundle.names, upper.path)) continue;
    const how = directionOf(lower, upper);
    if (how) return { lower, upper, how };
  }
  return undefined;
}

/** Paths of the candidates that no state of the machine needs. */
export function unusedLayers(bundle: Bundle, graph: LayerGraph, candidates: readonly string[]): string[] {
  return candidates
    .map((name) => join(bundle.names.directory, name))
    .filter((path) => !graph.layers.has(path));
}
