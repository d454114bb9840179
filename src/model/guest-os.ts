import { KameError } from '../core/errors.ts';
import { suggest } from '../core/suggest.ts';
import { guestOsAliases, guestOsRows, type GuestOsProfileName } from './guest-os-list.ts';
import { shown } from './problem.ts';
import type { Arch, ControllerModel, InputModel, MachineModel, NicModel, StorageBus } from './machine.ts';

export type GuestOsFamily = 'linux' | 'windows' | 'freebsd' | 'darwin' | 'esxi' | 'other';

/** The hardware of a new machine. Sizes and counts are enough to install and run the guest well, not bare minimums. */
export interface GuestOsProfile {
  readonly family: GuestOsFamily;
  readonly firmware: 'efi' | 'bios';
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
  /** The controller of the first disk. */
  readonly disk: { readonly bus: StorageBus; readonly model: ControllerModel };
  /** The controller of a CD drive. */
  readonly cdrom: { readonly bus: StorageBus; readonly model: ControllerModel };
  readonly nic: NicModel;
  readonly input: InputModel;
  readonly sound: MachineModel['sound'];
  readonly display: MachineModel['display'];
  readonly tpm: boolean;
  readonly secureBoot: boolean;
}

/** One entry of the guest OS catalogue. */
export interface GuestOs extends GuestOsProfile {
  /** VMware's id, the value of `guestOS`. */
  readonly id: string;
  readonly name: string;
  readonly arch: Arch;
}

const display = { present: true, heads: 1, graphicsMemoryKiB: 262_144, accelerate3d: false } as const;
const hdaudio = { present: true, model: 'hdaudio' } as const;

const linux: GuestOsProfile = {
  family: 'linux',
  firmware: 'efi',
  cpus: 2,
  memoryMiB: 2048,
  diskGiB: 20,
  disk: { bus: 'nvme', model: 'virtio-blk' },
  // UEFI for aarch64 has no AHCI driver, but it has one for virtio-scsi, as does every Linux.
  cdrom: { bus: 'sata', model: 'virtio-scsi' },
  nic: 'virtio-net',
  input: 'usb',
  sound: hdaudio,
  display,
  tpm: false,
  secureBoot: false,
};

const windows: GuestOsProfile = {
  ...linux,
  family: 'windows',
  memoryMiB: 4096,
  diskGiB: 64,
  // Windows comes with drivers for these, but not for virtio.
  disk: { bus: 'nvme', model: 'nvme' },
  cdrom: { bus: 'sata', model: 'ahci' },
  nic: 'e1000e',
};

const windows7: GuestOsProfile = {
  ...windows,
  firmware: 'bios',
  memoryMiB: 2048,
  diskGiB: 60,
  disk: { bus: 'sata', model: 'ahci' },
  nic: 'e1000',
};

const bios: GuestOsProfile = {
  ...linux,
  family: 'other',
  firmware: 'bios',
  cpus: 1,
  memoryMiB: 256,
  diskGiB: 8,
  disk: { bus: 'ide', model: 'ide' },
  cdrom: { bus: 'ide', model: 'ide' },
  nic: 'e1000',
  input: 'ps2',
  sound: { present: false, model: 'es1371' },
};

const profiles: Record<GuestOsProfileName, GuestOsProfile> = {
  linux,
  linuxServer: { ...linux, sound: { present: false, model: 'hdaudio' } },
  linuxLarge: { ...linux, memoryMiB: 4096, diskGiB: 25 },
  linuxOld: { ...bios, family: 'linux', memoryMiB: 512, sound: { present: false, model: 'hdaudio' } },
  windows,
  windows11: { ...windows, tpm: true, secureBoot: true },
  // Fusion gives Windows on ARM this adapter, the only one for which VMware has a driver there.
  windowsArm: {
    ...windows,
    nic: 'vmxnet3',
    cdrom: { bus: 'sata', model: 'virtio-scsi' },
    tpm: true,
    secureBoot: true,
  },
  windowsServer: { ...windows, sound: { present: false, model: 'hdaudio' } },
  windows7,
  solaris: { ...windows7, family: 'other' },
  windowsOld: {
    ...bios,
    family: 'windows',
    memoryMiB: 512,
    diskGiB: 40,
    sound: { present: true, model: 'es1371' },
  },
  freebsdOld: { ...bios, family: 'freebsd' },
  freebsd: { ...linux, family: 'freebsd', sound: { present: false, model: 'hdaudio' } },
  darwin: { ...windows, family: 'darwin', disk: { bus: 'sata', model: 'ahci' } },
  esxi: {
    ...windows,
    family: 'esxi',
    diskGiB: 142,
    disk: { bus: 'scsi', model: 'pvscsi' },
    nic: 'vmxnet3',
    sound: { present: false, model: 'hdaudio' },
  },
  other: {
    ...linux,
    family: 'other',
    memoryMiB: 1024,
    diskGiB: 8,
    sound: { present: false, model: 'hdaudio' },
  },
  bios,
};

