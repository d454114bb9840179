/** What the disk is made of, and the texts in which it names its own parts. */

const mebibyte = 1024 * 1024;

export const diskBytes = 4096 * mebibyte;

/** The EFI system partition: in bytes from the start of the disk. FAT32 needs 33 MiB at least. */
export const esp = { start: mebibyte, size: 63 * mebibyte };

/** The root file system: all the rest, but for the second partition table and what aligns to it. */
export const rootPartition = { start: 64 * mebibyte, size: diskBytes - 65 * mebibyte };

/** Chosen once, so that every build makes the same names. */
export const rootUuid = '5c0de6a1-2f6b-4b0c-9d52-6b1d3c2a8e47';
const espId = '4B41-4D45';
/** The same as `mkfs.vfat -i` takes it. */
export const espSerial = espId.replace('-', '');

export const commandLine = `root=UUID=${rootUuid} ro console=tty0 console=ttyAMA0 quiet`;

export const fstab = `UUID=${rootUuid} / ext4 errors=remount-ro 0 1
UUID=${espId} /boot/efi vfat umask=0077 0 0
`;

/** On the EFI system partition: GRUB's own file of this name is beside the kernel. */
export const espConfig = `search.fs_uuid ${rootUuid} root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
`;

/** Until `update-grub` runs in the guest, which writes the same at more length. */
export const grubConfig = `set timeout=0
menuentry Debian {
  search.fs_uuid ${rootUuid} root
  linux /vmlinuz ${commandLine}
  initrd /initrd.img
}
`;
