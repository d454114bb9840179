import { describe, expect, it } from 'vitest';
import type { Layer } from '../../disk/chain.ts';
import type { Bundle } from '../../store/bundle.ts';
import { machineNames } from '../../store/names.ts';
import { nextMerge, unusedLayers, type LayerGraph } from './layer-graph.ts';

const bundle: Bundle = {
  names: machineNames('/vm/a.vmwarevm/a.vmx'),
  name: 'a',
  problems: [],
  broken: null,
};

interface SomeLayer {
  readonly name: string;
  readonly on?: string;
  readonly bytes?: number;
  readonly links?: number;
  readonly format?: 'qcow2' | 'raw';
  readonly named?: boolean;
  readonly locked?: boolean;
  readonly directory?: string;
}

function pathOf({ name, directory = '/vm/a.vmwarevm' }: SomeLayer): string {
  return `${directory}/${name}`;
}

/** A graph of layers, each after its backing file. */
function graphOf(layers: readonly SomeLayer[]): LayerGraph {
  const all = new Map<string, Layer>();
  const children = new Map<string, Set<string>>();
  for (const layer of layers) {
    const path = pathOf(layer);
    const below = layers.find(({ name }) => name === layer.on);
    const backing = below && all.get(pathOf(below));
    all.set(path, {
      path,
      format: layer.format ?? 'qcow2',
      virtualSize: 1_048_576,
      allocatedBytes: layer.bytes ?? 1000,
      links: layer.links ?? 1,
      corrupt: false,
      backingName: backing ? (layer.on ?? null) : null,
      ...(backing ? { backing } : {}),
    });
    children.set(path, new Set());
    if (below) children.get(pathOf(below))?.add(path);
  }
  const those = (fits: (layer: SomeLayer) => boolean | undefined) => new Set(layers.filter(fits).map(pathOf));
  return { layers: all, children, named: those(({ named }) => named), locked: those(({ locked }) => locked) };
}

function merged(layers: readonly SomeLayer[]): string {
  const merge = nextMerge(bundle, graphOf(layers));
  return merge ? `${merge.how} ${merge.upper.path.slice(15)} ${merge.lower.path.slice(15)}` : 'nothing';
}

describe('nextMerge', () => {
  const top = { name: 'top.qcow2', on: 'base.qcow2', named: true } as const;

  it('merges into the larger of two layers', () => {
    expect(merged([{ name: 'base.qcow2', bytes: 9000 }, top])).toBe('commit top.qcow2 base.qcow2');
    expect(merged([{ name: 'base.qcow2', bytes: 10 }, top])).toBe('pull top.qcow2 base.qcow2');
  });

  it('leaves layers that a snapshot or the machine names', () => {
    expect(merged([{ name: 'base.qcow2', named: true }, top])).toBe('nothing');
  });

  it('leaves a layer that is the backing file of two others', () => {
    expect(
      merged([{ name: 'base.qcow2' }, top, { name: 'other.qcow2', on: 'base.qcow2', named: true }]),
    ).toBe('nothing');
  });

  it('leaves the bases of linked clones, and files outside the bundle', () => {
    expect(merged([{ name: 'base.qcow2', locked: true }, top])).toBe('nothing');
    expect(merged([{ name: 'base.qcow2', directory: '/vm/parent.vmwarevm' }, top])).toBe('nothing');
  });

  it('does not write to a file that an instant clone uses too', () => {
    expect(merged([{ name: 'base.qcow2', bytes: 9000, links: 3 }, top])).toBe('nothing');
    expect(
      merged([
        { name: 'base.qcow2', bytes: 10 },
        { ...top, links: 2 },
      ]),
    ).toBe('commit top.qcow2 base.qcow2');
  });

  it('never pulls from a raw disk', () => {
    expect(merged([{ name: 'base.qcow2', bytes: 10, format: 'raw' }, top])).toBe(
      'commit top.qcow2 base.qcow2',
    );
  });

  it('finds nothing in a chain that is needed whole', () => {
    expect(
      merged([
        { name: 'base.qcow2', named: true },
        { ...top, named: true },
      ]),
    ).toBe('nothing');
  });
});

describe('unusedLayers', () => {
  it('names the files that no state reads', () => {
    const graph = graphOf([
      { name: 'disk0.qcow2' },
      { name: 'disk0-000002.qcow2', on: 'disk0.qcow2', named: true },
    ]);
    const candidates = ['disk0-000001.qcow2', 'disk0-000002.qcow2'];
    expect(unusedLayers(bundle, graph, candidates)).toEqual(['/vm/a.vmwarevm/disk0-000001.qcow2']);
  });
});
