import type { CheckDisk, CheckedDisks } from '../../api/checkpoint.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { type Layer, layersOf, readChain } from '../../disk/chain.ts';
import { ImageFile } from '../../disk/format/image-file.ts';
import { checkQcow2 } from '../../disk/qcow2-header.ts';
import { check } from '../../disk/qemu-img.ts';
import { repairLeaks } from '../../disk/repair.ts';
import type { Disk } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { qemuImg } from '../engine/engine.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { layerDirectories } from '../layers/chains.ts';
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
  const { path, format } = layer;
  try {
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

async function checkDisk(work: Work, disk: Disk): Promise<CheckedLayer[]> {
  const slot = slotName(disk);
  const top = resolveIn(work.bundle.names, disk.fileName);
  let layers: Layer[];
  try {
    layers = layersOf(await readChain(top, { inside: work.inside, tables: false }));
  } catch (error) {
    return [failed(slot, pathIn(error, top), error)];
  }
  const checked: CheckedLayer[] = [];
  for (const [at, layer] of layers.entries()) {
    work.progress.report({ stage: `Checking ${slot}`, done: at, total: layers.length, unit: 'items' });
    if (work.progress.signal.aborted) throw new KameError('CANCELLED', 'The check was cancelled.');
    const busy = at === 0 && work.runs;
    checked.push(
      busy
        ? result(slot, layer.path, 'not checked: the running machine writes to it; stop the machine first')
        : await checkLayer(work, slot, layer),
    );
  }
  return checked;
}

async function checkAll(
  host: Host,
  bundle: Bundle,
  which: string | null,
  options: { readonly repair: boolean },
  progress: Progress,
): Promise<CheckedDisks> {
  const disks = which === null ? contentOf(bundle).model.disks : [chosenDisk(bundle, which)];
  const work: Work = {
    qemuImg: await qemuImg(host),
    bundle,
    inside: await layerDirectories(host, bundle),
    runs: host.running.get(bundle.names.vmx) !== undefined,
    repair: options.repair,
    clones: await linkedClonesOf(host, bundle),
    progress,
  };
  const layers: CheckedLayer[] = [];
  for (const disk of disks) layers.push(...(await checkDisk(work, disk)));
  return { ok: layers.every(({ ok }) => ok), layers };
}

/**
 * Checks every layer of one disk, or of all disks. While the machine is running, its top layers are not checked: the engine
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
