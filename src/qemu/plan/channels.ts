import { escapeValue, type PlanBuilder } from './builder.ts';
import { pciPlaces } from './pci.ts';

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

/** The channel of the guest agent, under the name that agents look for. */
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
