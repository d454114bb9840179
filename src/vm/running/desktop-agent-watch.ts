import { messageOf } from '../../core/errors.ts';
import { desktopAgentPort } from '../../qemu/plan/channels.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { hasPort, portIsOpen } from './guest-port.ts';

/** Connects to the desktop agent of a guest for as long as it has its port open. */
export function watchDesktopAgent(host: Host, machine: Running): void {
  if (!hasPort(machine, desktopAgentPort)) return;
  const { desktopAgent } = machine.channels;
  let told = false;
  machine.engine.qmp.on('VSERPORT_CHANGE', ({ id, open }) => {
    if (id !== desktopAgentPort.id) return;
    told = true;
    desktopAgent.portChanged(open);
  });
  // An adopted machine may have opened the port before.
  portIsOpen(machine, desktopAgentPort).then(
    (open) => {
      if (open && !told) desktopAgent.portChanged(true);
    },
    (error: unknown) => host.log('Desktop agent', { machine: machine.name, reason: messageOf(error) }),
  );
}
