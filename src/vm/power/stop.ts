import { deadlineSignal } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Machine, RestartMachine, StartedMachine, StopMachine } from '../../api/machine.ts';
import { enginesIn } from '../../qemu/engine.ts';
import { appendLog, type Bundle } from '../../store/bundle.ts';
import { runNames } from '../../store/names.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import { lockHolder, releaseLock } from '../../sys/lock.ts';
import { summary } from '../running/describe.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { powerOn, started } from './start.ts';
import { settle } from '../host/settle.ts';
import { stateOf } from '../host/state.ts';
import { ensureGone } from '../companion/end.ts';

/** How long an engine may take to end by itself once it is told to. */
const quitMs = 5000;
/** A guest that accepts an agent's or a button's request gets this long before the other way is tried too. */
const secondTryMs = 15_000;
/** A guest under load answers in this time; one that does not is asked by its power button. */
const agentPingMs = 3000;

/** Waits for an engine's end. False when the time is over. */
async function ended(machine: Running, ms: number, signal: AbortSignal): Promise<boolean> {
  using deadline = deadlineSignal(ms, signal);
  const over = deadline.signal;
  const waited = new Promise<false>((resolve) => {
    if (over.aborted) resolve(false);
    else over.addEventListener('abort', () => resolve(false), { once: true });
  });
  const gone = await Promise.race([machine.ended.then(() => true as const), waited]);
  if (!gone && signal.aborted) {
    throw new KameError('CANCELLED', `Waiting for ${machine.name} was cancelled; it may still go down.`);
  }
  return gone;
}

/** Asks the guest to power off: by its agent if that answers, else by the power button. */
async function askGuest(host: Host, machine: Running): Promise<'agent' | 'button'> {
  if (machine.agentAnswers) {
    try {
      // The shutdown itself has no answer, so whether anyone listens is asked before.
      await machine.channels.agent.ping({ deadlineMs: agentPingMs });
      await machine.channels.agent.shutdown('powerdown', { deadlineMs: 5000 });
      return 'agent';
    } catch (error) {
      host.log('The agent did not take the shutdown', { machine: machine.name, reason: messageOf(error) });
    }
  }
  await machine.engine.powerdown();
  return 'button';
}

async function stopSoftly(
  host: Host,
  machine: Running,
  timeoutMs: number,
  progress: Progress,
): Promise<void> {
  const start = performance.now();
  const left = () => timeoutMs - (performance.now() - start);
  progress.report({ stage: `Waiting for ${machine.name} to power off` });
  // A paused guest hears nothing.
  if (machine.state === 'paused') await machine.engine.resume();
  await appendLog(machine.names, 'asked to power off');
  const way = await askGuest(host, machine);
  if (await ended(machine, Math.min(secondTryMs, left()), progress.signal)) return;
  if (way === 'agent') await machine.engine.powerdown().catch(() => undefined);
  if (await ended(machine, left(), progress.signal)) return;
  throw new KameError(
    'GUEST_TIMEOUT',
    `${machine.name} did not power off within ${Math.round(timeoutMs / 1000)} s.`,
    {
      next: `kame stop ${machine.name} --hard powers it off at once; kame console ${machine.name} shows what it does.`,
      details: { machine: machine.name },
    },
  );
}

async function stopHard(machine: Running): Promise<void> {
  await appendLog(machine.names, 'powered off by --hard');
  await machine.engine.quit({ deadlineMs: quitMs });
  await machine.ended;
}

/** An engine that runs but does not answer, so that no daemon could adopt it. */
async function stopStuck(host: Host, bundle: Bundle, hard: boolean): Promise<boolean> {
  const run = runNames(host.names, bundle.names.vmx);
  const engines = await enginesIn(run.directory);
  const [engine] = engines;
  if (!engine) return false;
  if (!hard) {
    throw new KameError(
      'ENGINE_TIMEOUT',
      `The engine of ${bundle.name} (process ${engine.pid}) does not answer.`,
      {
        details: { machine: bundle.name, pid: engine.pid },
      },
    );
  }
  for (const each of engines) await ensureGone(`The engine of ${bundle.name}`, each, 0);
  await clearRunDirectory(run);
  await releaseLock(bundle.names.lock);
  return true;
}

async function stopLocked(
  host: Host,
  bundle: Bundle,
  options: StopMachine,
  progress: Progress,
): Promise<void> {
  const machine = host.running.get(bundle.names.vmx);
  if (machine) {
    if (options.hard) await stopHard(machine);
    else await stopSoftly(host, machine, options.timeoutMs, progress);
    return;
  }
  if (await stopStuck(host, bundle, options.hard)) return;
  const holder = await lockHolder(bundle.names.lock);
  if (holder && holder.pid !== process.pid) {
    throw new KameError(
      'BUSY',
      `${bundle.name} is in use by ${holder.purpose} (process ${holder.pid}), which was not started from here.`,
      {
        next: 'Stop it where it was started: by the user or with the KAME_HOME that it belongs to.',
        details: { machine: bundle.name, pid: holder.pid },
      },
    );
  }
  throw new KameError('WRONG_STATE', `${bundle.name} is not running: it is ${stateOf(host, bundle)}.`, {
    details: { machine: bundle.name },
  });
}

/**
 * Powers a machine off. It is stopped only when its engine's process is gone.
 * @throws KameError WRONG_STATE, GUEST_TIMEOUT, ENGINE_TIMEOUT, CANCELLED
 */
export async function stop(
  host: Host,
  reference: string,
  options: StopMachine,
  progress: Progress,
): Promise<Machine> {
  const bundle = await findBundle(host, reference);
  // Pulling the plug must work while something else waits for the guest.
  if (options.hard && host.running.get(bundle.names.vmx)) await stopLocked(host, bundle, options, progress);
  else {
    const request = { verb: 'stop', needs: 'any', settles: false } as const;
    await hold(host, bundle, request, async (held) => await stopLocked(host, held.bundle, options, progress));
  }
  return await summary(host, await findBundle(host, bundle.names.vmx));
}

/** Powers a machine off and on again, as a new engine: changed settings count from then on. */
export async function restart(
  host: Host,
  reference: string,
  options: RestartMachine,
  progress: Progress,
): Promise<StartedMachine> {
  const request = { verb: 'restart', needs: 'any', settles: false } as const;
  const machine = await hold(host, reference, request, async ({ bundle }) => {
    await stopLocked(host, bundle, options, progress);
    const stopped = await settle(host, await host.bundles.read(bundle.names.vmx));
    return await powerOn(host, stopped, progress);
  });
  return await started(host, machine, options, progress);
}
