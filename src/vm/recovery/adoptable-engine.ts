import { existsSync } from 'node:fs';
import { poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { enginesIn } from '../../qemu/engine.ts';
import { attach, type Engine, type EngineStatus } from '../../qemu/launch.ts';
import { socketsIn } from '../../qemu/plan/sockets.ts';
import type { Bundle } from '../../store/bundle.ts';
import { readJournal } from '../../store/journal.ts';
import type { RunNames } from '../../store/names.ts';
import { readRunRecord, writeRunRecord, type RunRecord } from '../../store/run-record.ts';
import type { ProcessIdentity } from '../../sys/process-identity.ts';
import { ensureGone } from '../companion/end.ts';
import { hostOs } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';

/** Milliseconds that an engine has to answer. If it does not, its machine is unreachable, and adoption is tried again. */
const adoptDeadlineMs = 3000;
/** Milliseconds that a starting engine has to open its monitor after its daemon died. */
const openDeadlineMs = 5000;

/** A journal that is not followed does not make a machine a clone. */
export async function isUnfinishedClone(host: Host, { names }: Bundle): Promise<boolean> {
  const journal = await readJournal(host.names, names).catch(() => undefined);
  return journal?.kind === 'clone';
}

/**
 * The machine's engine, or null when none runs. An engine that was loading a saved state is kept only if the `.vmx` shows
 * that the state was completely loaded; otherwise it is ended, and the machine is still suspended.
 */
export async function adoptableEngine(
  host: Host,
  bundle: Bundle,
  run: RunNames,
  signal: AbortSignal | undefined,
): Promise<Engine | null> {
  const machine = { name: bundle.name, logFile: bundle.names.log };
  const engine = await engineIn(host, machine, run, signal);
  if (!engine) return null;
  try {
    return await loadedEngine(host, bundle, run, engine);
  } catch (error) {
    // An open connection would keep the next attempt from getting a greeting.
    await engine.detach();
    throw error;
  }
}

function isLoading(record: RunRecord | undefined): record is RunRecord {
  return record?.restored === 'loading' || record?.restored === 'loading paused';
}

/** Whether an engine has loaded a state. The daemon may have died after it resumed the guest and before it recorded that. */
function hasState(status: EngineStatus): boolean {
  return status === 'paused' || status === 'running';
}

/** The engine, or null after ending it because it has not got all of its state. */
async function loadedEngine(
  host: Host,
  bundle: Bundle,
  run: RunNames,
  engine: Engine,
): Promise<Engine | null> {
  const record = await readRunRecord(run);
  if (!isLoading(record)) return engine;
  const status = await engine.status();
  const isLoaded = (bundle.content?.model.suspendedState ?? '') === '' && hasState(status);
  if (!isLoaded || (await isUnfinishedClone(host, bundle))) {
    await engine.kill();
    return null;
  }
  if (record.restored === 'loading' && status === 'paused') await engine.resume();
  await writeRunRecord(run, { ...record, restored: 'yes' });
  return engine;
}

/**
 * The engine of a run directory, with its monitor, or null when none runs. If the daemon died before the engine opened its
 * monitor, this waits for the monitor, and ends the engine when it does not open it. An engine that has opened it once may
 * have a guest with unsaved data, so it is never ended.
 * @throws KameError ENGINE_TIMEOUT when the engine does not answer
 */
async function engineIn(
  host: Host,
  machine: { readonly name: string; readonly logFile?: string },
  run: RunNames,
  signal: AbortSignal | undefined,
): Promise<Engine | null> {
  // Whoever has answered once listens already.
  const hasAnswered = ((await readRunRecord(run))?.engine ?? null) !== null;
  const options = {
    ...machine,
    deadlineMs: adoptDeadlineMs,
    ...(hasAnswered ? { listenMs: 0 } : {}),
    ...(signal ? { signal } : {}),
  };
  const settled = await poll(
    async () => {
      const engine = await attach(run.directory, options);
      if (engine) return { engine };
      const [process] = await enginesIn(run.directory);
      if (!process) return { engine: null };
      if (hasAnswered) throw silent(machine, process);
      return undefined;
    },
    { deadlineMs: openDeadlineMs, stepMs: 20, ...(signal ? { signal } : {}) },
  );
  if (settled) return settled.engine;
  const [process] = await enginesIn(run.directory);
  if (process && existsSync(socketsIn(run.directory, hostOs()).qmp)) throw silent(machine, process);
  await endEngines(host, run.directory, 'It did not open its monitor');
  return null;
}

/**
 * Ends the engine of a machine that is not at its place any more if it still waits for a saved state: its daemon was
 * killed during the restore, and nobody will send it. No guest has run in it.
 * @throws KameError ENGINE_*
 */
export async function endWaiting(host: Host, run: RunNames): Promise<void> {
  const record = await readRunRecord(run);
  if (!isLoading(record)) return;
  const engine = await engineIn(host, { name: record.vmx }, run, undefined);
  if (!engine) return;
  await using _attached = engine;
  if (hasState(await engine.status())) return;
  const reason = 'Its restore was interrupted, and its machine was moved';
  host.log('An engine was ended', { pid: engine.process.pid, directory: run.directory, reason });
  await engine.kill();
}

function silent({ name }: { readonly name: string }, { pid }: ProcessIdentity): KameError {
  const message = `The engine of ${name} (process ${pid}) accepts no connection to its monitor.`;
  return new KameError('ENGINE_TIMEOUT', message, { details: { machine: name, pid } });
}

/** Ends the engines of a run directory. @throws KameError ENGINE_TIMEOUT when one cannot be ended */
export async function endEngines(host: Host, directory: string, reason: string): Promise<void> {
  for (const engine of await enginesIn(directory)) {
    host.log('An engine was ended', { pid: engine.pid, directory, reason });
    await ensureGone('An engine', engine, 0);
  }
}
