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
import { isOwnFile } from '../layers/layers.ts';
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
  readonly progress: Progress;
}

/** What ends the whole check, not that of one layer. */
const ends = new Set(['CANCELLED', 'ENGINE_MISSING', 'INTERNAL']);

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

/** @throws KameError what ends the whole check */
function failed(slot: string, path: string, error: unknown): CheckedLayer {
  if (error instanceof KameError && ends.has(error.code)) throw error;
  return result(slot, path, messageOf(error), { ok: false });
}

function clusters(count: number): string {
  return count === 1 ? '1 cluster is' : `${count} clusters are`;
}

const damaged =
  'Go back to a snapshot or a backup, or try on a copy of the file: qemu-img check -r all COPY.';

/** Repairs leaks where the file is this machine’s alone; what is worse would need a decision about content. */
async function mend(work: Work, slot: string, layer: Layer, leaks: number): Promise<CheckedLayer> {
  const { path } = layer;
  const what = `${clusters(leaks)} taken for nothing`;
  if (!work.repair) return result(slot, path, `${what}; --repair gives them back`, { leaks });
  if (!isOwnFile(work.bundle.names, path) || layer.links > 1)
    return result(slot, path, `${what}; not repaired, as other machines share the file`, { leaks });
  const repaired = await repairLeaks({ qemuImg: work.qemuImg, path, progress: work.progress });
  return result(slot, path, `${clusters(repaired)} given back`, { leaks, repaired });
}

/** @throws KameError BAD_IMAGE when the file is truncated or its tables make no sense */
async function isMarkedCorrupt(path: string): Promise<boolean> {
  await using file = await ImageFile.open(path);
  return (await checkQcow2(file, { backing: 'tell' })).corrupt;
}

/** One layer by itself: its header and tables by our own reading, which finds truncation, then its counts by qemu-img. */
async function checkLayer(work: Work, slot: string, layer: Layer): Promise<CheckedLayer> {
  const { path, format } = layer;
  try {
    if (format === 'raw') return result(slot, path, 'raw: there are no tables to check');
    if (await isMarkedCorrupt(path))
      return result(slot, path, `marked as corrupt by the engine. ${damaged}`, { ok: false });
    const found = await check({ qemuImg: work.qemuImg, path, progress: work.progress });
    const corruptions = found.corruptions + found.checkErrors;
    if (!found.ok || corruptions > 0) {
      const message = `damaged in ${corruptions} places. ${damaged}`;
      return result(slot, path, message, { ok: false, corruptions, leaks: found.leaks });
    }
    return found.leaks === 0 ? result(slot, path, 'clean') : await mend(work, slot, layer, found.leaks);
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
        ? result(slot, layer.path, 'not checked: the machine writes to it now; stop it first')
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
    progress,
  };
  const layers: CheckedLayer[] = [];
  for (const disk of disks) layers.push(...(await checkDisk(work, disk)));
  return { ok: layers.every(({ ok }) => ok), layers };
}

/**
 * Checks all layers of one disk, or of all, each by itself. While the machine runs, its top layers are left out: their
 * tables are in the engine’s memory, and what lies on the disk says little. Repairing needs a stopped machine and gives
 * back leaked clusters; damage is told and left alone, and so are files that others share.
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
