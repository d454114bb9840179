import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pause, poll } from '../../core/deadline.ts';
import { messageOf } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { isUnwritten } from '../../disk/chain.ts';
import { closeLayers, topFiles } from '../../qemu/disk-layers.ts';
import {
  readCheckpointRecord,
  readWaitingRecord,
  removeCheckpoint,
  syncCheckpoint,
} from '../../store/checkpoint.ts';
import { appendLog, contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { checkpointNames, runNames, vmStateOf } from '../../store/names.ts';
import {
  readOperation,
  removeOperation,
  writeOperation,
  type LayerChange,
  type Operation,
} from '../../store/operation.ts';
import { removeCheckpointRam, waitingRam } from '../../store/ram-place.ts';
import { discardClone } from '../clone/discard.ts';
import { giveIdentity } from '../clone/identity.ts';
import { settleDisk } from '../disk/settle-disk.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { settleRam } from '../memory/lasting-ram.ts';
import { engineLayers, namesLayers, removeLayerFiles, withLayers } from '../layers/layers.ts';
import { finishRevert } from '../snapshot/revert-finish.ts';
import { listSnapshot } from '../snapshot/snapshot-list.ts';
import { tidy } from '../layers/tidy.ts';

const freeDeadlineMs = 10_000;

type Of<Kind extends Operation['kind']> = Extract<Operation, { kind: Kind }>;

export interface SettleOptions {
  /** The operation failed just now, in this process: what could not be done is not tried again, but undone. */
  readonly failed?: boolean;
}

/** The machine's engine if it runs. One that is about to end is waited for. */
async function livingEngine(host: Host, bundle: Bundle): Promise<Running | undefined> {
  const machine = host.running.get(bundle.names.vmx);
  if (!machine) return undefined;
  if (await machine.engine.isAlive()) return machine;
  await machine.ended;
  return undefined;
}

/** Whether an engine is gone, after a wait if it is about to be: its monitor closes a moment before. */
async function hasEnded(machine: Running): Promise<boolean> {
  const closed = await Promise.race([machine.engine.closed.then(() => true), pause(0).then(() => false)]);
  if (closed) await machine.ended;
  return closed;
}

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
async function completeMemory(host: Host, bundle: Bundle, operation: Of<'layer'>): Promise<boolean> {
  const { snapshot } = operation;
  if (!snapshot?.withMemory) return snapshot !== null;
  const checkpoint = checkpointNames(bundle.names, String(snapshot.uid));
  const waiting = waitingRam(host.names, runNames(host.names, bundle.names.vmx));
  try {
    if (!existsSync(checkpoint.ram) && existsSync(waiting)) {
      const record = await readWaitingRecord(checkpoint);
      await settleRam(checkpoint, waiting, record.ram, silentProgress());
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
    .then(async () => await machine.agent.fsthaw({ deadlineMs: 60_000 }))
    .catch((error: unknown) => {
      host.log('The guest’s file systems were not thawed', {
        machine: machine.name,
        reason: messageOf(error),
      });
    });
}

/** After its state was saved an engine holds no lock on its disks: whoever looks at one just then is waited for. */
async function resumeWhenFree(machine: Running): Promise<void> {
  let refused: unknown;
  const resumed = await poll(
    async () => {
      try {
        await machine.engine.resume();
        return true;
      } catch (error) {
        refused = error;
        if (!/Failed to get "[^"]*" lock/.test(messageOf(error))) throw error;
        return undefined;
      }
    },
    { deadlineMs: freeDeadlineMs },
  );
  if (!resumed) throw refused;
}

async function letGoOn(machine: Running | undefined, paused: boolean): Promise<void> {
  if (!machine || paused) return;
  const status = await machine.engine.status();
  if (status === 'paused' || status === 'postmigrate') await resumeWhenFree(machine);
}

async function settleLayer(
  host: Host,
  bundle: Bundle,
  operation: Of<'layer'>,
  options: SettleOptions,
): Promise<void> {
  const { layers, snapshot } = operation;
  const machine = await livingEngine(host, bundle);
  const checkpoint = snapshot && checkpointNames(bundle.names, String(snapshot.uid));
  const { document, model } = contentOf(bundle);
  const pushed = layers.length > 0 && (await isPushed(bundle, machine, layers));
  if (pushed && !namesLayers(model, layers)) await writeVmx(bundle.names.vmx, withLayers(document, layers));
  const whole = pushed && !options.failed && (await completeMemory(host, bundle, operation));
  if (snapshot && whole) await listSnapshot(bundle, snapshot);
  else if (checkpoint) await removeCheckpoint(checkpoint);
  if (!pushed) {
    if (machine) await closeLayers(machine.engine, engineLayers(bundle.names, layers));
    await removeLayerFiles(bundle.names, layers);
  }
  await letGoOn(machine, operation.paused);
  if (machine && operation.quiesced === true) thawWhenItAnswers(host, machine);
  if (pushed && !whole && snapshot) await tidy(host, await host.bundles.read(bundle.names.vmx));
}

async function settleSuspend(host: Host, bundle: Bundle, operation: Of<'suspend'>): Promise<void> {
  const machine = await livingEngine(host, bundle);
  const done = contentOf(bundle).model.suspendedState === vmStateOf(bundle.names, operation.checkpoint);
  if (done) {
    await machine?.engine.quit();
    await machine?.ended;
    return;
  }
  await letGoOn(machine, operation.paused);
  await removeCheckpoint(checkpointNames(bundle.names, operation.checkpoint));
}

async function settleRevert(host: Host, bundle: Bundle, operation: Of<'revert'>): Promise<void> {
  if (namesLayers(contentOf(bundle).model, operation.layers)) await finishRevert(host, bundle, operation.uid);
  else await removeLayerFiles(bundle.names, operation.layers);
}

/** A clone that does not run was never handed to anyone. One that runs gets its identity when its agent answers. */
async function settleClone(host: Host, bundle: Bundle, operation: Of<'clone'>): Promise<void> {
  const machine = await livingEngine(host, bundle);
  if (!machine) return await discardClone(host, bundle);
  const { identity } = operation;
  if (!identity) return;
  void machine.answered.then(async () => {
    for (const note of await giveIdentity(host, machine, identity)) await appendLog(machine.names, note);
  });
}

async function settleOperation(
  host: Host,
  bundle: Bundle,
  operation: Operation,
  options: SettleOptions,
): Promise<void> {
  switch (operation.kind) {
    case 'layer':
      return await settleLayer(host, bundle, operation, options);
    case 'suspend':
      return await settleSuspend(host, bundle, operation);
    case 'revert':
      return await settleRevert(host, bundle, operation);
    case 'tidy':
      await tidy(host, bundle);
      return await letGoOn(await livingEngine(host, bundle), operation.paused);
    case 'clone':
      return await settleClone(host, bundle, operation);
    case 'disk':
      return await settleDisk(bundle, operation);
  }
}

/** Merges layers that nobody needs any more and removes what is left over; a kill in the middle loses nothing. */
export async function consolidate(host: Host, bundle: Bundle): Promise<Bundle> {
  const paused = host.running.get(bundle.names.vmx)?.state !== 'running';
  await writeOperation(bundle.names, { kind: 'tidy', paused });
  return await settle(host, bundle);
}

/**
 * Ends what was begun with a machine's files and not ended: a daemon or an engine was killed in the middle, or an
 * operation failed. It is finished when that is possible, else undone; every step can be done again. Nothing is begun
 * with a machine before this was done.
 * @returns the machine as it is now
 * @throws KameError what stands in the way; the machine stays as it is, and the next call tries again
 */
export async function settle(host: Host, found: Bundle, options: SettleOptions = {}): Promise<Bundle> {
  const operation = await readOperation(found.names);
  if (!operation) return found;
  const bundle = await host.bundles.read(found.names.vmx);
  const machine = host.running.get(bundle.names.vmx);
  try {
    await settleOperation(host, bundle, operation, options);
  } catch (error) {
    if (!machine || !(await hasEnded(machine))) throw error;
    // The engine died under it: without the engine the files alone tell.
    await settleOperation(host, await host.bundles.read(bundle.names.vmx), operation, options);
  }
  await removeCheckpointRam(host.names, runNames(host.names, bundle.names.vmx));
  await removeOperation(bundle.names);
  host.log('An operation was settled', { machine: bundle.name, kind: operation.kind });
  return await host.bundles.read(bundle.names.vmx);
}
