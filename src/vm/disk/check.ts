import type { CheckDisk, CheckedDisks } from '../../api/checkpoint.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { type Layer, layersOf, readChain } from '../../disk/chain.ts';
import { ImageFile } from '../../disk/format/image-file.ts';
import { checkParts } from '../../disk/map-view.ts';
import { checkQcow2 } from '../../disk/qcow2-header.ts';
import { check } from '../../disk/qemu-img.ts';
import { repairLeaks } from '../../disk/repair.ts';
import type { Disk } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { qemuImg } from '../engine/engine.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { layerDirectories, snapshotChain } from '../layers/chains.ts';
import { isReadBy } from '../layers/layer-graph.ts';
import { isOwnFile } from '../layers/layers.ts';
import { linkedClonesOf, type LinkedClones } from '../layers/linked-clones.ts';
import { changeDisks } from './change-disk.ts';
import { chosenDisk } from './chosen-disk.ts';

type CheckedLayer = CheckedDisks['layers'][number];

interface Work {
  readonly qemuImg: string;
  readonly bundle: Bundle;
  readonly inside: readonly string[];
  /** The engine writes to the top layers now. */
  readonly runs: boolean;
  readonly repair: boolean;
  /** A repair would write to the bases of these. */
  readonly clones: LinkedClones;
  readonly progress: Progress;
}

/** Errors that end the whole check, not only that of one layer. */
const fatalCodes = new Set(['CANCELLED', 'ENGINE_MISSING', 'INTERNAL']);

function pathIn(error: unknown, otherwise: string): string {
  const path = error instanceof KameError ? error.details['path'] : undefined;
  return typeof path === 'string' ? path : otherwise;
}

function result(
  slot: string,
  path: string,
  message: string,
  found: Partial<CheckedLayer> = {},
): CheckedLayer {
  return { slot, path, ok: true, corruptions: 0, leaks: 0, repaired: 0, message, ...found };
}

/** The result for a layer that could not be checked. @throws KameError when the error ends the whole check */
function failed(slot: string, path: string, error: unknown): CheckedLayer {
  if (error instanceof KameError && fatalCodes.has(error.code)) throw error;
  return result(slot, path, messageOf(error), { ok: false });
}

function clusters(count: number): string {
  return count === 1 ? '1 leaked cluster' : `${count} leaked clusters`;
}

const damaged =
  'Revert to a snapshot, restore a backup, or repair a copy of the file: qemu-img check -r all COPY.';

/** Repairs leaks on request, if no other machine shares the file. Real damage is left alone: a repair could lose data. */
async function repairLayer(work: Work, slot: string, layer: Layer, leaks: number): Promise<CheckedLayer> {
  const { path } = layer;
  const what = `${clusters(leaks)} (unused space)`;
  if (!work.repair) return result(slot, path, `${what}; --repair frees them`, { leaks });
  const isShared = layer.links > 1 || (await isReadBy(work.clones, path));
  if (!isOwnFile(work.bundle.names, path) || isShared)
    return result(slot, path, `${what}; not repaired, because other machines share the file`, { leaks });
  const repaired = await repairLeaks({ qemuImg: work.qemuImg, path, progress: work.progress });
  return result(slot, path, `${clusters(repaired)} freed`, { leaks, repaired });
}

/** @throws KameError BAD_IMAGE when the file is truncated or its tables are malformed */
async function isMarkedCorrupt(path: string): Promise<boolean> {
  await using file = await ImageFile.open(path);
  return (await checkQcow2(file, { backing: 'tell' })).corrupt;
}

/** Checks one layer: its header and tables with Kame’s own reader, which finds truncation, then its reference counts with qemu-img. */
async function checkLayer(work: Work, slot: string, layer: Layer): Promise<CheckedLayer> {
  const { path, format, map } = layer;
  try {
    if (map) {
      await checkParts(path, map);
      return result(slot, path, 'clean; the content is in the files of the original');
    }
    if (format === 'raw') return result(slot, path, 'raw: no metadata to check');
    if (await isMarkedCorrupt(path))
      return result(slot, path, `marked as corrupt by the engine. ${damaged}`, { ok: false });
    const found = await check({ qemuImg: work.qemuImg, path, progress: work.progress });
    const corruptions = found.corruptions + found.checkErrors;
    if (!found.ok || corruptions > 0) {
      const message = `damaged in ${corruptions} places. ${damaged}`;
      return result(slot, path, message, { ok: false, corruptions, leaks: found.leaks });
    }
    return found.leaks === 0
      ? result(slot, path, 'clean')
      : await repairLayer(work, slot, layer, found.leaks);
  } catch (error) {
    return failed(slot, path, error);
  }
}

/** A disk of the machine as it is now, or of one of its snapshots. */
interface Chain {
  readonly slot: string;
  readonly top: string;
  /** The label of the snapshot; null for the present disk. */
  readonly snapshot: string | null;
  readonly read: () => Promise<Layer>;
}

/** Its layers from the top down, or the reason why they cannot be read. */
type ReadChain = Chain & { readonly layers: readonly Layer[]; readonly error?: unknown };

