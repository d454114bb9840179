import type { VmxDocument } from '../vmx/document.ts';
import { bootDevices, defaultBootOrder, defaultVncPort } from './devices.ts';
import { folderForm, folderNamed } from './folder.ts';
import { findGuestOs, unnamedDevices, type GuestOs } from './guest-os.ts';
import type { Arch, BootDevice, DirectBoot, Firmware, InputModel, MachineModel } from './machine.ts';
import type { ModelProblem } from './problem.ts';
import { readFloppies, readParallels, readSerials, readSharedFolders } from './read-devices.ts';
import { readNics } from './read-nics.ts';
import { readStorage } from './read-storage.ts';
import { ModelReading } from './reading.ts';
import { nilUuid, uuidFromVmx } from './uuid.ts';

export type { ModelProblem as SpecProblem } from './problem.ts';

const machineTypeForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** VMware's default. */
const defaultMemoryMiB = 32;

/** Keys of an encrypted machine: the wrapped keys, and what they encrypt. */
const encryptionKeys = ['encryption.data', 'encryption.keySafe', 'encryption.encryptedKey'] as const;

function checkEncryption(reading: ModelReading): { isWhole: boolean } {
  const key = encryptionKeys.find((each) => reading.text(each) !== undefined);
  if (key === undefined) return { isWhole: false };
  if (reading.text('config.version') === undefined) {
    reading.fatal(key, 'The virtual machine is encrypted. Decrypt it in VMware first.');
    return { isWhole: true };
  }
  reading.warn(
    key,
    `A part of the machine is encrypted (${key}), which Kame cannot read: settings, the TPM and perhaps the disks. Decrypt the machine in VMware to have all of it.`,
  );
  return { isWhole: false };
}

function checkVersions(reading: ModelReading): void {
  if (checkEncryption(reading).isWhole) return;
  for (const key of ['config.version', 'virtualHW.version']) {
    if (reading.text(key) !== undefined) continue;
    reading.fatal(key, `Cannot read the virtual machine configuration file: it has no ${key}.`);
  }
}

function readGuestOs(reading: ModelReading): { guestOS: string; os: GuestOs } {
  const guestOS = reading.text('guestOS') ?? 'other';
  const { os, known } = findGuestOs(guestOS);
  if (reading.text('guestOS') === undefined) {
    reading.warn('guestOS', 'The file has no guestOS. Using "other", an Intel system.');
  } else if (!known) {
    const what = `${os.arch}, ${os.family}`;
    reading.warn(
      'guestOS',
      `The guest system "${reading.shown('guestOS')}" is not in the catalogue. Treating it as ${what}.`,
    );
  }
  return { guestOS, os };
}

function readUuid(reading: ModelReading): string {
  const text = reading.text('uuid.bios');
  if (text === undefined) {
    reading.warn('uuid.bios', 'The machine has no uuid.bios yet.');
    return nilUuid;
  }
  const uuid = uuidFromVmx(text);
  if (uuid === undefined) reading.odd('uuid.bios', '16 hex pairs such as 56 4d … -xx …', 'Ignoring it');
  return uuid ?? nilUuid;
}

function readNvram(reading: ModelReading, usual: string): Pick<Firmware, 'nvram' | 'vmwareNvram'> {
  const vmware = reading.text('nvram') ?? usual;
  const own = reading.text('kame.nvram');
  return own === undefined ? { nvram: vmware } : { nvram: own, vmwareNvram: vmware };
}

function readFirmware(reading: ModelReading, arch: Arch, nvramDefault: string): Firmware {
  let kind = reading.choice('firmware', ['efi', 'bios'] as const, arch === 'aarch64' ? 'efi' : 'bios');
  if (arch === 'aarch64' && kind === 'bios') {
    reading.odd('firmware', 'efi for an ARM guest', 'Using efi');
    kind = 'efi';
  }
  return {
    kind,
    secureBoot: kind === 'efi' && reading.flag('uefi.secureBoot.enabled', false),
    ...readNvram(reading, nvramDefault),
  };
}

function readBootOrder(reading: ModelReading): readonly BootDevice[] {
  const text = reading.text('bios.bootOrder');
  if (text === undefined) return defaultBootOrder;
  const order = new Set<BootDevice>();
  for (const word of text.split(',').slice(0, 32)) {
    const name = word
      .trim()
      .toLowerCase()
      .replace(/^ethernet\d+$/, 'ethernet');
    const device = bootDevices.find((candidate) => candidate === name);
    if (device) order.add(device);
    else
      reading.odd(
        'bios.bootOrder',
        'a list of hdd, cdrom, ethernet0 and floppy',
        `Ignoring "${word.trim().slice(0, 40)}"`,
      );
  }
  return order.size > 0 ? [...order] : defaultBootOrder;
}

function readDirectBoot(reading: ModelReading): DirectBoot | undefined {
  const kernel = reading.text('kame.boot.kernel');
  if (kernel === undefined) return undefined;
  const initrd = reading.text('kame.boot.initrd');
  const commandLine = reading.text('kame.boot.commandLine') ?? '';
  return { kernel, ...(initrd === undefined ? {} : { initrd }), commandLine };
}

