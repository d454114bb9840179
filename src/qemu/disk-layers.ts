import { KameError } from '../core/errors.ts';
import type { Engine } from './engine.ts';
import type { DiskSource, HostFacts } from './plan/types.ts';
import { layerNodes, overlayNodes } from './plan/layers.ts';

/** A disk of a running machine that gets a new top layer. */
export interface NewLayer {
  /** The image that the guest writes to now. */
  readonly from: string;
  /** An empty overlay on it, already made. */
  readonly to: string;
  /** Node name for the overlay, new to this engine, at most 26 characters. */
  readonly node: string;
}

/**
 * Names of the nodes that show layers, by the path of their file. A format node can't be asked for it: where what lies
 * beneath was named on the command line, its `file` is a JSON text. The node of the file itself, `NODE-file`, tells.
 */
export async function nodesByFile(engine: Engine): Promise<Map<string, string>> {
  const nodes = await engine.qmp.execute('query-named-block-nodes', { flat: true });
  return new Map(
    nodes.flatMap(({ drv, file, 'node-name': name }) =>
      drv === 'file' && name?.endsWith('-file') ? [[file, name.slice(0, -'-file'.length)] as const] : [],
    ),
  );
}

/** The image files that a running machine's devices write to now. */
export async function topFiles(engine: Engine): Promise<Set<string>> {
  const [devices, nodes] = [await engine.qmp.execute('query-block'), await nodesByFile(engine)];
  const tops = new Set(
    devices.flatMap(({ inserted }) => (inserted && !inserted.ro ? [inserted['node-name']] : [])),
  );
  return new Set([...nodes].flatMap(([file, node]) => (tops.has(node) ? [file] : [])));
}

/** Opens the overlays beside the machine's disks; nothing uses them yet. */
export async function openLayers(
  engine: Engine,
  layers: readonly NewLayer[],
  os: HostFacts['os'],
): Promise<void> {
  for (const { to, node } of layers) {
    for (const options of overlayNodes(to, node, os)) await engine.qmp.execute('blockdev-add', options);
  }
}

/** Closes overlays that `openLayers` opened and that were not put to use. */
export async function closeLayers(engine: Engine, layers: readonly NewLayer[]): Promise<void> {
  for (const { node } of layers) {
    for (const name of [node, `${node}-file`]) {
      await engine.qmp.execute('blockdev-del', { 'node-name': name }).catch(() => undefined);
    }
  }
}

/**
 * Finds where each opened overlay goes, and returns what puts them there: all of them at one instant, or none.
 * @throws KameError ENGINE_FAILED, also the returned function
 */
export async function preparePush(engine: Engine, layers: readonly NewLayer[]): Promise<() => Promise<void>> {
  const nodes = layers.length > 0 ? await nodesByFile(engine) : new Map<string, string>();
  const actions = layers.map(({ from, node }) => {
    const top = nodes.get(from);
    if (top === undefined)
      throw new KameError('ENGINE_FAILED', `The engine of ${engine.name} does not have ${from} open.`);
    return { type: 'blockdev-snapshot' as const, data: { node: top, overlay: node } };
  });
  return async () => {
    if (actions.length > 0) await engine.qmp.execute('transaction', { actions });
  };
}

/**
 * Gives disks of a stopped machine, which were opened alone, the layers that lie beneath them.
 * @param disks each disk's whole chain by the name of its node
 * @throws KameError ENGINE_FAILED
 */
export async function attachBeneath(
  engine: Engine,
  disks: ReadonlyMap<string, DiskSource>,
  os: HostFacts['os'],
): Promise<void> {
  for (const [node, disk] of disks) {
    // The last two are the disk's own file and format node.
    const nodes = layerNodes(disk, node, { writable: true, os });
    for (const options of nodes.slice(0, -2)) await engine.qmp.execute('blockdev-add', options);
    await engine.qmp.execute('blockdev-reopen', { options: nodes.slice(-1) });
  }
}
