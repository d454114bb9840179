import { existsSync } from 'node:fs';
import { KameError, messageOf } from '../../core/errors.ts';
import { enginesIn } from '../../qemu/engine.ts';
import type { Engine } from '../../qemu/launch.ts';
import { endStaleCaptures } from '../../qemu/live-capture.ts';
import type { LaunchPlan } from '../../qemu/plan/types.ts';
import type { Bundle } from '../../store/bundle.ts';
import { isBundle, runDirectories, runNames, type RunNames } from '../../store/names.ts';
import { sweepOperations } from '../../store/operation-record.ts';
import { removeCheckpointRam, removeRamFiles, sweepRamFiles } from '../../store/ram-place.ts';
import { readRunRecord, writeRunRecord, type RunRecord } from '../../store/run-record.ts';
import { sweepTemporaries } from '../../store/temporaries.ts';
import { exists } from '../../sys/files.ts';
import { openForgotten } from '../../sys/pipe-inlet.ts';
import { isAlive } from '../../sys/process-identity.ts';
import { removeOpenMarker } from '../../store/open-marker.ts';
import { clearDeadLock, handLock, lockHolder } from '../../sys/lock.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import { adoptCompanions } from '../companion/companion.ts';
import { endCopies } from '../copy/stale.ts';
import { readableBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { settle } from '../host/settle.ts';
import { refuseUnreachable } from '../host/state.ts';
import { removeOrphanedCheckpoints } from '../layers/tidy.ts';
import { noteUnseenDeath, repairAfterCrash } from '../running/crash.ts';
import { pinHardware } from '../running/hardware.ts';
import { agreeNics } from '../running/nics.ts';
import { track } from '../running/track.ts';
import { adoptableEngine, endEngines, endWaiting, isUnfinishedClone } from './adoptable-engine.ts';

/** The reason for a pause by a disk error: the engine no longer reports which error it was. */
function ioErrorOf(name: string): string {
  return `A disk error, such as a full disk of the host, paused it. Free some space, then resume it with kame unpause ${name}; no data is lost.`;
}

/** Adopts every running machine after a daemon has died, and cleans up what dead engines left behind. */
export async function adoptAll(host: Host): Promise<void> {
  try {
    const { bundles, unread } = await readableBundles(host);
    await sweepHome(host, bundles);
    await Promise.all(
      bundles.map(async (bundle) => {
        await takeOver(host, bundle);
      }),
    );
    for (const { message: reason } of unread) host.log('Could not read all machines', { reason });
    // What runs may be a machine that cannot be read.
    if (unread.length > 0) return;
    const known = new Set(bundles.map((bundle) => runNames(host.names, bundle.names.vmx).directory));
    await sweep(host, known);
    await sweepRamFiles(host.names, known);
  } finally {
    // They wait for it, whatever happened.
    await host.networks.adopted();
  }
}

/** What a kill left behind in the home. A failure is no reason not to start. */
async function sweepHome(host: Host, bundles: readonly Bundle[]): Promise<void> {
  const { home, cache, operations } = host.names;
  try {
    for (const directory of [home, cache, operations]) await sweepTemporaries(directory);
    await sweepOperations(
      host.names,
      bundles.map(({ names }) => names),
    );
  } catch (error) {
    host.log('Could not clean up the home', { reason: messageOf(error) });
  }
}

/**
 * Adopts one machine if it runs, and settles what a dead daemon left unfinished. If its engine does not answer, nothing of
 * the machine is changed, and it is unreachable: see AdoptionRetry. Never throws.
 */
export async function takeOver(host: Host, bundle: Bundle, signal?: AbortSignal): Promise<void> {
  const { vmx } = bundle.names;
  // An engine that waits for the reader of a capture does not answer.
  using _captures = openForgotten(runNames(host.names, vmx).directory);
  try {
    await adopt(host, bundle, signal);
    host.unreachable.delete(vmx);
    // Not before: another Kame that uses the machine may be writing one.
    if (isBundle(bundle.names.directory)) await sweepTemporaries(bundle.names.directory);
    const running = host.running.get(vmx);
    if (running) await endCopies(host, running);
    await settle(host, bundle);
    const adopted = host.running.get(vmx);
    if (adopted) {
      await agreeNics(host, adopted);
      await endStaleCaptures(adopted.engine);
    }
    await removeOrphanedCheckpoints(await host.bundles.read(vmx));
    const run = runNames(host.names, vmx);
    // No clone is in progress any more, so the templates of clones are deleted too.
    if (host.running.get(vmx)) await removeCheckpointRam(host.names, run);
    else await removeRamFiles(host.names, run);
  } catch (error) {
    const reason = messageOf(error);
    const known = host.unreachable.get(vmx);
    if (known !== reason) host.log('Could not adopt a machine', { machine: bundle.name, reason });
    if (!host.running.get(vmx)) await noteUnreachable(host, bundle, reason);
  }
}

/** Keeps in mind that a machine runs, if it does, and makes its lock name the engine. */
async function noteUnreachable(host: Host, bundle: Bundle, reason: string): Promise<void> {
  const { name, names, content } = bundle;
  const [engine] = await enginesIn(runNames(host.names, names.vmx).directory);
  if (!engine) {
    host.unreachable.delete(names.vmx);
    return;
  }
  const isNew = !host.unreachable.has(names.vmx);
  host.unreachable.set(names.vmx, reason);
  try {
    // A daemon that died during the start had not handed its lock on yet.
    if (!(await lockHolder(names.lock))) await handLock(names.lock, { ...engine, purpose: 'qemu' });
  } catch (error) {
    host.log('Could not lock a machine for its engine', { machine: name, reason: messageOf(error) });
  }
  if (!isNew) return;
  const message = `${name} is running, but its engine (process ${engine.pid}) does not answer.`;
  const id = content?.model.uuid ?? null;
  host.events.emit({ type: 'machine.state', machine: name, id, state: 'unreachable', message });
}

/**
 * Adopts one machine if its engine runs, which the engine's monitor shows, not a file.
 * @throws KameError ENGINE_TIMEOUT when its engine does not answer, BUSY when another Kame uses the machine
 */
export async function adopt(host: Host, bundle: Bundle, signal?: AbortSignal): Promise<void> {
  const run = runNames(host.names, bundle.names.vmx);
  const ran = existsSync(run.directory);
  // A moved machine has another run directory, but still the lock of its dead engine.
  const died = ran || ((await exists(bundle.names.lock)) && !(await lockHolder(bundle.names.lock)));
  const engine = ran ? await adoptableEngine(host, bundle, run, signal) : null;
  if (!engine) {
    await refuseUnreachable(host, bundle, 'adopt');
    // An unfinished clone is discarded anyway, and a repair of its shared layers would lock them against its source.
    const isFinished = !(await isUnfinishedClone(host, bundle));
    if (ran && isFinished) await noteUnseenDeath(host, bundle, run);
    if (died && isFinished) await repairAfterCrash(host, bundle.names.vmx);
    await clearRunDirectory(run);
    await removeOpenMarker(bundle.names);
    await clearDeadLock(bundle.names.lock);
    return;
  }
  try {
    const record = await completeRecord(bundle, run, engine);
    const status = await engine.status();
    const state = status === 'running' ? 'running' : 'paused';
    const trouble = status === 'io-error' ? ioErrorOf(bundle.name) : null;
    const id = bundle.content?.model.uuid ?? '';
    track(host, { names: bundle.names, run, name: bundle.name, id, engine, record, state, trouble });
    const companions = (await adoptCompanions(run.directory)).map(({ name }) => name);
    host.log('Adopted a running machine', {
      machine: bundle.name,
      pid: engine.process.pid,
      state,
      companions,
    });
  } catch (error) {
    await engine.detach();
    throw error;
  }
}

/** The run record of the dead daemon. Completes the steps of the start that the daemon did not reach. */
async function completeRecord(bundle: Bundle, run: RunNames, engine: Engine): Promise<RunRecord> {
  const stored = await readRunRecord(run);
  if (!stored) {
    throw new KameError('BROKEN_MACHINE', `${run.record} is missing or damaged.`);
  }
  // The daemon was killed during the start, before it recorded the engine's process.
  if (stored.engine === null) {
    for (const step of stored.setup as LaunchPlan['setup'])
      await engine.qmp.execute(step.execute, step.arguments);
  }
  const record = { ...stored, engine: engine.process };
  // Writes only what has changed: the disk may be full, and a machine that was paused for that must still be adopted.
  const holder = await lockHolder(bundle.names.lock);
  if (holder?.pid !== engine.process.pid) {
    await handLock(bundle.names.lock, { ...engine.process, purpose: 'qemu' });
  }
  if (stored.engine?.birth !== engine.process.birth) await writeRunRecord(run, record);
  if (bundle.content && bundle.broken === null) {
    // Another type may have been set for the next start.
    const { machineType = stored.machineType } = bundle.content.model.kame;
    await pinHardware(bundle, { ...stored, machineType });
  }
  return record;
}

/** Whether the engine of a run record is alive: its command line may name the directory by another path. */
async function runs(run: RunNames): Promise<boolean> {
  const engine = (await readRunRecord(run))?.engine;
  return engine !== undefined && engine !== null && (await isAlive(engine));
}

/**
 * Removes run directories that belong to no machine of the inventory. One without a record is of an accelerator test that a
 * killed daemon left running. One with a record is of an unregistered or moved machine, whose engine must keep running
 * unless it has no guest yet.
 */
async function sweep(host: Host, known: ReadonlySet<string>): Promise<void> {
  for (const run of await runDirectories(host.names)) {
    if (known.has(run.directory)) continue;
    try {
      if (!existsSync(run.record))
        await endEngines(host, run.directory, 'Its accelerator test was interrupted');
      await endWaiting(host, run);
      if ((await enginesIn(run.directory)).length > 0 || (await runs(run))) continue;
      await clearRunDirectory(run);
    } catch (error) {
      host.log('Could not remove a run directory', {
        directory: run.directory,
        reason: messageOf(error),
      });
    }
  }
}
