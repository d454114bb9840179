import { KameError, messageOf } from '../../core/errors.ts';
import type { GuestPort } from '../../qemu/plan/channels.ts';
import type { Host } from '../host/host.ts';
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

/** Tells a channel whether something in the guest has its port open, now and whenever that changes. */
export function watchPort(
  host: Host,
  machine: Running,
  port: GuestPort,
  channel: { portChanged(open: boolean): void },
): void {
  if (!hasPort(machine, port)) return;
  let told = false;
  machine.engine.qmp.on('VSERPORT_CHANGE', ({ id, open }) => {
    if (id !== port.id) return;
    told = true;
    channel.portChanged(open);
  });
  // An adopted machine may have opened the port before.
  portIsOpen(machine, port).then(
    (open) => {
      if (open && !told) channel.portChanged(true);
    },
    (error: unknown) => host.log(`Port ${port.name}`, { machine: machine.name, reason: messageOf(error) }),
  );
}
