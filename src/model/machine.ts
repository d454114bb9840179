/**
 * What a machine is: the typed view of its `.vmx`. read.ts reads it, write.ts writes it back, and src/qemu/plan turns
 * it into the command line of QEMU; nothing here depends on QEMU. VMware's keys keep VMware's values, so that VMware's
 * tools can still read the file. If the guest gets a different device than the VMware key names (virtio instead of
 * nvme, for example), an additional key names it: `kame.<device>.device`.
 */

import type { LinkShape } from './link-shape.ts';

export type Arch = 'aarch64' | 'x86_64';

export type StorageBus = 'nvme' | 'sata' | 'scsi' | 'ide';

/** The disk controller that the guest sees. Only a `kame.` key can select `virtio-*`. */
export type ControllerModel =
  'nvme' | 'ahci' | 'ide' | 'lsilogic' | 'lsisas1068' | 'buslogic' | 'pvscsi' | 'virtio-blk' | 'virtio-scsi';

export interface Controller {
  readonly bus: StorageBus;
  /** N of `scsiN`, `sataN`, `nvmeN`; for ide, the channel. */
  readonly index: number;
  readonly model: ControllerModel;
}

export type DiskMode = 'persistent' | 'independent-persistent' | 'independent-nonpersistent' | 'undoable';

export interface StorageSlot {
  readonly bus: StorageBus;
  readonly controller: number;
  readonly unit: number;
}

export interface Disk extends StorageSlot {
  /** As in the `.vmx`: relative to the bundle, or absolute. */
  readonly fileName: string;
  readonly mode: DiskMode;
}

export interface Cdrom extends StorageSlot {
  /** Path of an ISO image, or null for an empty drive. */
  readonly fileName: string | null;
  readonly startConnected: boolean;
}

/** `pvn` is a LAN segment: isolated, even from the host. `unknown` stands for a word that Kame does not know. */
export type NicConnection = 'nat' | 'bridged' | 'hostonly' | 'custom' | 'pvn' | 'unknown';
export type NicModel = 'virtio-net' | 'vmxnet3' | 'e1000' | 'e1000e' | 'vlance';

export interface Nic {
  /** N of `ethernetN`. */
  readonly index: number;
  readonly connection: NicConnection;
  /** `vnet` of a custom connection, such as VMnet5. */
  readonly vnet?: string;
  /** `pvnID` of a LAN segment. */
  readonly segment?: string;
  /** The `connectionType` in the file, if it is unknown. */
  readonly connectionText?: string;
  readonly model: NicModel;
  /** Lower case, with colons. */
  readonly mac: string;
  readonly macType: 'generated' | 'static' | 'vpx';
  readonly startConnected: boolean;
  /** Limits, losses and latencies of its traffic. */
  readonly shape: LinkShape;
  /** VMware's `linkStatePropagation.enable`, which Kame keeps and does not use. */
  readonly linkStatePropagation: boolean;
  /** The PCIe port that it was plugged into while the machine ran; absent for one at a fixed address. */
  readonly port?: number;
}

export interface SerialPort {
  readonly index: number;
  readonly kind: 'file' | 'device' | 'pipe' | 'network';
  readonly fileName: string;
}

/** A floppy drive. */
export interface Floppy {
  readonly index: number;
  /** Path of an image, or null for an empty drive, or one of the host. */
  readonly fileName: string | null;
  readonly startConnected: boolean;
}

/** A parallel port, which Kame keeps and shows but does not connect. */
export interface ParallelPort {
  readonly index: number;
  readonly kind: 'file' | 'device';
  readonly fileName: string;
}

export interface SharedFolder {
  readonly index: number;
  readonly guestName: string;
  readonly hostPath: string;
  readonly enabled: boolean;
  readonly writable: boolean;
}

/** What the guest and the host may not exchange: `isolation.tools.*.disable`. */
export interface Isolation {
  /** Out of the guest. */
  readonly copyDisabled: boolean;
  /** Into the guest. */
  readonly pasteDisabled: boolean;
}

export interface Firmware {
  readonly kind: 'efi' | 'bios';
  readonly secureBoot: boolean;
  /** The EFI variables of the guest, relative to the bundle. */
  readonly nvram: string;
  /** VMware's own file, named by `nvram`, if `kame.nvram` names that of the guest. Only VMware can use it. */
  readonly vmwareNvram?: string;
}

/** Kernel and initrd that the engine loads itself, without firmware. The paths are relative to the bundle. */
export interface DirectBoot {
  readonly kernel: string;
  readonly initrd?: string;
  readonly commandLine: string;
}

export type AcceleratorChoice = 'auto' | 'kvm' | 'hvf' | 'tcg';
export type BootDevice = 'hdd' | 'cdrom' | 'ethernet' | 'floppy';
export type InputModel = 'usb' | 'virtio' | 'ps2';

export interface MachineModel {
  readonly displayName: string;
  readonly annotation: string;
  /** VMware guest OS id, such as arm-debian12-64. Determines the architecture and defaults. */
  readonly guestOS: string;
  readonly arch: Arch;
  /** virtualHW.version */
  readonly hardwareVersion: number;
  /** Canonical lower-case UUID, from uuid.bios. */
  readonly uuid: string;
  readonly cpus: number;
  readonly coresPerSocket: number;
  readonly memoryMiB: number;
  readonly firmware: Firmware;
  readonly bootOrder: readonly BootDevice[];
  readonly controllers: readonly Controller[];
  readonly disks: readonly Disk[];
  readonly cdroms: readonly Cdrom[];
  readonly floppies: readonly Floppy[];
  readonly nics: readonly Nic[];
  readonly serials: readonly SerialPort[];
  readonly parallels: readonly ParallelPort[];
  readonly sharedFolders: readonly SharedFolder[];
  readonly display: {
    readonly present: boolean;
    readonly heads: number;
    readonly graphicsMemoryKiB: number;
    readonly accelerate3d: boolean;
  };
  readonly sound: { readonly present: boolean; readonly model: 'hdaudio' | 'es1371' | 'sb16' };
  readonly usb: { readonly present: boolean };
  readonly input: InputModel;
  /** RemoteDisplay.vnc.*; read and written, but Kame does not serve VNC yet. */
  readonly vnc: { readonly enabled: boolean; readonly port: number };
  readonly tpm: boolean;
  /** tools.syncTime: whether the guest's clock is set to the host's. Unlike in VMware, this is also about a resume. */
  readonly syncTime: boolean;
  readonly isolation: Isolation;
  /** checkpoint.vmState: the name of a suspended state, or empty. */
  readonly suspendedState: string;
  /** Kame's own keys, `kame.*`. */
  readonly kame: {
    /** Pinned, such as virt-7.2, so that an engine upgrade does not change the hardware of the guest. */
    readonly machineType?: string;
    /**
     * Generation of the virtual hardware, pinned at a cold start; absent for the first, which only restored states
     * still have. See src/model/hardware.ts.
     */
    readonly hardware?: number;
    readonly accelerator: AcceleratorChoice;
    readonly directBoot?: DirectBoot;
    /** Path of a cloud-init seed ISO, relative to the bundle; attached as a read-only drive. */
    readonly seed?: string;
    /** Id of the image from which the first disk was made, for people. */
    readonly image?: string;
    /** The folder of the library that it is in, as in `work/web`; absent for none. */
    readonly folder?: string;
  };
}
