import type { DebianArch } from '../debian/archive.ts';

export type TinyArch = 'aarch64' | 'x86_64';

/** The differences between the architectures. */
export interface TinyTarget {
  readonly debian: DebianArch;
  /** The meta-package that depends on the newest kernel. */
  readonly kernelPackage: string;
  readonly triplet: string;
  readonly serial: string;
  readonly bootLoader: string;
  /** Where UEFI looks for a boot loader on an unknown disk. */
  readonly bootPath: string;
  /** Kernel parameters for this architecture only, each with a leading space. */
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

/** Increase this when the recipe changes in a way that the guest files do not show, so that images are rebuilt. */
export const recipeNumber = 2;

/** Packages with programs for the guest; their dependencies are resolved. */
export const programPackages = ['busybox-static', 'qemu-guest-agent', 'e2fsprogs'] as const;
export const bootLoaderPackage = 'systemd-boot-efi';

/** Programs taken from these packages, by file name; busybox provides all others. */
export const programs = ['qemu-ga', 'mke2fs', 'resize2fs'] as const;

/**
 * Kernel modules by name; those that a kernel does not have are ignored. `boot` has all that may be needed before the
 * guest agent responds; the others are loaded later, for the devices that exist.
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
    'snd_hda_intel',
    'snd_hda_codec_generic',
    // For programs that write sound to /dev/dsp: there is no ALSA library in the image.
    'snd_pcm_oss',
  ],
} as const;

/** The directories of the modules above and of their dependencies. Keeping only these saves 300 MB of memory. */
const moduleDirectories = new RegExp(
  `/kernel/(${[
    'arch/[^/]+/crypto',
    'block',
    'crypto',
    'lib(/[^/]+)*',
    'drivers/(acpi|ata|block|cdrom|char|char/hw_random|firmware|message/fusion|nvme/host|virtio)',
    'drivers/(gpu/drm|gpu/drm/(tiny|ttm|virtio)|scsi|scsi/sym53c8xx_2|usb/(common|core|host|storage))',
    'drivers/leds/trigger',
    'drivers/(hid|hid/usbhid|input|input/(keyboard|mouse)|net|net/ethernet/intel/e1000e?|net/vmxnet3)',
    'fs(/(9p|efivarfs|ext4|fat|fscache|fuse|isofs|jbd2|netfs|nls|overlayfs))?',
    'net/(9p|core|vmw_vsock)',
    'sound(/(core|core/oss|hda|pci/hda))?',
  ].join('|')})/[^/]+\\.ko$`,
);

/** Whether to keep a module file of the kernel package while reading the package. */
export function mayBeNeeded(path: string): boolean {
  return moduleDirectories.test(path);
}

/**
 * Kernel parameters for every boot. Two of them reduced the time from the start of QEMU to the first console line from
 * 3.0 s to 1.8 s, for an ARM64 guest under TCG: pointer authentication costs an emulator many instructions at every
 * call, and the kernel would test its ciphers at every boot. Other parameters (`nokaslr`, `mitigations=off`, `lsm=`, a
 * list in `initcall_blacklist`) made no measurable difference and keep their defaults.
 */
export function commandLine(target: TinyTarget): string {
  return `console=tty0 console=${target.serial} quiet cryptomgr.notests${target.parameters}`;
}

/** In sectors of 512 bytes. The data partition is last, so that it can grow with the disk. */
export const layout = {
  /** Disk signature in the MBR; the guest formats only a disk that has it. */
  signature: 0x454d414b,
  esp: { start: 2048, sectors: 256 * 1024 },
  data: { start: 2048 + 256 * 1024, sectors: 768 * 1024 - 2048 - 2048 },
} as const;
