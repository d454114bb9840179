import { KameError } from '../../core/errors.ts';
import type { Machine } from '../../api/machine.ts';
import { summary } from '../running/describe.ts';
import { findBundle } from '../host/find.ts';
import { setTheClock } from '../running/agent-watch.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';

/** Not while a checkpoint is taken: it needs the guest as it left it. */
async function alone<T>(host: Host, reference: string, verb: string, work: (machine: Running) => Promise<T>) {
  const machine = await runningMachine(host, reference);
  const about = { key: machine.names.vmx, machine: machine.name, verb };
  await host.operations.exclusive(about, async () => await work(machine));
  return await summary(host, await findBundle(host, machine.names.vmx));
}

/** Stops the guest's CPUs; memory and devices stay. @throws KameError WRONG_STATE, BUSY */
export async function pause(host: Host, reference: string): Promise<Machine> {
  return await alone(host, reference, 'paused', async (machine) => {
    if (machine.state === 'paused') throw wrongState(`${machine.name} is paused already.`, machine.name);
    await machine.engine.pause();
    machine.state = 'paused';
  });
}

/** Lets a paused guest go on, and tells it what time it is. @throws KameError WRONG_STATE, BUSY */
export async function unpause(host: Host, reference: string): Promise<Machine> {
  return await alone(host, reference, 'unpaused', async (machine) => {
    if (machine.state !== 'paused') throw wrongState(`${machine.name} is not paused.`, machine.name);
    await machine.engine.resume();
    machine.state = 'running';
    if (machine.agentAnswers) void setTheClock(host, machine);
  });
}

function wrongState(message: string, machine: string): KameError {
  return new KameError('WRONG_STATE', message, { details: { machine } });
}
