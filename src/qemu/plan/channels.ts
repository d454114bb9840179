import { escapeValue, type PlanBuilder } from './builder.ts';
import { pciPlaces } from './pci.ts';
import type { PlanSockets } from './types.ts';

/** Two QMP monitors on private sockets: one for Kame, one for people, since a monitor serves one client at a time. */
export function attachMonitors(builder: PlanBuilder): void {
  for (const id of ['qmp', 'qmp2'] as const) {
    builder.socketChardev(id, builder.sockets[id]);
    builder.option('mon', `chardev=${id},mode=control`);
  }
}

/** The serial console: a socket for whoever looks, and a file that keeps it all. */
export function attachSerial(builder: PlanBuilder): void {
  const { paths, model } = builder.input;
  const log = `,logfile=${escapeValue(paths.serialLog)},logappend=on`;
  builder.socketChardev('serial0', builder.sockets.serial, log);
  builder.option('serial', 'chardev:serial0');
  for (const serial of model.serials) {
    // A .vmx from elsewhere must not choose which of our files is written.
    builder.note(
      `serial${serial.index} (${serial.kind} ${serial.fileName}) is not connected; the console is \`kame console\`.`,
    );
  }
}

/** A port of the guest's virtio-serial controller, and the socket that it ends in. */
interface GuestPort {
  /** Id of the device, as VSERPORT_CHANGE names it. */
  readonly id: string;
  readonly chardev: string;
  readonly socket: keyof PlanSockets;
  /** Number on the controller; a restored guest expects it where it was. */
  readonly nr: number;
  /** The name that the program in the guest looks for. */
  readonly name: string;
}

/** The guest agent's port (qemu-ga's default `--path`, /dev/virtio-ports/NAME). */
export const agentPort: GuestPort = {
  id: 'agent0',
  chardev: 'qga',
  socket: 'qga',
  nr: 1,
  name: 'org.qemu.guest_agent.0',
};

/** THE LIST of ports. A new one is an entry here and a line in vm/host/channels.ts. */
const guestPorts: readonly GuestPort[] = [agentPort];

/** The virtio-serial controller with all ports. */
export function attachGuestPorts(builder: PlanBuilder): void {
  const controller = 'vserial0';
  builder.pciDevice(pciPlaces.serialBus, { driver: 'virtio-serial-pci', id: controller });
  for (const { id, chardev, socket, nr, name } of guestPorts) {
    builder.socketChardev(chardev, builder.sockets[socket]);
    builder.device({ driver: 'virtserialport', id, bus: `${controller}.0`, nr, chardev, name });
  }
}
