import type { Machine } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { syncClock } from '../running/agent-watch.ts';
import { summary } from '../running/describe.ts';

async function changeRunState(
  host: Host,
  reference: string,
  verb: 'pause' | 'unpause',
  work: (machine: Running) => Promise<void>,
): Promise<Machine> {
  // A checkpoint in progress pauses and resumes the guest itself, so this holds the machine.
  const found = await findBundle(host, reference);
  const { vmx } = found.names;
  const wasPaused = host.running.get(vmx)?.state === 'paused';
  await hold(host, found, { verb, needs: 'running' }, async ({ machine }) => {
    // Settling an operation that could not resume the guest has resumed it now.
    if (verb === 'unpause' && wasPaused && machine.state === 'running') return;
    await work(machine);
  });
  return await summary(host, await findBundle(host, vmx));
}

/** Pauses the guest's CPUs; memory and devices keep their state. @throws KameError WRONG_STATE, BUSY */
export async function pause(host: Host, reference: string): Promise<Machine> {
  return await changeRunState(host, reference, 'pause', async (machine) => {
    if (machine.state === 'paused') throw wrongState(`${machine.name} is already paused.`, machine.name);
    await machine.engine.pause();
    machine.state = 'paused';
  });
}

/** Resumes a paused guest, and sets its clock. @throws KameError WRONG_STATE, BUSY */
export async function unpause(host: Host, reference: string): Promise<Machine> {
  return await changeRunState(host, reference, 'unpause', async (machine) => {
    if (machine.state !== 'paused') throw wrongState(`${machine.name} is not paused.`, machine.name);
    await machine.engine.resume();
    machine.state = 'running';
    if (machine.agentAnswers) void syncClock(host, machine);
  });
}

function wrongState(message: string, machine: string): KameError {
  return new KameError('WRONG_STATE', message, { details: { machine } });
}
