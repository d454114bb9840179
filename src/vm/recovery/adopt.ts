import { existsSync } from 'node:fs';
import { poll } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { enginesIn } from '../../qemu/engine.ts';
import { attach, type Engine } from '../../qemu/launch.ts';
import type { LaunchPlan } from '../../qemu/plan/types.ts';
import type { Bundle } from '../../store/bundle.ts';
import { readJournal } from '../../store/journal.ts';
import { isBundle, runDirectories, runNames, type RunNames } from '../../store/names.ts';
import { removeCheckpointRam, removeRamFiles, sweepRamFiles } from '../../store/ram-place.ts';
import { readRunRecord, writeRunRecord, type RunRecord } from '../../store/run-record.ts';
import { sweepTemporaries } from '../../store/temporaries.ts';
import { clearDeadLock, handLock, lockHolder } from '../../sys/lock.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import { adoptCompanions } from '../companion/companion.ts';
import { ensureGone } from '../companion/end.ts';
import { allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { settle } from '../host/settle.ts';
import { removeOrphanedCheckpoints } from '../layers/tidy.ts';
import { repairAfterCrash } from '../running/crash.ts';
import { pinMachineType } from '../running/launch.ts';
import { track } from '../running/track.ts';

/** An engine that does not answer in this time is left alone; kame stop --hard ends it. */
const adoptDeadlineMs = 3000;
/** An engine whose starter died before it opened its monitor gets this long to open it. */
const openDeadlineMs = 5000;

/** The engine no longer tells which error it was. */
const ioError =
  'A disk error paused it, such as a full disk of the host. Make room, then kame unpause goes on; nothing is lost.';

/** Takes back every machine that runs, after the death of a daemon, and clears away what dead engines left. */
export async function adoptAll(host: Host): Promise<void> {
  for (const directory of [host.names.home, host.names.cache]) await sweepTemporaries(directory);
  const bundles = await allBundles(host);
  await Promise.all(
    bundles.map(async (bundle) => {
      try {
        if (isBundle(bundle.names.directory)) await sweepTemporaries(bundle.names.directory);
        await adopt(host, bundle);
        await settle(host, bundle);
        await removeOrphanedCheckpoints(await host.bundles.read(bundle.names.vmx));
        const run = runNames(host.names, bundle.names.vmx);
        // No clone is being made any more: what they would start from goes too.
        if (host.running.get(bundle.names.vmx)) await removeCheckpointRam(host.names, run);
        else await removeRamFiles(host.names, run);
      } catch (error) {
        host.log('A machine could not be adopted', { machine: bundle.name, reason: messageOf(error) });
      }
    }),
  );
  const known = new Set(bundles.map((bundle) => runNames(host.names, bundle.names.vmx).directory));
  await sweep(host, known);
  await sweepRamFiles(host.names, known);
}

/** Takes back one machine if its engine runs. Whether it does, the engine's monitor tells, not a file. */
export async function adopt(host: Host, bundle: Bundle): Promise<void> {
  const run = runNames(host.names, bundle.names.vmx);
  const ran = existsSync(run.directory);
  const engine = ran ? await wholeEngine(host, bundle, run) : null;
  if (!engine) {
    // A clone that nobody has yet is given up anyway; looking at its layers would keep its source from going on.
    const given = (await readJournal(bundle.names))?.kind !== 'clone';
    if (ran && given) await repairAfterCrash(host, bundle.names.vmx);
    await clearRunDirectory(run);
    await clearDeadLock(bundle.names.lock);
    return;
  }
  try {
    const record = await completeRecord(bundle, run, engine);
    const status = await engine.status();
    const state = status === 'running' ? 'running' : 'paused';
    const trouble = status === 'io-error' ? ioError : null;
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

/**
 * The machine's engine, or null when none runs. One that was being given a saved state has it all when the `.vmx` says so;
 * else it is ended, and the machine is still suspended in that state.
 */
async function wholeEngine(host: Host, bundle: Bundle, run: RunNames): Promise<Engine | null> {
  const engine = await engineIn(host, bundle, run);
  if (!engine) return null;
  const record = await readRunRecord(run);
  if (record?.restored !== 'loading' && record?.restored !== 'loading paused') return engine;
  const status = await engine.status();
  const whole = status === 'paused' || status === 'running';
  const spent = (bundle.content?.model.suspendedState ?? '') === '' && whole;
  if (!spent || (await readJournal(bundle.names))?.kind === 'clone') {
    await engine.kill();
    return null;
  }
  if (record.restored === 'loading' && status === 'paused') await engine.resume();
  await writeRunRecord(run, { ...record, restored: 'yes' });
  return engine;
}

/**
 * The engine of a run directory with its monitor, or null when none runs. A daemon may have died between starting the
 * engine and the engine's opening its monitor: such an engine is waited for, and ended when it does not come to it.
 */
async function engineIn(host: Host, bundle: Bundle, run: RunNames): Promise<Engine | null> {
  const options = { name: bundle.name, logFile: bundle.names.log, deadlineMs: adoptDeadlineMs };
  const settled = await poll(
    async () => {
      const engine = await attach(run.directory, options);
      if (engine) return { engine };
      return (await enginesIn(run.directory)).length === 0 ? { engine: null } : undefined;
    },
    { deadlineMs: openDeadlineMs, stepMs: 20 },
  );
  if (settled) return settled.engine;
  await endEngines(host, run.directory, 'It never opened its monitor');
  return null;
}

/** What the dead daemon knew; what it did not come to is done now. */
async function completeRecord(bundle: Bundle, run: RunNames, engine: Engine): Promise<RunRecord> {
  const stored = await readRunRecord(run);
  if (!stored) {
    throw new KameError('BROKEN_MACHINE', `${run.record} is gone or damaged.`);
  }
  // Killed during the start, the daemon had not yet written who the engine is.
  if (stored.engine === null) {
    for (const step of stored.setup as LaunchPlan['setup'])
      await engine.qmp.execute(step.execute, step.arguments);
  }
  const record = { ...stored, engine: engine.process };
  // What is written down already is left alone: the disk may be full, and a paused machine must be reached all the same.
  const holder = await lockHolder(bundle.names.lock);
  if (holder?.pid !== engine.process.pid) {
    await handLock(bundle.names.lock, { ...engine.process, purpose: 'qemu' });
  }
  if (stored.engine?.birth !== engine.process.birth) await writeRunRecord(run, record);
  if (bundle.content && bundle.broken === null) await pinMachineType(bundle, stored.machineType);
  return record;
}

async function endEngines(host: Host, directory: string, reason: string): Promise<void> {
  for (const engine of await enginesIn(directory)) {
    host.log('An engine was ended', { pid: engine.pid, directory, reason });
    await ensureGone('An engine', engine, 0);
  }
}

/**
 * Clears run directories that are no listed machine's. Without a record they are of an accelerator's proof that a killed
 * daemon left running; with one they are of a machine that has left the list, whose engine is nobody's to end.
 */
async function sweep(host: Host, known: ReadonlySet<string>): Promise<void> {
  for (const run of await runDirectories(host.names)) {
    if (known.has(run.directory)) continue;
    try {
      if (!existsSync(run.record)) await endEngines(host, run.directory, 'Its proof was cut short');
      if ((await enginesIn(run.directory)).length > 0) continue;
      await clearRunDirectory(run);
    } catch (error) {
      host.log('A run directory could not be cleared', {
        directory: run.directory,
        reason: messageOf(error),
      });
    }
  }
}
