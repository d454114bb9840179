import type { WaitFor } from '../../api/machine.ts';
import { reachedStages } from '../../api/stages.ts';
import { aborted, deadlineSignal } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { silentProgress, type Progress } from '../../core/progress.ts';
import { formatDuration } from '../../core/units.ts';
import { appendLog } from '../../store/bundle.ts';
import { lastConsoleLines } from '../engine/serial-log.ts';
import type { Host } from '../host/host.ts';
import { takePicture } from '../host/picture.ts';
import type { Running } from '../host/running.ts';

interface Wait {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

async function engineEnded(machine: Running): Promise<KameError> {
  const { message } = await machine.engine.closed;
  await machine.ended;
  const reason = machine.death ?? message;
  return new KameError('ENGINE_FAILED', `The engine of ${machine.name} ended during the start. ${reason}`, {
    next: `kame logs ${machine.name} shows the engine’s output, kame logs ${machine.name} --serial the guest’s.`,
    details: { machine: machine.name },
  });
}

/** Milliseconds for the picture of a display whose guest may hang. */
const pictureMs = 5000;

/** Saves what is on the display of a guest that does not get further; its path, or null if it has none. */
async function savePicture(host: Host, machine: Running, signal: AbortSignal): Promise<string | null> {
  const path = machine.names.stallImage;
  // A clone that does not get there is deleted with all its files.
  if (host.operations.verbOf(machine.names.vmx) === 'clone') return null;
  const { content } = await host.bundles.read(machine.names.vmx);
  if (!content?.model.display.present) return null;
  using deadline = deadlineSignal(pictureMs, signal);
  try {
    await takePicture(machine, path, silentProgress(deadline.signal));
    return path;
  } catch (error) {
    host.log('Could not save a screenshot', { machine: machine.name, reason: messageOf(error) });
    return null;
  }
}

function stagesText({ record }: Running): string {
  const stages = reachedStages(record.timings).map(({ stage, ms }) => `${stage} after ${formatDuration(ms)}`);
  return stages.length === 0
    ? 'No stage of its start is known to be reached.'
    : `It has reached: ${stages.join(', ')}.`;
}

async function guestTimeout(
  host: Host,
  machine: Running,
  what: string,
  { deadlineMs, signal }: Wait,
): Promise<KameError> {
  const picture = await savePicture(host, machine, signal);
  const lines = await lastConsoleLines(machine.names.serialLog);
  const seen = lines === '' ? 'Its serial console is empty.' : `Its serial console ends with:\n${lines}`;
  const stage = reachedStages(machine.record.timings).at(-1)?.stage;
  const shown = picture === null ? '' : ` What its display shows is in ${picture}.`;
  return new KameError(
    'GUEST_TIMEOUT',
    `${machine.name} is running, but ${what} within ${Math.round(deadlineMs / 1000)} s. ${stagesText(machine)}${shown} ${seen}`,
    {
      next: `kame console ${machine.name} shows what the guest is doing. If it has no guest agent, use --wait boot or --wait none.`,
      details: {
        machine: machine.name,
        ...(stage ? { stage } : {}),
        ...(picture === null ? {} : { screenshot: picture }),
      },
    },
  );
}

/** What a guest did not do in time. */
const missed = {
  boot: 'its console printed no line',
  agent: 'its guest agent did not answer',
  network: 'its guest agent told no address',
  login: 'its console showed no login prompt',
} as const satisfies Record<Exclude<WaitFor, 'none'>, string>;

async function reached(
  host: Host,
  machine: Running,
  what: Exclude<WaitFor, 'none'>,
  wait: Wait,
): Promise<void> {
  const { deadlineMs, signal } = wait;
  using deadline = deadlineSignal(deadlineMs, signal);
  const outcome = await Promise.race([
    machine.milestones.reached(what).then(() => 'reached' as const),
    machine.ended.then(() => 'ended' as const),
    aborted(deadline.signal).then(() => 'late' as const),
  ]);
  if (outcome === 'reached') return;
  if (outcome === 'ended') throw await engineEnded(machine);
  if (signal.aborted) throw cancelled(machine);
  throw (await machine.engine.isAlive())
    ? await guestTimeout(host, machine, missed[what], wait)
    : await engineEnded(machine);
}

function cancelled(machine: Running): KameError {
  return new KameError('CANCELLED', `Waiting for ${machine.name} was cancelled; it is still running.`, {
    next: `kame stop ${machine.name} stops it.`,
  });
}

/** What is waited for, for the progress. */
const waits = {
  boot: (name: string) => `Booting ${name}`,
  agent: (name: string) => `Waiting for the guest agent of ${name}`,
  network: (name: string) => `Waiting for the address of ${name}`,
  login: (name: string) => `Waiting for the login prompt of ${name}`,
} as const;

/**
 * Waits until a starting guest has reached a stage: its first console line, its agent's reply, an address, a login prompt.
 * @throws KameError GUEST_TIMEOUT with the stages that it has reached, the last console lines and a screenshot, ENGINE_FAILED when the engine ends, CANCELLED
 */
export async function waitFor(
  host: Host,
  machine: Running,
  what: WaitFor,
  deadlineMs: number,
  progress: Progress,
): Promise<void> {
  if (what === 'none') return;
  const wait = { deadlineMs, signal: progress.signal };
  progress.report({ stage: waits[what](machine.name) });
  try {
    await reached(host, machine, what, wait);
  } catch (error) {
    if (error instanceof KameError) await appendLog(machine.names, error.message);
    host.log('Waiting for a guest failed', { machine: machine.name, what });
    throw error;
  }
}