async function readLayers(chain: Chain): Promise<ReadChain> {
  try {
    return { ...chain, layers: layersOf(await chain.read()) };
  } catch (error) {
    return { ...chain, layers: [], error };
  }
}

/** The disks of every snapshot. A revert needs layers that the present disks may not have. */
async function snapshotChains({ bundle, inside }: Work): Promise<Chain[]> {
  const { tree } = await readSnapshotFile(bundle.names);
  return tree.snapshots.flatMap(({ displayName, disks }) =>
    disks.map(({ slot, fileName }) => ({
      slot,
      top: resolveIn(bundle.names, fileName),
      snapshot: displayName,
      read: async () => await snapshotChain(bundle, fileName, { inside, tables: false }),
    })),
  );
}

function presentChain({ bundle, inside }: Work, disk: Disk): Chain {
  const top = resolveIn(bundle.names, disk.fileName);
  const read = async () => await readChain(top, { inside, tables: false });
  return { slot: slotName(disk), top, snapshot: null, read };
}

/** All chains to check: those of the chosen disk, which shares its slot or a layer with them, or of all disks. */
async function chainsOf(work: Work, which: string | null): Promise<ReadChain[]> {
  const disks = which === null ? contentOf(work.bundle).model.disks : [chosenDisk(work.bundle, which)];
  const present = await Promise.all(disks.map(async (disk) => await readLayers(presentChain(work, disk))));
  const inSnapshots: ReadChain[] = [];
  for (const chain of await snapshotChains(work)) inSnapshots.push(await readLayers(chain));
  const slots = new Set(present.map(({ slot }) => slot));
  const paths = new Set(present.flatMap(({ layers }) => layers.map(({ path }) => path)));
  const isChosen = ({ slot, layers }: ReadChain) =>
    which === null || slots.has(slot) || layers.some(({ path }) => paths.has(path));
  return [...present, ...inSnapshots.filter(isChosen)];
}

/** What is wrong with a chain that cannot be read. */
function unreadable({ slot, top, snapshot, error }: ReadChain): CheckedLayer {
  const found = failed(slot, pathIn(error, top), error);
  return snapshot === null
    ? found
    : { ...found, message: `${found.message} The snapshot ${snapshot} needs this file.` };
}

/** Checks each layer of all chains once. */
async function checkChains(work: Work, chains: readonly ReadChain[]): Promise<CheckedLayer[]> {
  const checked = new Map<string, CheckedLayer>();
  const total = new Set(chains.flatMap(({ layers }) => layers.map(({ path }) => path))).size;
  for (const chain of chains) {
    const { slot, layers, snapshot } = chain;
    for (const [at, layer] of layers.entries()) {
      if (checked.has(layer.path)) continue;
      work.progress.report({ stage: `Checking ${slot}`, done: checked.size, total, unit: 'items' });
      if (work.progress.signal.aborted) throw new KameError('CANCELLED', 'The check was cancelled.');
      const busy = at === 0 && snapshot === null && work.runs;
      checked.set(
        layer.path,
        busy
          ? result(slot, layer.path, 'not checked: the running machine writes to it; stop the machine first')
          : await checkLayer(work, slot, layer),
      );
    }
    if (chain.error === undefined) continue;
    const problem = unreadable(chain);
    if (checked.get(problem.path)?.ok !== false) checked.set(problem.path, problem);
  }
  return [...checked.values()];
}

async function checkAll(
  host: Host,
  bundle: Bundle,
  which: string | null,
  options: { readonly repair: boolean },
  progress: Progress,
): Promise<CheckedDisks> {
  const work: Work = {
    qemuImg: await qemuImg(host),
    bundle,
    inside: await layerDirectories(host, bundle),
    runs: host.running.get(bundle.names.vmx) !== undefined,
    repair: options.repair,
    clones: await linkedClonesOf(host, bundle),
    progress,
  };
  const layers = await checkChains(work, await chainsOf(work, which));
  return { ok: layers.every(({ ok }) => ok), layers };
}

/**
 * Checks every layer of one disk, or of all disks, as they are now and in every snapshot. While the machine is running, its top layers are not checked: the engine
 * has their tables in memory, and those on disk are out of date. A repair needs a stopped machine and frees leaked clusters.
 * Damage is reported but not repaired, and files that other machines share are not changed.
 * @param which null for all disks
 * @throws KameError NO_SUCH_MACHINE, INVALID_VALUE, WRONG_STATE for a repair unless the machine is stopped, CANCELLED,
 * ENGINE_MISSING
 */
export async function checkDisks(
  host: Host,
  reference: string,
  which: string | null,
  body: CheckDisk,
  progress: Progress,
): Promise<CheckedDisks> {
  const options = { repair: body.repair };
  if (options.repair) {
    return await changeDisks(
      host,
      reference,
      async (bundle) => await checkAll(host, bundle, which, options, progress),
    );
  }
  return await hold(
    host,
    reference,
    'check',
    async ({ bundle }) => await checkAll(host, bundle, which, options, progress),
  );
}
