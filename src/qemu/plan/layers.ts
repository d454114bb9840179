import { KameError } from '../../core/errors.ts';
import type { Commands } from '../qmp/generated/protocol.ts';
import type { PlanBuilder } from './builder.ts';
import { mappedNodes } from './mapped-layer.ts';
import type { DiskSource, HostFacts } from './types.ts';

type BlockNode = Commands['blockdev-add']['arguments'];

const deepestChain = 256;

/**
 * The format node of a layer. Discarded and zeroed blocks are freed on the host; the page cache is used; flushes reach
 * the disk.
 */
function formatNode(layer: DiskSource, node: string, backing: string | null, writable: boolean): BlockNode {
  const common = {
    'node-name': node,
    file: `${node}-file`,
    'read-only': !writable,
    cache: { direct: false, 'no-flush': false },
    ...(writable ? ({ discard: 'unmap', 'detect-zeroes': 'unmap' } as const) : {}),
  };
  // `backing: null` keeps QEMU from opening the backing file in the header: only layers given here are opened.
  if (layer.format === 'raw') return { driver: 'raw', ...common };
  return { driver: layer.format, ...common, backing };
}

/** How a file is opened. `beneath`: read-only until its layer becomes writable, to merge another into it. */
type Access = 'write' | 'read' | 'beneath';

function fileNode(path: string, node: string, access: Access, os: HostFacts['os']): BlockNode {
  return {
    driver: 'file',
    'node-name': `${node}-file`,
    filename: path,
    'read-only': access === 'read',
    ...(access === 'beneath' ? { 'auto-read-only': true } : {}),
    locking: os === 'linux' ? 'on' : 'auto',
    cache: { direct: false, 'no-flush': false },
    ...(access === 'write' ? { discard: 'unmap' as const } : {}),
  };
}

/** The format node of a layer as an argument of `blockdev-reopen`. */
export function reopenedNode(
  layer: DiskSource,
  node: string,
  backingNode: string | null,
  writable: boolean,
): BlockNode {
  return formatNode(layer, node, backingNode, writable);
}

/** The block nodes of a new empty overlay for the disk of a running machine: first file, then format. */
export function overlayNodes(path: string, node: string, os: HostFacts['os']): [BlockNode, BlockNode] {
  return [fileNode(path, node, 'write', os), formatNode({ path, format: 'qcow2' }, node, null, true)];
}

/** An image and all layers below it. @throws KameError BAD_IMAGE for a chain of more than 256 layers */
function layersOf(source: DiskSource): DiskSource[] {
  const layers: DiskSource[] = [];
  for (let layer: DiskSource | undefined = source; layer; layer = layer.backing) {
    if (layers.length === deepestChain) {
      throw new KameError('BAD_IMAGE', `${source.path} has more than ${deepestChain} layers.`, {
        next: 'Delete snapshots of the machine: each keeps a layer of every disk.',
      });
    }
    layers.push(layer);
  }
  return layers;
}

/**
 * The block nodes of an image and all layers below it, from the bottom up, two for each layer: first file, then format. A disk
 * that is used in place has more.
 * The top node is named `node`; only that can be writable.
 * @throws KameError BAD_IMAGE for a chain of more than 256 layers
 */
export function layerNodes(
  source: DiskSource,
  node: string,
  { writable, os }: { readonly writable: boolean; readonly os: HostFacts['os'] },
): BlockNode[] {
  const layers = layersOf(source);
  return layers
    .flatMap((layer, depth) => {
      const name = depth === 0 ? node : `${node}-b${depth}`;
      const backing = depth + 1 < layers.length ? `${node}-b${depth + 1}` : null;
      if (layer.map) return mappedNodes(layer, name, os).reverse();
      const access = depth > 0 ? 'beneath' : writable ? 'write' : 'read';
      return [
        formatNode(layer, name, backing, writable && depth === 0),
        fileNode(layer.path, name, access, os),
      ];
    })
    .reverse();
}

/**
 * Adds an image and all layers below it to a plan.
 * @returns the name of the top node
 * @throws KameError as layerNodes
 */
export function attachLayers(
  builder: PlanBuilder,
  source: DiskSource,
  node: string,
  writable = true,
): string {
  const { os } = builder.input.host;
  for (const options of layerNodes(source, node, { writable, os })) builder.blockdev(options);
  return node;
}

/** Adds an ISO or floppy image as a read-only node. @returns the name of the node */
export function attachIso(builder: PlanBuilder, path: string, node: string): string {
  return attachLayers(builder, { path, format: 'raw' }, node, false);
}
