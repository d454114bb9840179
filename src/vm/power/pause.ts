import type { Machine } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Engine } from '../../qemu/engine.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { requireAnswer } from '../host/living-engine.ts';
import type { Running } from '../host/running.ts';
import { syncClock } from '../running/agent-watch.ts';
import { summary } from '../running/describe.ts';

async function changeRunState(
  host: Host,
  reference: string,
  verb: 'pause' | 'unpause',
  progress: Progress,
  work: (machine: Running, engine: Engine) => Promise<void>,
): Promise<Machine> {
  // A checkpoint in progress pauses and resumes the guest itself, so this holds the machine.
  const vmx = await hold(host, reference, { verb, needs: 'running' }, async ({ machine }) => {
    await requireAnswer(machine, progress);
    await work(machine, machine.engine.for(progress));
    return machine.names.vmx;
  });
  return await summary(host, await findBundle(host, vmx));
}

/**
 * Gives a command, and takes it back if the engine does not answer, without waiting for that: when it answers again, it
 * obeys both, one after the other.
 */
async function orTakeBack(command: Promise<void>, opposite: () => Promise<void>): Promise<void> {
  try {
    await command;
  } catch (error) {
    const isUnanswered = error instanceof KameError && ['CANCELLED', 'ENGINE_TIMEOUT'].includes(error.code);
    if (isUnanswered) void Promise.allSettled([opposite()]);
    throw error;
  }
}

/**
 * Pauses the guest's CPUs; memory and devices keep their state.
 * @throws KameError WRONG_STATE, BUSY, ENGINE_TIMEOUT, CANCELLED; the guest then continues
 */
export async function pause(host: Host, reference: string, progress: Progress): Promise<Machine> {
  return await changeRunState(host, reference, 'pause', progress, async (machine, engine) => {
    if (machine.state === 'paused') throw wrongState(`${machine.name} is already paused.`, machine.name);
    await orTakeBack(engine.pause(), async () => await machine.engine.resume());
    machine.state = 'paused';
  });
}

/**
 * Resumes a paused guest, and sets its clock.
 * @throws KameError WRONG_STATE, BUSY, ENGINE_TIMEOUT, CANCELLED; the guest then stays paused
 */
export async function unpause(host: Host, reference: string, progress: Progress): Promise<Machine> {
  return await changeRunState(host, reference, 'unpause', progress, async (machine, engine) => {
    if (machine.state !== 'paused') throw wrongState(`${machine.name} is not paused.`, machine.name);
    await orTakeBack(engine.resume(), async () => await machine.engine.pause());
    machine.state = 'running';
    if (machine.agentAnswers) void syncClock(host, machine);
  });
}

function wrongState(message: string, machine: string): KameError {
  return new KameError('WRONG_STATE', message, { details: { machine } });
}
