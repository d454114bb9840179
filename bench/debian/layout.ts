/** The layout of the disk, and the texts on it that refer to its partitions. */

const mebibyte = 1024 * 1024;

export const diskBytes = 4096 * mebibyte;

/** The EFI system partition, in bytes from the start of the disk. FAT32 needs at least 33 MiB. */
export const esp = { start: mebibyte, size: 63 * mebibyte };

/** The root file system: all the rest, except the second partition table and its alignment. */
export const rootPartition = { start: 64 * mebibyte, size: diskBytes - 65 * mebibyte };

/** Fixed, so that every build uses the same ids. */
export const rootUuid = '5c0de6a1-2f6b-4b0c-9d52-6b1d3c2a8e47';
const espId = '4B41-4D45';
/** The same id for `mkfs.vfat -i`. */
export const espSerial = espId.replace('-', '');

export const commandLine = `root=UUID=${rootUuid} ro console=tty0 console=ttyAMA0 quiet`;

export const fstab = `UUID=${rootUuid} / ext4 errors=remount-ro 0 1
UUID=${espId} /boot/efi vfat umask=0077 0 0
`;

/** On the EFI system partition. The main grub.cfg is in /boot/grub. */
export const espConfig = `search.fs_uuid ${rootUuid} root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
`;

/** Used until `update-grub` runs in the guest, which writes a longer equivalent. */
export const grubConfig = `set timeout=0
menuentry Debian {
  search.fs_uuid ${rootUuid} root
  linux /vmlinuz ${commandLine}
  initrd /initrd.img
}
`;
