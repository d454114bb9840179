import { escapeValue, type PlanBuilder } from './builder.ts';
import { pciPlaces } from './pci.ts';

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

/** The channel of the guest agent, with the name that agents look for. */
export function attachAgentChannel(builder: PlanBuilder): void {
  builder.pciDevice(pciPlaces.serialBus, { driver: 'virtio-serial-pci', id: 'vserial0' });
  builder.socketChardev('qga', builder.sockets.qga);
  builder.device({
    driver: 'virtserialport',
    id: 'agent0',
    bus: 'vserial0.0',
    nr: 1,
    chardev: 'qga',
    name: 'org.qemu.guest_agent.0',
  });
}
