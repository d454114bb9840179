import type { Machine, RestartMachine, StartedMachine, StopMachine } from '../../api/machine.ts';
import { Deadline, deadlineSignal, settledWithin, type StepLimits } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { enginesIn } from '../../qemu/engine.ts';
import { appendLog, type Bundle } from '../../store/bundle.ts';
import { runNames } from '../../store/names.ts';
import { removeOpenMarker } from '../../store/open-marker.ts';
import { removeRamFiles } from '../../store/ram-place.ts';
import { releaseLock } from '../../sys/lock.ts';
import { clearRunDirectory } from '../companion/clear.ts';
import { ensureGone } from '../companion/end.ts';
import { bundleEvent } from '../host/events.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { settle } from '../host/settle.ts';
import { refuseUnreachable, stateOf } from '../host/state.ts';
import { summary } from '../running/describe.ts';
import { powerOn, started } from './start.ts';

/** Milliseconds that an engine has to exit after a quit command. */
const quitMs = 5000;
/** Milliseconds that a guest has to power off before the power button is pressed as well. */
const secondTryMs = 15_000;
/** Milliseconds that the agent of a busy guest has to answer; otherwise the power button is used. */
const agentPingMs = 3000;
/** Milliseconds that the agent has to refuse a shutdown: it does not reply to one that it accepts. */
const agentShutdownMs = 5000;
/** Milliseconds that an engine has to pass a press of the power button on. */
const buttonMs = 10_000;

/** Waits for the end of an engine. Returns false at the deadline. */
async function ended(machine: Running, { deadlineMs, signal }: StepLimits): Promise<boolean> {
  using deadline = deadlineSignal(deadlineMs, signal);
  const over = deadline.signal;
  const waited = new Promise<false>((resolve) => {
    if (over.aborted) resolve(false);
    else over.addEventListener('abort', () => resolve(false), { once: true });
  });
  const gone = await Promise.race([machine.ended.then(() => true as const), waited]);
  if (!gone && signal.aborted) {
    throw new KameError('CANCELLED', `Waiting for ${machine.name} was cancelled; it may still power off.`);
  }
  return gone;
}

/**
 * Whether the guest's agent answers. One that answered the daemon before has a moment to answer this one too: many a guest
 * does not hear the power button.
 */
async function agentAnswers(machine: Running, deadline: Deadline): Promise<boolean> {
  if (machine.agentAnswers || machine.record.timings.agentMs === null) return machine.agentAnswers;
  return await settledWithin(machine.milestones.reached('agent'), Math.min(agentPingMs, deadline.leftMs / 2));
}

/** Requests the guest to power off: through its agent if that answers, otherwise by the power button. */
async function requestPowerOff(
  host: Host,
  machine: Running,
  deadline: Deadline,
): Promise<'agent' | 'button'> {
  if (await agentAnswers(machine, deadline)) {
    try {
      // The agent does not reply to a shutdown, so a ping checks first that it answers.
      // Half of the time, so that some is left for the button.
      const step = (ms: number) => deadline.step(Math.min(ms, deadline.leftMs / 2));
      await machine.channels.agent.ping(step(agentPingMs));
      await machine.channels.agent.shutdown('powerdown', step(agentShutdownMs));
      return 'agent';
    } catch (error) {
      if (deadline.signal.aborted) throw error;
      host.log('The guest agent did not accept the shutdown', {
        machine: machine.name,
        reason: messageOf(error),
      });
    }
  }
  await machine.engine.powerdown(deadline.step(buttonMs));
  return 'button';
}

async function stopSoftly(host: Host, machine: Running, deadline: Deadline): Promise<boolean> {
  const { engine } = machine;
  // A paused guest cannot react.
  if (machine.state === 'paused') await engine.resume(deadline.step(buttonMs));
  await appendLog(machine.names, 'requested to power off');
  const way = await requestPowerOff(host, machine, deadline);
  if (await ended(machine, deadline.step(secondTryMs))) return true;
  if (way === 'agent') await engine.powerdown(deadline.step(buttonMs)).catch(() => undefined);
  return await ended(machine, deadline.step(Infinity));
}

