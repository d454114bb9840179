import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { isUnwritten } from '../../disk/chain.ts';
import { closeLayers, topFiles } from '../../qemu/disk-layers.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import {
  readCheckpointRecord,
  readWaitingRecord,
  removeCheckpoint,
  syncCheckpoint,
} from '../../store/checkpoint.ts';
import type { LayerChange } from '../../store/journal.ts';
import { checkpointNames, runNames } from '../../store/names.ts';
import { waitingRam } from '../../store/ram-place.ts';
import type { Host, JournalOf, SettleOptions } from '../host/host.ts';
import { livingEngine, resumeUnlessPaused } from '../host/living-engine.ts';
import type { Running } from '../host/running.ts';
import { engineLayers, namesLayers, removeLayerFiles, withLayers } from '../layers/layers.ts';
import { tidy } from '../layers/tidy.ts';
import { persistRam } from '../memory/lasting-ram.ts';
import { listSnapshot } from './snapshot-list.ts';

/** Whether the guest's writes go to the new layers, or may have gone there. */
async function isPushed(
  bundle: Bundle,
  machine: Running | undefined,
  layers: readonly LayerChange[],
): Promise<boolean> {
  const paths = layers.map(({ to }) => join(bundle.names.directory, to));
  if (machine) {
    const tops = await topFiles(machine.engine);
    return paths.some((path) => tops.has(path));
  }
  if (namesLayers(contentOf(bundle).model, layers)) return true;
  // Without the engine only their content tells. Empty ones show what is beneath them: both answers are right then.
  for (const path of paths) if (existsSync(path) && !(await isUnwritten(path))) return true;
  return false;
}

/** Brings the memory of a snapshot that was cut short to its place. False when it is not whole. */
async function completeMemory(host: Host, bundle: Bundle, journal: JournalOf<'layer'>): Promise<boolean> {
  const { snapshot } = journal;
  if (!snapshot?.withMemory) return snapshot !== null;
  const checkpoint = checkpointNames(bundle.names, String(snapshot.uid));
  const waiting = waitingRam(host.names, runNames(host.names, bundle.names.vmx));
  try {
    if (!existsSync(checkpoint.ram) && existsSync(waiting)) {
      const record = await readWaitingRecord(checkpoint);
      await persistRam(checkpoint, waiting, record.ram, silentProgress());
    }
    await readCheckpointRecord(checkpoint);
    await syncCheckpoint(checkpoint);
    return true;
  } catch (error) {
    host.log('A snapshot was cut short', { machine: bundle.name, reason: messageOf(error) });
    return false;
  }
}

/** A guest whose file systems were frozen can't write until they are thawed, nor do anything else for us. */
function thawWhenItAnswers(host: Host, machine: Running): void {
  void machine.answered
    .then(async () => await machine.channels.agent.fsthaw({ deadlineMs: 60_000 }))
    .catch((error: unknown) => {
      host.log('The guest’s file systems were not thawed', {
        machine: machine.name,
        reason: messageOf(error),
      });
    });
}

/**
 * Finishes or undoes new layers, and the snapshot they were made for: a snapshot whose memory is whole is listed, another
 * one is dropped. What the guest wrote to its new layers stays in any case.
 */
export async function recoverLayers(
  host: Host,
  bundle: Bundle,
  journal: JournalOf<'layer'>,
  options: SettleOptions,
): Promise<void> {
  const { layers, snapshot } = journal;
  const machine = await livingEngine(host, bundle);
  const checkpoint = snapshot && checkpointNames(bundle.names, String(snapshot.uid));
  const { document, model } = contentOf(bundle);
  const pushed = layers.length > 0 && (await isPushed(bundle, machine, layers));
  if (pushed && !namesLayers(model, layers)) await writeVmx(bundle.names.vmx, withLayers(document, layers));
  const whole = pushed && !options.failed && (await completeMemory(host, bundle, journal));
  if (snapshot && whole) await listSnapshot(bundle, snapshot);
  else if (checkpoint) await removeCheckpoint(checkpoint);
  if (!pushed) {
    if (machine) await closeLayers(machine.engine, engineLayers(bundle.names, layers));
    await removeLayerFiles(bundle.names, layers);
  }
  await resumeUnlessPaused(machine, journal.paused);
  if (machine && journal.quiesced === true) thawWhenItAnswers(host, machine);
  if (pushed && !whole && snapshot) await tidy(host, await host.bundles.read(bundle.names.vmx));
}