function readFolder(reading: ModelReading): string {
  const folder = folderNamed(reading.text('kame.folder') ?? '');
  if (folder === undefined) reading.odd('kame.folder', folderForm, 'It is in no folder');
  return folder ?? '';
}

function readKame(reading: ModelReading): MachineModel['kame'] {
  const directBoot = readDirectBoot(reading);
  const machineType = reading.text('kame.machineType');
  const seed = reading.text('kame.seed');
  const image = reading.text('kame.image');
  const folder = readFolder(reading);
  const typeFits = machineType !== undefined && machineTypeForm.test(machineType);
  if (machineType !== undefined && !typeFits) {
    reading.odd('kame.machineType', 'a machine type of QEMU such as virt-7.2', 'Using the newest');
  }
  const hardware = reading.integer('kame.hardware', 1, { min: 1, max: 99 });
  return {
    ...(typeFits ? { machineType } : {}),
    ...(hardware === 1 ? {} : { hardware }),
    accelerator: reading.choice('kame.accelerator', ['auto', 'kvm', 'hvf', 'tcg'] as const, 'auto'),
    ...(directBoot === undefined ? {} : { directBoot }),
    ...(seed === undefined ? {} : { seed }),
    ...(image === undefined ? {} : { image }),
    ...(folder === '' ? {} : { folder }),
  };
}

function readUsb(reading: ModelReading): boolean {
  return ['usb.present', 'ehci.present', 'usb_xhci.present']
    .map((key) => reading.flag(key, false))
    .includes(true);
}

/** Keyboard and pointer of a VMware machine, unless a key of Kame overrides them. */
function inputDefault(arch: Arch, usb: boolean): InputModel {
  if (usb) return 'usb';
  return arch === 'aarch64' ? 'virtio' : 'ps2';
}

function readPeripherals(
  reading: ModelReading,
  arch: Arch,
): Pick<MachineModel, 'display' | 'sound' | 'usb' | 'input' | 'vnc' | 'tpm' | 'isolation'> {
  const usb = readUsb(reading);
  return {
    display: {
      present: reading.flag('svga.present', true),
      heads: reading.integer('svga.numDisplays', 1, { min: 1, max: 16 }),
      graphicsMemoryKiB: reading.integer('svga.graphicsMemoryKB', 262_144, {
        min: 1024,
        max: 16 * 1024 * 1024,
      }),
      accelerate3d: reading.flag('mks.enable3d', false),
    },
    sound: {
      present: reading.flag('sound.present', false),
      model: reading.choice(
        'sound.virtualDev',
        ['hdaudio', 'es1371', 'sb16'] as const,
        arch === 'aarch64' ? 'hdaudio' : 'es1371',
      ),
    },
    usb: { present: usb },
    input: reading.choice('kame.input', ['usb', 'virtio', 'ps2'] as const, inputDefault(arch, usb)),
    vnc: {
      enabled: reading.flag('RemoteDisplay.vnc.enabled', false),
      port: reading.integer('RemoteDisplay.vnc.port', defaultVncPort, { min: 1, max: 65_535 }),
    },
    tpm: reading.flag('vtpm.present', false),
    isolation: {
      copyDisabled: reading.flag('isolation.tools.copy.disable', false),
      pasteDisabled: reading.flag('isolation.tools.paste.disable', false),
    },
  };
}

/**
 * Reads a machine from its `.vmx`, by VMware's rules and defaults. Never throws: an invalid value becomes a problem,
 * and the default is used; a problem of severity `error` (no config.version, an encrypted file) means that the machine
 * cannot be used. validateModel checks whether the numbers are within the limits. A machine without `uuid.bios` has
 * `nilUuid` until it gets one.
 * @param baseName file name of the `.vmx` without its extension, VMware's default for the nvram file
 */
export function readModel(
  doc: VmxDocument,
  baseName?: string,
): { model: MachineModel; problems: ModelProblem[] } {
  const reading = new ModelReading(doc);
  checkVersions(reading);
  const { guestOS, os } = readGuestOs(reading);
  const { arch } = os;
  const devices = unnamedDevices(guestOS);
  const displayName = reading.text('displayName') ?? '';
  const uuid = readUuid(reading);
  const nvram = `${baseName ?? (displayName.replace(/[/\\\p{Cc}]/gu, '_') || 'machine')}.nvram`;
  const model: MachineModel = {
    displayName,
    annotation: reading.text('annotation') ?? '',
    guestOS,
    arch,
    hardwareVersion: reading.integer('virtualHW.version', 0, { min: 1, max: 999 }),
    uuid,
    cpus: reading.integer('numvcpus', 1),
    coresPerSocket: reading.integer('cpuid.coresPerSocket', 1),
    memoryMiB: reading.integer('memsize', defaultMemoryMiB),
    firmware: readFirmware(reading, arch, nvram),
    bootOrder: readBootOrder(reading),
    ...readStorage(reading, devices.scsi),
    floppies: readFloppies(reading, arch),
    nics: readNics(reading, uuid, devices.nic),
    serials: readSerials(reading),
    parallels: readParallels(reading),
    sharedFolders: readSharedFolders(reading),
    ...readPeripherals(reading, arch),
    syncTime: reading.flag('tools.syncTime', true),
    suspendedState: reading.text('checkpoint.vmState') ?? '',
    kame: readKame(reading),
  };
  return { model, problems: reading.problems };
}
