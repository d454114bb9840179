import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { uncancellable, type Progress } from '../../core/progress.ts';
import type { Layer } from '../../disk/chain.ts';
import { growthOf } from '../../disk/estimate.ts';
import { commitInto, pullInto, repoint } from '../../disk/merge.ts';
import { repairLeaks } from '../../disk/repair.ts';
import { slotName } from '../../model/slots.ts';
import { commitLive, pullLive } from '../../qemu/block-jobs.ts';
import { nodesByFile, openLayers, preparePush, topFiles } from '../../qemu/disk-layers.ts';
import type { Engine } from '../../qemu/engine.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { requireFreeSpace } from '../../sys/free-space.ts';
import { edit } from '../../vmx/document.ts';
import { hostOs, qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { resumeUnlessPaused } from '../host/living-engine.ts';
import type { Running } from '../host/running.ts';
import type { LayerGraph, Merge } from './layer-graph.ts';
import { backingNameFor } from './layers.ts';

interface Work {
  readonly host: Host;
  readonly bundle: Bundle;
  readonly graph: LayerGraph;
  readonly merge: Merge;
  readonly progress: Progress;
}

/** The engine for steps that must not be cut off: only a block job can be cancelled. */
function patientEngine({ engine }: Running, progress: Progress): Engine {
  return engine.for(uncancellable(progress));
}

/** The running machine, if both layers are open in its engine. */
async function engineWithBoth({ host, bundle, merge, progress }: Work): Promise<Running | undefined> {
  const machine = host.running.get(bundle.names.vmx);
  if (!machine) return undefined;
  const nodes = await nodesByFile(patientEngine(machine, progress));
  return nodes.has(merge.lower.path) && nodes.has(merge.upper.path) ? machine : undefined;
}

/** Replaces the upper layer by the lower one in the `.vmx`. */
async function replaceInVmx({ host, bundle, merge }: Work): Promise<void> {
  const { document, model } = contentOf(await host.bundles.read(bundle.names.vmx));
  const changes = model.disks
    .filter((disk) => resolveIn(bundle.names, disk.fileName) === merge.upper.path)
    .map((disk) => [`${slotName(disk)}.fileName`, basename(merge.lower.path)] as const);
  if (changes.length > 0) await writeVmx(bundle.names.vmx, edit(document, new Map(changes)));
}

async function replaceInSnapshots({ bundle, merge }: Work): Promise<void> {
  const found = await readSnapshotFile(bundle.names);
  const isUpper = (fileName: string) => resolveIn(bundle.names, fileName) === merge.upper.path;
  if (!found.tree.snapshots.some(({ disks }) => disks.some(({ fileName }) => isUpper(fileName)))) return;
  const snapshots = found.tree.snapshots.map((snapshot) => ({
    ...snapshot,
    disks: snapshot.disks.map((disk) =>
      isUpper(disk.fileName) ? { ...disk, fileName: basename(merge.lower.path) } : disk,
    ),
  }));
  await writeSnapshotTree(bundle.names, found, { ...found.tree, snapshots });
}

function childrenOf({ graph, merge }: Work): Layer[] {
  const paths = [...(graph.children.get(merge.upper.path) ?? [])];
  return paths.map((path) => graph.layers.get(path)).filter((layer) => layer !== undefined);
}

/** Removes the upper layer after all references to it are replaced. Until then both layers have the same content. */
async function removeUpper(work: Work, except: ReadonlySet<string>): Promise<void> {
  const { bundle, host, merge } = work;
  const backing = { path: backingNameFor(bundle.names, merge.lower.path), format: merge.lower.format };
  for (const child of childrenOf(work)) {
    if (!except.has(child.path))
      await repoint({ qemuImg: await qemuImg(host), overlay: child.path, backing });
  }
  await replaceInSnapshots(work);
  await replaceInVmx(work);
  await rm(merge.upper.path, { force: true });
}

async function resumeOrLog(host: Host, machine: Running, wasRunning: boolean): Promise<void> {
  try {
    await resumeUnlessPaused(machine, !wasRunning);
  } catch (error) {
    host.log('The guest was not resumed after a merge', { machine: machine.name, reason: messageOf(error) });
  }
}

/**
 * Runs block jobs, which leave the guest paused, and resumes a guest that was running. A refusal to resume does not undo
 * the merge, so it is only logged here: `tidy` tries again at its end, and reports it.
 */
async function resumeAfter(host: Host, machine: Running, work: () => Promise<void>): Promise<void> {
  const wasRunning = machine.state === 'running';
  try {
    await work();
  } catch (error) {
    // An engine that does not answer is told, and obeys when it can.
    if (wasRunning && !(await machine.engine.answers())) machine.engine.resume().catch(() => undefined);
    else await resumeOrLog(host, machine, wasRunning);
    throw error;
  }
  await resumeOrLog(host, machine, wasRunning);
}

/**
 * Points the `.vmx` at the lower layer before the guest writes to it: the upper layer on top of it would hide those writes.
 * If the `.vmx` cannot be written, the engine gets the upper layer back; until then both have the same content.
 */
async function pointVmxAtLower(work: Work, machine: Running, node: string | undefined): Promise<void> {
  const { lower, upper } = work.merge;
  try {
    await replaceInVmx(work);
  } catch (error) {
    const back = [{ from: lower.path, to: upper.path, node: node ?? 'put-back' }];
    await openLayers(machine.engine, back, hostOs());
    const push = await preparePush(machine.engine, back);
    await push();
    throw error;
  }
}

async function commitWhileRunning(work: Work, machine: Running): Promise<void> {
  const { bundle, merge, progress } = work;
  const engine = patientEngine(machine, progress);
  const nodes = await nodesByFile(engine);
  const tops = await topFiles(engine);
  const isTop = tops.has(merge.upper.path);
  const top = isTop ? merge.upper.path : topOver(work, tops);
  const over = childrenOf(work).find(({ path }) => nodes.has(path)) ?? null;
  const backingName = backingNameFor(bundle.names, merge.lower.path);
  await resumeAfter(work.host, machine, async () => {
    await commitLive(engine, { top, over, overlay: merge.upper, base: merge.lower, backingName }, progress);
    if (isTop) await pointVmxAtLower(work, machine, nodes.get(merge.upper.path));
  });
  // The engine has already changed the backing file of the layer in its own chain.
  await removeUpper(work, new Set(over ? [over.path] : []));
}

/** The top layer of the running chain that contains the merge. */
function topOver({ graph, merge }: Work, tops: ReadonlySet<string>): string {
  const queue = [merge.upper.path];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (tops.has(path)) return path;
    queue.push(...(graph.children.get(path) ?? []));
  }
  return merge.upper.path;
}

