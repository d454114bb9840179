import type { AcceleratorKind } from '../../src/qemu/capabilities/capabilities.ts';
import type { MachineModel, Nic } from '../../src/model/machine.ts';
import { someNic, someModel } from './plan-inputs.ts';

const iso = { bus: 'sata', controller: 0, unit: 1, fileName: 'install.iso', startConnected: true } as const;

/** One machine of each kind that Kame runs, for golden plans and for starting engines with them. */
export const machineKinds: Readonly<Record<string, MachineModel>> = {
  'tiny-direct-arm': someModel({
    cpus: 1,
    kame: {
      accelerator: 'auto',
      directBoot: { kernel: 'vmlinuz', initrd: 'initrd.img', commandLine: 'console=ttyAMA0 quiet' },
    },
  }),
  'linux-efi-arm': someModel({
    cpus: 4,
    coresPerSocket: 2,
    memoryMiB: 4096,
    controllers: [
      { bus: 'nvme', index: 0, model: 'nvme' },
      { bus: 'sata', index: 0, model: 'ahci' },
    ],
    cdroms: [iso, { bus: 'sata', controller: 0, unit: 2, fileName: null, startConnected: true }],
    nics: [
      someNic,
      {
        ...someNic,
        index: 1,
        connection: 'hostonly',
        model: 'e1000e',
        mac: '00:0c:29:00:00:02',
        macType: 'static',
        startConnected: false,
      },
    ],
    sound: { present: true, model: 'hdaudio' },
    kame: { accelerator: 'auto', seed: 'seed.iso' },
  }),
  'linux-efi-secure-arm': someModel({
    firmware: { kind: 'efi', secureBoot: true, nvram: 'demo.nvram' },
    controllers: [{ bus: 'scsi', index: 0, model: 'virtio-scsi' }],
    disks: [{ bus: 'scsi', controller: 0, unit: 0, fileName: 'disk0.qcow2', mode: 'persistent' }],
    input: 'virtio',
    usb: { present: false },
  }),
  'windows-arm': someModel({
    displayName: 'Windows 11, on ARM',
    guestOS: 'arm-windows11-64',
    cpus: 4,
    memoryMiB: 8192,
    controllers: [{ bus: 'nvme', index: 0, model: 'nvme' }],
    cdroms: [iso],
    bootOrder: ['cdrom', 'hdd'],
    sound: { present: true, model: 'hdaudio' },
    tpm: true,
  }),
  'imported-bios-x86': someModel({
    guestOS: 'debian10-64',
    arch: 'x86_64',
    firmware: { kind: 'bios', secureBoot: false, nvram: 'demo.nvram' },
    bootOrder: ['floppy', 'hdd', 'cdrom', 'ethernet'],
    controllers: [
      { bus: 'scsi', index: 0, model: 'pvscsi' },
      { bus: 'scsi', index: 1, model: 'lsilogic' },
      { bus: 'scsi', index: 2, model: 'lsisas1068' },
    ],
    disks: [
      { bus: 'scsi', controller: 0, unit: 0, fileName: 'disk0.qcow2', mode: 'persistent' },
      { bus: 'scsi', controller: 1, unit: 3, fileName: 'disk1.qcow2', mode: 'independent-persistent' },
      { bus: 'scsi', controller: 2, unit: 0, fileName: 'disk2.qcow2', mode: 'persistent' },
    ],
    cdroms: [{ bus: 'ide', controller: 1, unit: 0, fileName: null, startConnected: true }],
    nics: [
      { ...someNic, model: 'e1000' },
      { ...someNic, index: 1, model: 'vmxnet3', mac: '00:0c:29:00:00:02' },
    ],
    floppies: [{ index: 0, fileName: 'boot.flp', startConnected: true }],
    serials: [{ index: 0, kind: 'file', fileName: '/home/ada/.bashrc' }],
    parallels: [{ index: 0, kind: 'file', fileName: '/home/ada/.bashrc' }],
    sound: { present: true, model: 'es1371' },
    input: 'ps2',
    usb: { present: false },
  }),
  'windows-xp-x86': someModel({
    guestOS: 'winxppro',
    arch: 'x86_64',
    cpus: 1,
    firmware: { kind: 'bios', secureBoot: false, nvram: 'demo.nvram' },
    bootOrder: ['floppy', 'hdd'],
    controllers: [
      { bus: 'scsi', index: 0, model: 'buslogic' },
      { bus: 'ide', index: 0, model: 'ide' },
    ],
    disks: [
      { bus: 'scsi', controller: 0, unit: 0, fileName: 'disk0.qcow2', mode: 'persistent' },
      { bus: 'ide', controller: 0, unit: 0, fileName: 'disk1.qcow2', mode: 'persistent' },
    ],
    floppies: [{ index: 0, fileName: 'boot.flp', startConnected: true }],
    nics: [{ ...someNic, model: 'vlance' }],
    sound: { present: true, model: 'es1371' },
    input: 'ps2',
    usb: { present: false },
  }),
  'linux-efi-x86': someModel({
    guestOS: 'debian12-64',
    arch: 'x86_64',
    memoryMiB: 2048,
    controllers: [
      { bus: 'nvme', index: 0, model: 'nvme' },
      { bus: 'sata', index: 0, model: 'ahci' },
    ],
    disks: [
      { bus: 'nvme', controller: 0, unit: 0, fileName: 'disk0.qcow2', mode: 'persistent' },
      { bus: 'sata', controller: 0, unit: 0, fileName: 'disk1.qcow2', mode: 'persistent' },
    ],
    cdroms: [iso],
  }),
  'linux-efi-secure-x86': someModel({
    guestOS: 'debian12-64',
    arch: 'x86_64',
    firmware: { kind: 'efi', secureBoot: true, nvram: 'demo.nvram' },
  }),
};

/** The kinds with hardware of a later generation, and an adapter that was added while one ran. */
export function kindsWith(hardware: number): Readonly<Record<string, MachineModel>> {
  return Object.fromEntries(
    Object.entries(machineKinds).map(([kind, model]) => [kind, withHardware(model, hardware)]),
  );
}

function withHardware(model: MachineModel, hardware: number): MachineModel {
  const added: Nic = {
    ...someNic,
    index: 7,
    connection: 'pvn',
    segment: '52 C1-00',
    model: 'e1000e',
    mac: '00:50:56:00:00:07',
    macType: 'static',
    port: 2,
  };
  return { ...model, nics: [...model.nics, added], kame: { ...model.kame, hardware } };
}

/** Whether a kind can be planned under an accelerator: SMM, which Intel's Secure Boot needs, is not in HVF. */
export function isPossible(kind: string, accelerator: AcceleratorKind): boolean {
  return !(kind === 'linux-efi-secure-x86' && accelerator === 'hvf');
}
