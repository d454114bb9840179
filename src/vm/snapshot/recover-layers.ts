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
import { foundWaitingRam } from '../../store/ram-place.ts';
import type { Host, JournalOf, SettleOptions } from '../host/host.ts';
import { livingEngine, resumeUnlessPaused } from '../host/living-engine.ts';
import type { Running } from '../host/running.ts';
import { engineLayers, namesLayers, removeLayerFiles, withLayers } from '../layers/layers.ts';
import { tidy } from '../layers/tidy.ts';
import { persistRam } from '../memory/lasting-ram.ts';
import { listSnapshot } from './snapshot-list.ts';

/** Whether the guest writes to the new layers, or may have written to them. */
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
  // Without the engine, only their content tells. If they are empty, both answers are right.
  for (const path of paths) if (existsSync(path) && !(await isUnwritten(path))) return true;
  return false;
}

/** Moves the memory of an interrupted snapshot into its checkpoint. Returns false if the memory is incomplete. */
async function completeMemory(host: Host, bundle: Bundle, journal: JournalOf<'layer'>): Promise<boolean> {
  const { snapshot } = journal;
  if (!snapshot?.withMemory) return snapshot !== null;
  const checkpoint = checkpointNames(bundle.names, String(snapshot.uid));
  const waiting = await foundWaitingRam(host.names, runNames(host.names, bundle.names.vmx));
  try {
    if (waiting !== undefined && !existsSync(checkpoint.ram)) {
      const record = await readWaitingRecord(checkpoint);
      await persistRam(checkpoint, waiting, record.ram, silentProgress());
    }
    await readCheckpointRecord(checkpoint);
    await syncCheckpoint(checkpoint);
    return true;
  } catch (error) {
    host.log('The memory of an interrupted snapshot is incomplete', {
      machine: bundle.name,
      reason: messageOf(error),
    });
    return false;
  }
}

/** Thaws the file systems of a guest that a killed daemon left frozen, when its agent answers. */
function thawWhenItAnswers(host: Host, machine: Running): void {
  void machine.milestones
    .reached('agent')
    .then(async () => await machine.channels.agent.fsthaw({ deadlineMs: 60_000 }))
    .catch((error: unknown) => {
      host.log('Could not thaw the guest’s file systems', {
        machine: machine.name,
        reason: messageOf(error),
      });
    });
}

/**
 * Finishes or undoes new layers and their snapshot: a snapshot with complete memory is added to the `.vmsd`, any other is
 * dropped. What the guest wrote to its new layers is always kept.
 */
export async function recoverLayers(
  host: Host,
  bundle: Bundle,
  journal: JournalOf<'layer'>,
  options: SettleOptions,
): Promise<void> {
  const { layers, snapshot } = journal;
  const failed = options.failed === true || journal.failed === true;
  const machine = await livingEngine(host, bundle);
  const checkpoint = snapshot && checkpointNames(bundle.names, String(snapshot.uid));
  const { document, model } = contentOf(bundle);
  const pushed = layers.length > 0 && (await isPushed(bundle, machine, layers));
  if (pushed && !namesLayers(model, layers)) await writeVmx(bundle.names.vmx, withLayers(document, layers));
  const isComplete = pushed && !failed && (await completeMemory(host, bundle, journal));
  if (snapshot && isComplete) await listSnapshot(bundle, snapshot);
  else if (checkpoint) await removeCheckpoint(checkpoint);
  if (!pushed) {
    if (machine) await closeLayers(machine.engine, engineLayers(bundle.names, layers));
    await removeLayerFiles(bundle.names, layers);
  }
  await resumeUnlessPaused(machine, journal.paused);
  if (machine && journal.quiesced === true) thawWhenItAnswers(host, machine);
  // The layers of clones that failed are of no use either; those of clones that a kill interrupted may be shared.
  if (pushed && !isComplete && (snapshot || failed))
    await tidy(host, await host.bundles.read(bundle.names.vmx));
}
