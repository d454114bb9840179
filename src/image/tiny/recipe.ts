import type { DebianArch } from '../debian/archive.ts';

export type TinyArch = 'aarch64' | 'x86_64';

/** What differs between the architectures. */
export interface TinyTarget {
  readonly debian: DebianArch;
  /** The package that depends on the newest kernel. */
  readonly kernelPackage: string;
  readonly triplet: string;
  readonly serial: string;
  readonly bootLoader: string;
  /** Where UEFI looks for a loader on a disk that it does not know. */
  readonly bootPath: string;
  /** Kernel parameters of this architecture alone, each with a space before it. */
  readonly parameters: string;
}

export const targets: Readonly<Record<TinyArch, TinyTarget>> = {
  aarch64: {
    debian: 'arm64',
    kernelPackage: 'linux-image-arm64',
    triplet: 'aarch64-linux-gnu',
    serial: 'ttyAMA0',
    bootLoader: 'systemd-bootaa64.efi',
    bootPath: 'EFI/BOOT/BOOTAA64.EFI',
    parameters: ' arm64.nopauth',
  },
  x86_64: {
    debian: 'amd64',
    kernelPackage: 'linux-image-amd64',
    triplet: 'x86_64-linux-gnu',
    serial: 'ttyS0',
    bootLoader: 'systemd-bootx64.efi',
    bootPath: 'EFI/BOOT/BOOTX64.EFI',
    parameters: '',
  },
};

/** Raised when the recipe changes in a way that its guest files don't show: an image of another number is made anew. */
export const recipeNumber = 1;

/** Packages with programs for the guest; what they need is found by dependency resolution. */
export const programPackages = ['busybox-static', 'qemu-guest-agent', 'e2fsprogs'] as const;
export const bootLoaderPackage = 'systemd-boot-efi';

/** Programs taken out of those packages, by file name; busybox serves as all others. */
export const programs = ['qemu-ga', 'mke2fs', 'resize2fs'] as const;

/**
 * Kernel modules by name; those a kernel does not have are left out. `boot` are all that may be needed before the guest
 * agent answers; the others are loaded afterwards, for the devices that are there.
 */
export const kernelModules = {
  boot: [
    'virtio_pci',
    'virtio_console',
    'virtio_blk',
    'virtio_scsi',
    'sd_mod',
    'nvme',
    'ahci',
    'vmw_pvscsi',
    'mptspi',
    'mptsas',
    'sym53c8xx',
    'ata_piix',
    'crc32c_generic',
    'crc32c_intel',
    'ext4',
    'overlay',
  ],
  later: [
    'virtio_net',
    'virtio_gpu',
    'virtio_input',
    'virtio_balloon',
    'virtio_rng',
    'virtio_mmio',
    'e1000',
    'e1000e',
    'vmxnet3',
    '9p',
    '9pnet_virtio',
    'virtiofs',
    'fuse',
    'vfat',
    'nls_cp437',
    'nls_ascii',
    'nls_utf8',
    'nls_iso8859_1',
    'isofs',
    'sr_mod',
    'evdev',
    'button',
    'gpio_keys',
    'psmouse',
    'hid',
    'hid_generic',
    'usbhid',
    'usb_storage',
    'uas',
    'xhci_pci',
    'ehci_pci',
    'uhci_hcd',
    'bochs',
    'vmgenid',
    'vmw_vsock_virtio_transport',
    'qemu_fw_cfg',
    'efivarfs',
    'loop',
  ],
} as const;

/** The directories of the modules above and of what they depend on. Keeping only these saves 300 MB of memory. */
const moduleDirectories = new RegExp(
  `/kernel/(${[
    'arch/[^/]+/crypto',
    'block',
    'crypto',
    'lib(/[^/]+)*',
    'drivers/(acpi|ata|block|cdrom|char|char/hw_random|firmware|message/fusion|nvme/host|virtio)',
    'drivers/(gpu/drm|gpu/drm/(tiny|ttm|virtio)|scsi|scsi/sym53c8xx_2|usb/(common|core|host|storage))',
    'drivers/(hid|hid/usbhid|input|input/(keyboard|mouse)|net|net/ethernet/intel/e1000e?|net/vmxnet3)',
    'fs(/(9p|efivarfs|ext4|fat|fscache|fuse|isofs|jbd2|netfs|nls|overlayfs))?',
    'net/(9p|core|vmw_vsock)',
  ].join('|')})/[^/]+\\.ko$`,
);

/** Whether a module file of the kernel package is worth keeping while the package is read. */
export function mayBeNeeded(path: string): boolean {
  return moduleDirectories.test(path);
}

/**
 * Kernel parameters of every boot. Measured with an ARM64 guest under TCG, start of QEMU to first console line: the two
 * extra ones took it from 3.0 s to 1.8 s. Pointer authentication is many instructions for an emulator at every call; the
 * self-tests of the kernel's ciphers would be run at each boot. What else was tried (`nokaslr`, `mitigations=off`,
 * `lsm=`, a list of `initcall_blacklist`) made no difference beyond noise, and stays at the kernel's defaults.
 */
export function commandLine(target: TinyTarget): string {
  return `console=tty0 console=${target.serial} quiet cryptomgr.notests${target.parameters}`;
}

/** Sectors of 512 bytes. The data partition is last, so that it can grow with the disk. */
export const layout = {
  /** In the MBR; the guest formats only a disk that has it. */
  signature: 0x454d414b,
  esp: { start: 2048, sectors: 256 * 1024 },
  data: { start: 2048 + 256 * 1024, sectors: 768 * 1024 - 2048 - 2048 },
} as const;
