import { KameError } from '../../core/errors.ts';
import type { GuestPort } from '../../qemu/plan/channels.ts';
import type { Running } from '../host/running.ts';

/** Whether something in the guest has a port open. @throws KameError ENGINE_* */
export async function portIsOpen(machine: Running, port: GuestPort): Promise<boolean> {
  const chardevs = await machine.engine.qmp.execute('query-chardev');
  return chardevs.some((chardev) => chardev.label === port.chardev && chardev['frontend-open']);
}

/** Whether the guest of a machine has a port at all. One that was restored has those that it was saved with. */
export function hasPort(machine: Running, port: GuestPort): boolean {
  return machine.record.hardware >= port.since;
}

/** @throws KameError WRONG_STATE when the machine was restored from a state without the port */
export function refuseWithoutPort(machine: Running, port: GuestPort): void {
  if (hasPort(machine, port)) return;
  throw new KameError(
    'WRONG_STATE',
    `${machine.name} runs from a state that was saved without the port for this (${port.name}).`,
    {
      next: `kame restart ${machine.name} gives it the port: it must be shut down and started, not resumed.`,
      details: { machine: machine.name },
    },
  );
}
