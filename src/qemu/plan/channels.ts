import { firstHardware, integratedHardware } from '../../model/hardware.ts';
import { escapeValue, type PlanBuilder } from './builder.ts';
import { hardwareOf } from './netdevs.ts';
import { pciPlaces } from './pci.ts';
import type { PlanSockets } from './types.ts';

/** Two QMP monitors on private sockets: one for Kame, one for people, because a monitor serves one client at a time. */
export function attachMonitors(builder: PlanBuilder): void {
  for (const id of ['qmp', 'qmp2'] as const) {
    builder.socketChardev(id, builder.sockets[id]);
    builder.option('mon', `chardev=${id},mode=control`);
  }
}

/** The serial console: a socket for terminals, and a file that records all output. */
export function attachSerial(builder: PlanBuilder): void {
  const { paths, model } = builder.input;
  const log = `,logfile=${escapeValue(paths.serialLog)},logappend=on`;
  builder.socketChardev('serial0', builder.sockets.serial, log);
  builder.option('serial', 'chardev:serial0');
  for (const serial of model.serials) {
    // An untrusted .vmx must not choose a file to be written.
    builder.note(
      `serial${serial.index} (${serial.kind} ${serial.fileName}) is not connected. Use \`kame console\` for the serial console.`,
    );
  }
}

/** A port of the virtio-serial controller of the guest, and its socket on the host. */
export interface GuestPort {
  /** Id of the device, as VSERPORT_CHANGE names it. */
  readonly id: string;
  readonly chardev: string;
  readonly socket: keyof PlanSockets;
  /** Number on the controller, which must not change because a restored guest expects it. */
  readonly nr: number;
  /** The name that the program in the guest looks for. */
  readonly name: string;
  /** The generation of hardware that has it first. */
  readonly since: number;
}

/** The port of the guest agent (the default `--path` of qemu-ga, /dev/virtio-ports/NAME). */
export const agentPort: GuestPort = {
  id: 'agent0',
  chardev: 'qga',
  socket: 'qga',
  nr: 1,
  name: 'org.qemu.guest_agent.0',
  since: firstHardware,
};

/** The port of the SPICE agent of a desktop (spice-vdagentd's default, /dev/virtio-ports/NAME). */
export const desktopAgentPort: GuestPort = {
  id: 'vdagent0',
  chardev: 'vdagent',
  socket: 'vdagent',
  nr: 2,
  name: 'com.redhat.spice.0',
  since: integratedHardware,
};

/** The port of spice-webdavd, which serves shared folders to the guest. */
export const sharesPort: GuestPort = {
  id: 'webdav0',
  chardev: 'webdav',
  socket: 'webdav',
  nr: 3,
  name: 'org.spice-space.webdav.0',
  since: integratedHardware,
};

/** The port of Kame's own tools as a system service. */
export const toolsPort: GuestPort = {
  id: 'tools0',
  chardev: 'tools',
  socket: 'tools',
  nr: 4,
  name: 'org.kame.tools.0',
  since: integratedHardware,
};

/** The port of Kame's own tools in the session of a desktop. */
export const desktopToolsPort: GuestPort = {
  id: 'desktop0',
  chardev: 'desktop',
  socket: 'desktop',
  nr: 5,
  name: 'org.kame.desktop.0',
  since: integratedHardware,
};

/**
 * The list of ports. A new port needs an entry here, a line in src/vm/host/channels.ts, and a new generation of hardware
 * (src/model/hardware.ts), because a saved state can only be loaded into the ports that it was saved with.
 */
const guestPorts: readonly GuestPort[] = [
  agentPort,
  desktopAgentPort,
  sharesPort,
  toolsPort,
  desktopToolsPort,
];

/** The virtio-serial controller with all ports. */
export function attachGuestPorts(builder: PlanBuilder): void {
  const controller = 'vserial0';
  builder.pciDevice(pciPlaces.serialBus, { driver: 'virtio-serial-pci', id: controller });
  const hardware = hardwareOf(builder.input.model);
  for (const { id, chardev, socket, nr, name } of guestPorts.filter(({ since }) => since <= hardware)) {
    builder.socketChardev(chardev, builder.sockets[socket]);
    builder.device({ driver: 'virtserialport', id, bus: `${controller}.0`, nr, chardev, name });
  }
}