function entry(id: string, name: string, profile: GuestOsProfileName): GuestOs {
  const arch: Arch = archOfGuestOs(id);
  const base = profiles[profile];
  // A PC has AHCI, which every guest and firmware supports.
  const cdrom =
    arch === 'x86_64' && base.cdrom.bus === 'sata' ? ({ bus: 'sata', model: 'ahci' } as const) : base.cdrom;
  // Windows before Vista, DOS and the like come with a driver for this adapter, but not for the Intel ones.
  const isOld = (profile === 'windowsOld' || profile === 'bios') && !isModern(id);
  return { ...base, ...(isOld ? { nic: 'vlance' as const } : {}), cdrom, id, name, arch };
}

/** The guest systems that Kame knows, by VMware's ids: those of its products (open-vm-tools lists them), and some found in the wild. */
export const guestOsCatalogue: readonly GuestOs[] = guestOsRows.map(([id, name, profile]) =>
  entry(id, name, profile),
);

const byId = new Map(guestOsCatalogue.map((os) => [os.id.toLowerCase(), os]));

/** VMware's rule: ids of ARM guests start with `arm-`; all others are for Intel. */
export function archOfGuestOs(id: string): Arch {
  return /^arm-/i.test(id) ? 'aarch64' : 'x86_64';
}

/** VMware's rule: ids of 64-bit guests end in `-64`. ESXi and Hyper-V have no others; Macs never had the old devices. */
function isModern(id: string): boolean {
  return /-64$|^vmkernel|^winhyperv$|^darwin/i.test(id);
}

/**
 * The devices of a machine whose `.vmx` names none (`ethernetN.virtualDev`, `scsiN.virtualDev`): those that VMware
 * assumes. A 32-bit guest has drivers for an AMD PCnet and a BusLogic, but perhaps not for anything newer.
 */
export function unnamedDevices(id: string): { readonly nic: NicModel; readonly scsi: ControllerModel } {
  if (archOfGuestOs(id) === 'aarch64') return { nic: 'e1000e', scsi: 'lsilogic' };
  return isModern(id) ? { nic: 'e1000', scsi: 'lsilogic' } : { nic: 'vlance', scsi: 'buslogic' };
}

function fallbackProfile(id: string): GuestOsProfileName {
  const arm = archOfGuestOs(id) === 'aarch64';
  if (/^(?:arm-)?win/i.test(id)) return arm ? 'windowsArm' : 'windows';
  if (/freebsd/i.test(id)) return 'freebsd';
  if (/darwin/i.test(id)) return 'darwin';
  if (/vmkernel/i.test(id)) return 'esxi';
  if (arm) return 'other';
  if (!id.endsWith('-64')) return 'bios';
  return /linux|ubuntu|debian|fedora|suse|sles|rhel|centos|alpine|arch/i.test(id) ? 'linux' : 'other';
}

/**
 * The entry for an id in the catalogue, ignoring case. For an unknown id, `known` is false and the entry is guessed
 * from the id: `arm-` determines the architecture, the rest the family.
 */
export function findGuestOs(id: string): { readonly os: GuestOs; readonly known: boolean } {
  const folded = id.toLowerCase();
  const alias = guestOsAliases.find(([form]) => form.test(folded))?.[1];
  const found = byId.get(alias ?? folded);
  return found ? { os: found, known: true } : { os: entry(id, id, fallbackProfile(id)), known: false };
}

/**
 * Checks an id that a person typed: a typing error would choose the hardware of another system.
 * @throws KameError INVALID_VALUE with a suggestion
 */
export function checkGuestOs(id: string): void {
  if (findGuestOs(id).known) return;
  const meant = suggest(id, byId.keys());
  const hint = meant === undefined ? '' : ` Did you mean ${byId.get(meant)?.id}?`;
  throw new KameError(
    'INVALID_VALUE',
    `guest-os is "${shown(id)}", which is not a known guest OS id.${hint}`,
    {
      next: 'To use an id that Kame does not know yet, set the key guestOS instead.',
      details: { key: 'guest-os' },
    },
  );
}

/** Whether a guest system is so old that its new machines have IDE drives: it may have no driver for AHCI. */
export function isIdeGuest(id: string): boolean {
  return findGuestOs(id).os.disk.bus === 'ide';
}

/** The family of a guest system; guessed for an unknown id. */
export function familyOfGuestOs(id: string): GuestOsFamily {
  return findGuestOs(id).os.family;
}