/** Asks the guest to power off, and waits for that. The whole takes no longer than the time that the user gave it. */
async function stopInTime(
  host: Host,
  machine: Running,
  timeoutMs: number,
  progress: Progress,
): Promise<void> {
  progress.report({ stage: `Waiting for ${machine.name} to power off` });
  const deadline = new Deadline(timeoutMs, progress);
  await machine.engine.for(progress).requireAnswer(deadline.leftMs);
  try {
    if (await stopSoftly(host, machine, deadline)) return;
  } catch (error) {
    // Which call met the deadline says less than that the guest did not power off.
    if (deadline.leftMs > 0 || progress.signal.aborted) throw error;
  }
  throw new KameError(
    'GUEST_TIMEOUT',
    `${machine.name} did not power off within ${Math.round(timeoutMs / 1000)} s.`,
    {
      next: `kame stop ${machine.name} --hard powers it off at once; kame console ${machine.name} shows what it is doing.`,
      details: { machine: machine.name },
    },
  );
}

async function stopHard(machine: Running): Promise<void> {
  await appendLog(machine.names, 'powered off by --hard');
  await machine.engine.quit({ deadlineMs: quitMs });
  await machine.ended;
}

/** Ends an engine that runs but does not answer, so that no daemon could adopt it. Returns whether there was one. */
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
  await removeRamFiles(host.names, run);
  await removeOpenMarker(bundle.names);
  await releaseLock(bundle.names.lock);
  host.unreachable.delete(bundle.names.vmx);
  const message = `${bundle.name} has stopped: its engine did not answer and was ended.`;
  await appendLog(bundle.names, message);
  host.events.emit({
    ...bundleEvent('machine.changed', bundle, message),
    type: 'machine.state',
    state: 'stopped',
  });
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
    else await stopInTime(host, machine, options.timeoutMs, progress);
    return;
  }
  if (await stopStuck(host, bundle, options.hard)) return;
  await refuseUnreachable(host, bundle, 'stop');
  const state = stateOf(host, bundle);
  throw new KameError('WRONG_STATE', `${bundle.name} is not running: it is ${state}.`, {
    details: { machine: bundle.name, state },
  });
}

/**
 * Powers off a machine. Returns when its engine's process is gone.
 * @throws KameError WRONG_STATE, GUEST_TIMEOUT, ENGINE_TIMEOUT, CANCELLED
 */
export async function stop(
  host: Host,
  reference: string,
  options: StopMachine,
  progress: Progress,
): Promise<Machine> {
  const bundle = await findBundle(host, reference);
  // A hard power-off must work while another operation waits for the guest, or for an engine that does not answer.
  const { vmx } = bundle.names;
  if (options.hard && (host.running.get(vmx) || host.unreachable.has(vmx)))
    await stopLocked(host, bundle, options, progress);
  else {
    const request = { verb: 'stop', needs: 'any', settles: false, endsEngine: true } as const;
    await hold(host, bundle, request, async (held) => await stopLocked(host, held.bundle, options, progress));
  }
  return await summary(host, await findBundle(host, bundle.names.vmx));
}

/** Powers a machine off and on again. The new engine uses settings that were changed in the meantime. */
export async function restart(
  host: Host,
  reference: string,
  options: RestartMachine,
  progress: Progress,
): Promise<StartedMachine> {
  const request = { verb: 'restart', needs: 'any', settles: false, endsEngine: true } as const;
  const machine = await hold(host, reference, request, async ({ bundle }) => {
    await stopLocked(host, bundle, options, progress);
    const stopped = await settle(host, await host.bundles.read(bundle.names.vmx));
    return await powerOn(host, stopped, progress);
  });
  return await started(host, machine, options, progress);
}