async function pull(work: Work, machine: Running | undefined): Promise<void> {
  const { bundle, host, merge, progress } = work;
  const { lower, upper } = merge;
  const onto = lower.backing
    ? {
        path: lower.backing.path,
        // As in the header of the lower layer, which is in the same directory.
        name: lower.backingName ?? backingNameFor(bundle.names, lower.backing.path),
        format: lower.backing.format,
      }
    : null;
  if (machine) {
    await resumeAfter(host, machine, async () => {
      const engine = patientEngine(machine, progress);
      const isTop = (await topFiles(engine)).has(upper.path);
      const ontoName = onto?.name ?? null;
      await pullLive(engine, { overlay: upper, isTop, beneath: lower, ontoName }, progress);
    });
  } else {
    const named = onto && { path: onto.name, format: onto.format };
    await pullInto({ qemuImg: await qemuImg(host), overlay: upper.path, onto: named, progress });
    await repairLeaks({ qemuImg: await qemuImg(host), path: upper.path });
  }
  await rm(lower.path, { force: true });
}

/** A merge in the engine that filled the disk would pause the guest at its next write. */
async function requireRoom({ lower, upper, how }: Merge): Promise<void> {
  const [into, from] = how === 'commit' ? [lower, upper] : [upper, lower];
  await requireFreeSpace(dirname(into.path), await growthOf(into, from), into.path);
}

/**
 * Merges two layers into one. The content of every referenced layer stays the same at all times.
 * @throws KameError DISK_FULL, BUSY, CANCELLED, ENGINE_*
 */
export async function merge(
  host: Host,
  bundle: Bundle,
  graph: LayerGraph,
  which: Merge,
  progress: Progress,
): Promise<void> {
  const work: Work = { host, bundle, graph, merge: which, progress };
  const machine = await engineWithBoth(work);
  // Without an engine, commitInto and pullInto check the free space.
  if (machine) await requireRoom(which);
  if (which.how === 'pull') return await pull(work, machine);
  if (machine) return await commitWhileRunning(work, machine);
  const { lower, upper } = which;
  const program = await qemuImg(host);
  await commitInto({
    qemuImg: program,
    overlay: upper.path,
    base: lower.path,
    baseFormat: lower.format,
    progress,
  });
  if (lower.format === 'qcow2') await repairLeaks({ qemuImg: program, path: lower.path });
  await removeUpper(work, new Set());
}
