import { defaultBootOrder, defaultVncPort } from './devices.ts';
import { findGuestOs } from './guest-os.ts';
import { noShape } from './link-shape.ts';
import type { Arch, Cdrom, MachineModel, Nic } from './machine.ts';
import { compareControllers, compareSlots, slotName } from './slots.ts';
import { generatedMac } from './uuid.ts';

/** The architecture of a machine if nothing else determines it. */
export const defaultArch: Arch = 'aarch64';

/** Hardware version of new machines: the version of Fusion 13 and Workstation 17, so that these can open them. */
export const defaultHardwareVersion = 20;

/** The parameters of a new machine. Each optional field overrides the default of the guest system. */
export interface NewMachine extends Partial<Omit<MachineModel, 'displayName' | 'guestOS' | 'uuid' | 'arch'>> {
  readonly name: string;
  /** Canonical lower-case UUID. */
  readonly uuid: string;
  /** VMware guest OS id; determines architecture, firmware and devices. */
  readonly guestOS: string;
  /** MAC address of the first adapter, lower case with colons; by default the one VMware would generate. */
  readonly mac?: string;
}

/** A network adapter that is connected to the NAT network, unless `more` says otherwise. */
export function newNic(more: Pick<Nic, 'index' | 'model' | 'mac' | 'macType'> & Partial<Nic>): Nic {
  return {
    connection: 'nat',
    startConnected: true,
    shape: noShape,
    linkStatePropagation: false,
    ...more,
  };
}

/**
 * The machine that `kame create` makes for a guest system: one disk `disk0.qcow2`, one adapter on the NAT network, no
 * CD drive (see withCdrom), and everything else as in the guest OS catalogue. Check it with validateModel.
 */
export function defaultModel(machine: NewMachine): MachineModel {
  const { name, uuid, guestOS, mac = generatedMac(uuid), ...overrides } = machine;
  const { os } = findGuestOs(guestOS);
  const controllers = [{ bus: os.disk.bus, index: 0, model: os.disk.model }];
  return {
    displayName: name,
    annotation: '',
    guestOS,
    arch: os.arch,
    hardwareVersion: defaultHardwareVersion,
    uuid,
    cpus: os.cpus,
    coresPerSocket: 1,
    memoryMiB: os.memoryMiB,
    firmware: { kind: os.firmware, secureBoot: os.secureBoot, nvram: `${name}.nvram` },
    bootOrder: defaultBootOrder,
    controllers,
    disks: [{ bus: os.disk.bus, controller: 0, unit: 0, fileName: 'disk0.qcow2', mode: 'persistent' }],
    cdroms: [],
    floppies: [],
    nics: [newNic({ index: 0, model: os.nic, mac, macType: 'generated' })],
    serials: [],
    parallels: [],
    sharedFolders: [],
    display: os.display,
    sound: os.sound,
    usb: { present: true },
    input: os.input,
    vnc: { enabled: false, port: defaultVncPort },
    tpm: os.tpm,
    syncTime: true,
    isolation: { copyDisabled: false, pasteDisabled: false },
    suspendedState: '',
    kame: { accelerator: 'auto' },
    ...overrides,
  };
}

/**
 * Adds a CD drive, on the kind of controller that suits the guest system. A missing controller is added too.
 * @param fileName path of an ISO, or null for an empty drive
 */
export function withCdrom(model: MachineModel, fileName: string | null): MachineModel {
  const { bus, model: controllerModel } = findGuestOs(model.guestOS).os.cdrom;
  const taken = new Set([...model.disks, ...model.cdroms].map(slotName));
  let controller = 0;
  // As in VMware, the CD drive is the second unit where the first may be a disk.
  let unit = bus === 'sata' ? 1 : 0;
  while (taken.has(slotName({ bus, controller, unit }))) {
    unit += 1;
    if (bus === 'ide' && unit > 1) [controller, unit] = [controller + 1, 0];
  }
  const cdrom: Cdrom = { bus, controller, unit, fileName, startConnected: true };
  const present = model.controllers.some((known) => known.bus === bus && known.index === controller);
  return {
    ...model,
    controllers: present
      ? model.controllers
      : [...model.controllers, { bus, index: controller, model: controllerModel }].sort(compareControllers),
    cdroms: [...model.cdroms, cdrom].sort(compareSlots),
  };
}
