import { allDone } from '../core/all-done.ts';
import { KameError } from '../core/errors.ts';
import { exists } from '../sys/files.ts';
import type { Engine } from './engine.ts';
import { layerNodes, overlayNodes } from './plan/layers.ts';
import type { DiskSource, HostFacts } from './plan/types.ts';

/*
 * Commands that follow from each other are sent at once: an engine takes them in their order, and each round trip costs a
 * millisecond or more. Once one has failed, those that need it fail too, and the first failure is thrown.
 */

/** A disk of a running machine that gets a new top layer. */
export interface NewLayer {
  /** The image that the guest writes to now. */
  readonly from: string;
  /** An empty overlay on it, which must already exist. */
  readonly to: string;
  /** Node name for the overlay: unused in this engine, at most 26 characters. */
  readonly node: string;
}

/**
 * The names of the format nodes of layers, by the path of the file. The path comes from the file node, `NODE-file`: in
 * a format node whose backing file was given on the command line, `file` is a JSON text.
 */
export async function nodesByFile(engine: Engine): Promise<Map<string, string>> {
  const nodes = await engine.qmp.execute('query-named-block-nodes', { flat: true });
  return new Map(
    nodes.flatMap(({ drv, file, 'node-name': name }) =>
      drv === 'file' && name?.endsWith('-file') ? [[file, name.slice(0, -'-file'.length)] as const] : [],
    ),
  );
}

/** The image files that the devices of a running machine write to now. */
export async function topFiles(engine: Engine): Promise<Set<string>> {
  const [devices, nodes] = [await engine.qmp.execute('query-block'), await nodesByFile(engine)];
  const tops = new Set(
    devices.flatMap(({ inserted }) => (inserted && !inserted.ro ? [inserted['node-name']] : [])),
  );
  return new Set([...nodes].flatMap(([file, node]) => (tops.has(node) ? [file] : [])));
}

/** Opens the overlays in the engine; nothing uses them yet. */
export async function openLayers(
  engine: Engine,
  layers: readonly NewLayer[],
  os: HostFacts['os'],
): Promise<void> {
  const nodes = layers.flatMap(({ to, node }) => overlayNodes(to, node, os));
  await allDone(nodes.map((options) => engine.qmp.execute('blockdev-add', options)));
}

/**
 * Closes the format node and the file node of a layer that nothing uses any more. If the engine refuses, both stay open,
 * which is harmless as long as no other layer gets their names: see `openFiles`.
 */
export async function closeNode(engine: Engine, node: string): Promise<void> {
  for (const name of [node, `${node}-file`]) {
    await engine.qmp.execute('blockdev-del', { 'node-name': name }).catch(() => undefined);
  }
}

/** Closes overlays that `openLayers` opened but that were never used. */
export async function closeLayers(engine: Engine, layers: readonly NewLayer[]): Promise<void> {
  for (const { node } of layers) await closeNode(engine, node);
}

/**
 * The files that the engine has open. It may have more than the layers of the disks: one that it once refused to close.
 * A new layer must have none of their names, since a node of that name, or of another file with that path, exists.
 */
export async function openFiles(engine: Engine): Promise<string[]> {
  return [...(await nodesByFile(engine)).keys()];
}

/** Closes layers that the engine once refused to close and whose files are gone. It refuses those that are in use. */
export async function closeForgotten(engine: Engine): Promise<void> {
  for (const [file, node] of await nodesByFile(engine))
    if (!(await exists(file))) await closeNode(engine, node);
}

/**
 * Finds the disk of each open overlay, and returns a function that puts all overlays on top at one instant, or none. It has sent its
 * command when it returns its promise: a command that is sent after the call, such as `cont`, is carried out after it.
 * @throws KameError ENGINE_FAILED, as does the returned function
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
 * Attaches the backing layers to disks of a paused machine that were opened without them.
 * @param disks the whole chain of each disk, by the name of its node
 * @throws KameError ENGINE_FAILED
 */
export async function attachBeneath(
  engine: Engine,
  disks: ReadonlyMap<string, DiskSource>,
  os: HostFacts['os'],
): Promise<void> {
  await allDone(
    [...disks].flatMap(([node, disk]) => {
      // The last two are the file and format nodes of the disk itself.
      const nodes = layerNodes(disk, node, { writable: true, os });
      return [
        ...nodes.slice(0, -2).map((options) => engine.qmp.execute('blockdev-add', options)),
        engine.qmp.execute('blockdev-reopen', { options: nodes.slice(-1) }),
      ];
    }),
  );
}
