import { KameError } from '../core/errors.ts';
import type { Machine } from '../api/machine.ts';
import { summary } from './describe.ts';
import { findMachine } from './find.ts';
import type { Host } from './host.ts';
import { runningMachine } from './state.ts';

/** Stops the guest's CPUs; memory and devices stay. @throws KameError WRONG_STATE */
export async function pause(host: Host, reference: string): Promise<Machine> {
  const machine = await runningMachine(host, reference);
  if (machine.state === 'paused') throw wrongState(`${machine.name} is paused already.`, machine.name);
  await machine.engine.pause();
  machine.state = 'paused';
  return await summary(host, await findMachine(host, machine.names.vmx));
}

/** Lets a paused guest go on. @throws KameError WRONG_STATE */
export async function unpause(host: Host, reference: string): Promise<Machine> {
  const machine = await runningMachine(host, reference);
  if (machine.state !== 'paused') throw wrongState(`${machine.name} is not paused.`, machine.name);
  await machine.engine.resume();
  machine.state = 'running';
  return await summary(host, await findMachine(host, machine.names.vmx));
}

function wrongState(message: string, machine: string): KameError {
  return new KameError('WRONG_STATE', message, { details: { machine } });
}
