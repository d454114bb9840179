import type { WaitFor } from '../../api/machine.ts';
import { deadlineSignal } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { appendLog } from '../../store/bundle.ts';
import { firstConsoleLine, lastConsoleLines } from '../engine/serial-log.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { recordTiming } from './timing.ts';

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

async function guestTimeout(machine: Running, what: string, deadlineMs: number): Promise<KameError> {
  const lines = await lastConsoleLines(machine.names.serialLog);
  const seen = lines === '' ? 'Its serial console is empty.' : `Its serial console ends with:\n${lines}`;
  return new KameError(
    'GUEST_TIMEOUT',
    `${machine.name} is running, but ${what} within ${Math.round(deadlineMs / 1000)} s. ${seen}`,
    {
      next: `kame console ${machine.name} shows what the guest is doing. If it has no guest agent, use --wait boot or --wait none.`,
      details: { machine: machine.name },
    },
  );
}

async function agentReply(machine: Running, { deadlineMs, signal }: Wait): Promise<void> {
  if (machine.agentAnswers) return;
  using deadline = deadlineSignal(deadlineMs, signal);
  const over = deadline.signal;
  const late = new Promise<'late'>((resolve) => {
    if (over.aborted) resolve('late');
    else over.addEventListener('abort', () => resolve('late'), { once: true });
  });
  const outcome = await Promise.race([
    machine.answered.then(() => 'answered' as const),
    machine.ended.then(() => 'ended' as const),
    late,
  ]);
  if (outcome === 'answered') return;
  if (outcome === 'ended') throw await engineEnded(machine);
  if (signal.aborted) throw cancelled(machine);
  throw await guestTimeout(machine, 'its guest agent did not answer', deadlineMs);
}

function cancelled(machine: Running): KameError {
  return new KameError('CANCELLED', `Waiting for ${machine.name} was cancelled; it is still running.`, {
    next: `kame stop ${machine.name} stops it.`,
  });
}

async function bootLine(machine: Running, { deadlineMs, signal }: Wait): Promise<void> {
  const options = { deadlineMs, signal, stop: machine.ended };
  if (await firstConsoleLine(machine.names.serialLog, options)) {
    await recordTiming(machine, 'bootMs', Date.now() - Date.parse(machine.record.startedAt));
    return;
  }
  const alive = await machine.engine.isAlive();
  throw alive
    ? await guestTimeout(machine, 'its console printed no line', deadlineMs)
    : await engineEnded(machine);
}

/**
 * Waits until a starting guest has printed its first console line, or until its agent answers.
 * @throws KameError GUEST_TIMEOUT with the last console lines, ENGINE_FAILED when the engine ends, CANCELLED
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
  progress.report({
    stage: what === 'agent' ? `Waiting for the guest agent of ${machine.name}` : `Booting ${machine.name}`,
  });
  try {
    await (what === 'agent' ? agentReply(machine, wait) : bootLine(machine, wait));
  } catch (error) {
    if (error instanceof KameError) await appendLog(machine.names, error.message);
    host.log('Waiting for a guest failed', { machine: machine.name, what });
    throw error;
  }
}
