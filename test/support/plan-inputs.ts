import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { capabilitiesFrom, type ProbeReplies } from '../../src/qemu/capabilities/replies.ts';
import type { AcceleratorKind, Capabilities } from '../../src/qemu/capabilities/capabilities.ts';
import type { FirmwareDescriptor } from '../../src/qemu/firmware/descriptor.ts';
import { newNic } from '../../src/model/defaults.ts';
import { slotName } from '../../src/model/slots.ts';
import type { DiskSource, HostFacts, PlanInput, RamFile } from '../../src/qemu/plan/types.ts';
import type { Schema } from '../../src/qemu/qmp/schema.ts';
import type { Arch, Disk, MachineModel, Nic } from '../../src/model/machine.ts';

export const recordedVersions = ['7.2', '10.0'] as const;
export type RecordedVersion = (typeof recordedVersions)[number];

/** Recorded files that have been read: a schema has megabytes. Nobody changes what was read. */
const read = new Map<string, unknown>();

function readJson(path: string): unknown {
  if (!read.has(path))
    read.set(
      path,
      JSON.parse(readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')),
    );
  return read.get(path);
}

export function recordedReplies(version: RecordedVersion, arch: Arch): ProbeReplies {
  return readJson(`test/replies/${version}-${arch}.json`) as ProbeReplies;
}

export function recordedSchema(version: RecordedVersion, arch: Arch): Schema {
  return readJson(`schemas/qmp/${version}-${arch}.json`) as Schema;
}

/** Capabilities of a recorded QEMU; with `accelerator`, as the same version built for a host that has it. */
export function recordedCapabilities(
  version: RecordedVersion,
  arch: Arch,
  accelerator: AcceleratorKind = 'tcg',
): Capabilities {
  const recorded = capabilitiesFrom(
    `/usr/bin/qemu-system-${arch}`,
    recordedReplies(version, arch),
    recordedSchema(version, arch),
  );
  return {
    ...recorded,
    accelerators: [...new Set([...recorded.accelerators, accelerator])],
    // A QEMU for macOS has no memfd and no seccomp.
    ...(accelerator === 'hvf'
      ? {
          memoryBackends: recorded.memoryBackends.filter((name) => name !== 'memory-backend-memfd'),
          flags: recorded.flags.filter((flag) => flag !== 'sandbox'),
        }
      : {}),
  };
}

function descriptor(arch: Arch, file: string, vars: string, features: string[]): FirmwareDescriptor {
  const folder = arch === 'aarch64' ? '/usr/share/AAVMF/AAVMF' : '/usr/share/OVMF/OVMF';
  return {
    file: `/usr/share/qemu/firmware/${file}`,
    description: `UEFI for ${arch}`,
    targets: [{ architecture: arch, machines: [arch === 'aarch64' ? 'virt-*' : 'pc-q35-*'] }],
    features,
    flash: {
      executable: { filename: `${folder}_CODE.${vars === 'ms' ? 'ms.' : ''}fd`, format: 'raw' },
      nvramTemplate: { filename: `${folder}_VARS.${vars === 'ms' ? 'ms.' : ''}fd`, format: 'raw' },
    },
  };
}

export const someFirmware: readonly FirmwareDescriptor[] = [
  descriptor('aarch64', '40-edk2-aarch64-secure-enrolled.json', 'ms', ['enrolled-keys', 'secure-boot']),
  descriptor('x86_64', '40-edk2-x86_64-secure-enrolled.json', 'ms', [
    'enrolled-keys',
    'requires-smm',
    'secure-boot',
  ]),
  descriptor('aarch64', '60-edk2-aarch64.json', '', ['verbose-static']),
  descriptor('x86_64', '60-edk2-x86_64.json', '', ['acpi-s3']),
];

export const someDisk: Disk = {
  bus: 'nvme',
  controller: 0,
  unit: 0,
  fileName: 'disk0.qcow2',
  mode: 'persistent',
};
export const someNic: Nic = newNic({
  index: 0,
  model: 'virtio-net',
  mac: '00:0c:29:00:00:01',
  macType: 'generated',
});

/** A small Linux machine; give what differs. */
export function someModel(changes: Partial<MachineModel> = {}): MachineModel {
  return {
    displayName: 'demo',
    annotation: '',
    guestOS: 'arm-debian12-64',
    arch: 'aarch64',
    hardwareVersion: 21,
    uuid: '564d1f2a-0000-4000-8000-000000000001',
    cpus: 2,
    coresPerSocket: 1,
    memoryMiB: 512,
    firmware: { kind: 'efi', secureBoot: false, nvram: 'demo.nvram' },
    bootOrder: ['hdd', 'cdrom'],
    controllers: [{ bus: 'nvme', index: 0, model: 'virtio-blk' }],
    disks: [someDisk],
    cdroms: [],
    floppies: [],
    nics: [someNic],
    serials: [],
    parallels: [],
    sharedFolders: [],
    display: { present: true, heads: 1, graphicsMemoryKiB: 262_144, accelerate3d: false },
    sound: { present: false, model: 'hdaudio' },
    usb: { present: true },
    input: 'usb',
    vnc: { enabled: false, port: 5900 },
    tpm: false,
    syncTime: true,
    isolation: { copyDisabled: false, pasteDisabled: false },
    suspendedState: '',
    kame: { accelerator: 'auto' },
    ...changes,
  };
}

export interface SomeInput {
  readonly model?: MachineModel;
  readonly version?: RecordedVersion;
  readonly accelerator?: AcceleratorKind;
  readonly disks?: ReadonlyMap<string, DiskSource>;
  /** Restored from a checkpoint, copy-on-write, instead of booted. */
  readonly clone?: boolean;
}

function hostFor(accelerator: AcceleratorKind, arch: Arch): HostFacts {
  const os = accelerator === 'hvf' ? 'darwin' : 'linux';
  const hostArch = accelerator === 'tcg' ? 'x86_64' : arch;
  return { os, arch: hostArch, cpus: 8, memoryBytes: 16 * 1024 ** 3 };
}

/** RAM is on a memory file system, or on macOS in the run directory. */
function ramFor(accelerator: AcceleratorKind, clone: boolean): RamFile {
  const directory =
    accelerator === 'hvf' ? '/home/ada/.kame/run/0a1b2c3d/' : '/dev/shm/kame-1000-4f5e6d7c/0a1b2c3d.';
  return clone
    ? { path: `${directory}clone-01020304.memory`, share: false }
    : { path: `${directory}ram`, share: true };
}

/** All that a plan needs, from recorded capabilities and invented paths. */
export function someInput({
  model = someModel(),
  version = '7.2',
  accelerator = 'tcg',
  disks,
  clone = false,
}: SomeInput = {}): PlanInput {
  const checked = model.disks.map((disk): [string, DiskSource] => {
    return [
      slotName(disk),
      { path: `/home/ada/.kame/machines/demo.vmwarevm/${disk.fileName}`, format: 'qcow2' },
    ];
  });
  return {
    model,
    capabilities: recordedCapabilities(version, model.arch, accelerator),
    firmware: someFirmware,
    host: hostFor(accelerator, model.arch),
    ram: ramFor(accelerator, clone),
    ...(clone ? { restore: true } : {}),
    accelerator: { kind: accelerator, reason: accelerator === 'tcg' ? 'emulated' : 'proved by a boot' },
    paths: {
      bundle: '/home/ada/.kame/machines/demo.vmwarevm',
      run: '/home/ada/.kame/run/0a1b2c3d',
      serialLog: '/home/ada/.kame/machines/demo.vmwarevm/demo-serial.log',
    },
    disks: disks ?? new Map(checked),
  };
}

/** A disk whose content is in two files of VMware, and of which the guest has written something. */
export const disksInPlace: PlanInput['disks'] = new Map([['nvme0:0', diskInPlace()]]);

function diskInPlace(): DiskSource {
  const layer = (name: string): DiskSource => ({
    path: `/home/ada/.kame/machines/demo.vmwarevm/${name}`,
    format: 'qcow2',
  });
  const part = (number: number) => ({
    at: (number - 1) * 524_288,
    bytes: 524_288,
    path: `/home/ada/Virtual Machines/web.vmwarevm/web-s00${number}.vmdk`,
    offset: 0,
    length: 2 ** 31,
  });
  const backing = { ...layer('disk0-original.map'), map: { parts: [part(1), part(2)] } };
  return { ...layer('disk0.qcow2'), backing };
}
