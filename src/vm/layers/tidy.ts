import { readdir, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { errnoOf, messageOf } from '../../core/errors.ts';
import { silentProgress, type Progress } from '../../core/progress.ts';
import { isLayerName } from '../../disk/layer-name.ts';
import { slotName } from '../../model/slots.ts';
import { cancelJobs } from '../../qemu/block-jobs.ts';
import { closeForgotten, topFiles } from '../../qemu/disk-layers.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { listCheckpoints, removeCheckpoint } from '../../store/checkpoint.ts';
import { checkpointNames, isBundle, suspendedIn, resolveIn } from '../../store/names.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { edit } from '../../vmx/document.ts';
import type { Host } from '../host/host.ts';
import { hasEnded, resumeUnlessPaused } from '../host/living-engine.ts';
import type { Running } from '../host/running.ts';
import { diskChains, layerDirectories } from './chains.ts';
import { isReadBy, nextMerge, readLayerGraph, unusedLayers, type LayerGraph } from './layer-graph.ts';
import { linkedClonesOf, type LinkedClones } from './linked-clones.ts';
import { merge } from './merge.ts';

async function listDirectory(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Removes checkpoints that belong neither to a snapshot nor to the suspended machine. */
async function sweepCheckpoints(bundle: Bundle, uids: ReadonlySet<string>): Promise<void> {
  const suspended = suspendedIn(bundle.names, contentOf(bundle).model.suspendedState)?.id;
  for (const id of await listCheckpoints(bundle.names)) {
    if (uids.has(id) || id === suspended) continue;
    await removeCheckpoint(checkpointNames(bundle.names, id));
  }
}

/**
 * Removes checkpoints that a kill left behind, such as the state of a machine that had just resumed. Removes nothing if
 * the snapshot tree has problems.
 * @throws KameError FILE_ACCESS, BROKEN_MACHINE
 */
export async function removeOrphanedCheckpoints(bundle: Bundle): Promise<void> {
  if (bundle.broken !== null || (await listCheckpoints(bundle.names)).length === 0) return;
  const { tree, problems } = await readSnapshotFile(bundle.names);
  if (problems.length === 0)
    await sweepCheckpoints(bundle, new Set(tree.snapshots.map(({ uid }) => String(uid))));
}

/** Corrects the `.vmx` after a kill between the change in the engine and the one in the `.vmx`: the engine knows the top layers. */
async function alignVmxWithEngine(host: Host, bundle: Bundle, machine: Running): Promise<Bundle> {
  const { document, model } = contentOf(bundle);
  const tops = await topFiles(machine.engine);
  const chains = await diskChains(host, bundle, model, { tables: false });
  const changes = new Map<string, string>();
  for (const disk of model.disks) {
    const slot = slotName(disk);
    const backing = chains.get(slot)?.backing?.path;
    if (tops.has(resolveIn(bundle.names, disk.fileName)) || backing === undefined || !tops.has(backing))
      continue;
    changes.set(`${slot}.fileName`, basename(backing));
  }
  if (changes.size === 0) return bundle;
  await writeVmx(bundle.names.vmx, edit(document, changes));
  return await host.bundles.read(bundle.names.vmx);
}

/** The layers of all states, or why one cannot be read: then nothing is removed, since that state might need it. */
async function readableGraph(host: Host, bundle: Bundle, clones: LinkedClones): Promise<LayerGraph | string> {
  const { tree, problems } = await readSnapshotFile(bundle.names);
  if (problems[0]) return problems[0].message;
  try {
    return await readLayerGraph(bundle, tree, await layerDirectories(host, bundle), clones);
  } catch (error) {
    return messageOf(error);
  }
}

/** Removes checkpoints and layers that no state needs. Returns the layers, or the reason why nothing was removed. */
async function sweep(host: Host, bundle: Bundle): Promise<LayerGraph | string> {
  // Asked each time: another machine may have become a clone in the meantime.
  const clones = await linkedClonesOf(host, bundle);
  const graph = await readableGraph(host, bundle, clones);
  if (typeof graph === 'string') return graph;
  const { tree } = await readSnapshotFile(bundle.names);
  await sweepCheckpoints(bundle, new Set(tree.snapshots.map(({ uid }) => String(uid))));
  const { directory } = bundle.names;
  const candidates = isBundle(directory) ? (await listDirectory(directory)).filter(isLayerName) : [];
  for (const path of unusedLayers(bundle, graph, candidates)) {
    if (!(await isReadBy(clones, path))) await rm(path, { force: true });
  }
  return graph;
}

async function writeNeedConsolidate(bundle: Bundle, needConsolidate: boolean): Promise<void> {
  const found = await readSnapshotFile(bundle.names);
  if (found.tree.needConsolidate === needConsolidate) return;
  await writeSnapshotTree(bundle.names, found, { ...found.tree, needConsolidate });
}

/** Merges and removes until nothing is left to do. Returns what remains, and why. */
async function tidyAll(host: Host, found: Bundle, progress: Progress): Promise<string[]> {
  let bundle = found;
  for (;;) {
    const graph = await sweep(host, bundle);
    if (typeof graph === 'string') {
      host.log('Layers were not consolidated', { machine: bundle.name, reason: graph });
      return [`The layers of ${bundle.name} were not consolidated: ${graph}`];
    }
    const next = nextMerge(bundle, graph);
    if (!next) {
      await writeNeedConsolidate(bundle, false);
      return [];
    }
    try {
      await merge(host, bundle, graph, next, progress);
    } catch (error) {
      const reason = messageOf(error);
      host.log('Layers were not merged', { machine: bundle.name, lower: next.lower.path, reason });
      // On a full disk this may fail too; the next call then finds the merge from the layers alone.
      await writeNeedConsolidate(bundle, true).catch(() => undefined);
      return [`${next.upper.path} has not been merged with its backing layer yet: ${reason}`];
    }
    bundle = await host.bundles.read(bundle.names.vmx);
  }
}

/**
 * Removes the checkpoints and layers that no state of a machine needs any more, and merges layers that only lengthen a
 * chain. The content of every state stays the same at all times, so this can be interrupted anywhere and repeated. A merge
 * that fails, for lack of space for example, does no harm: the `.vmsd` records that it is due, and the next call repeats it.
 * @returns what remains to be done and why; empty when everything is done
 * @throws KameError FILE_ACCESS or ENGINE_* when the layers cannot be examined, ENGINE_FAILED when the engine refuses to
 * resume a guest that ran before
 */
export async function tidy(
  host: Host,
  found: Bundle,
  progress: Progress = silentProgress(),
): Promise<string[]> {
  const machine = host.running.get(found.names.vmx);
  if (!machine) return await tidyAll(host, found, progress);
  const wasPaused = machine.state !== 'running';
  await cancelJobs(machine.engine);
  await closeForgotten(machine.engine);
  const notes = await tidyAll(host, await alignVmxWithEngine(host, found, machine), progress);
  if (wasPaused || machine.state === 'running' || (await hasEnded(machine))) return notes;
  // An engine that does not answer is told, and obeys when it can.
  if (!(await machine.engine.answers())) machine.engine.resume().catch(() => undefined);
  else await resumeUnlessPaused(machine, false);
  return notes;
}
