import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { diskBytes, esp, espSerial, rootPartition, rootUuid } from './layout.ts';
import { must } from './tools.ts';

const grub = 'usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed';

const kibibytes = (bytes: number) => String(bytes / 1024);
/** From its start, with its length, in sectors of 512 bytes. */
const sectors = ({ start, size }: { start: number; size: number }) =>
  `${start / 512}:${(start + size) / 512 - 1}`;

async function makeEsp(raw: string, root: string, scratch: string, signal: AbortSignal): Promise<void> {
  const offset = `--offset=${esp.start / 512}`;
  // One sector a cluster: with fewer clusters than 65525 it would be taken for FAT16.
  const how = ['-F', '32', '-s', '1', '-n', 'ESP', '-i', espSerial, offset];
  await must(signal, 'mkfs.vfat', ...how, raw, kibibytes(esp.size));
  const at = ['-i', `${raw}@@${esp.start}`];
  await must(signal, 'mmd', ...at, '::/EFI', '::/EFI/BOOT', '::/EFI/debian');
  // The name that firmware starts without any variable of its own, such as that of a machine that was just made.
  await must(signal, 'mcopy', ...at, join(root, grub), '::/EFI/BOOT/BOOTAA64.EFI');
  await must(signal, 'mcopy', ...at, join(root, grub), '::/EFI/debian/grubaa64.efi');
  // Debian's signed GRUB looks for its configuration there, wherever it was started from.
  await must(signal, 'mcopy', ...at, join(scratch, 'grub.cfg'), '::/EFI/debian/grub.cfg');
}

async function makeRootFileSystem(raw: string, root: string, signal: AbortSignal): Promise<void> {
  const { start, size } = rootPartition;
  // GRUB 2.06 can't read file systems with the first; the second is newer than the guest's own tools.
  const features = ['-O', '^metadata_csum_seed,^orphan_file'];
  const how = ['-F', '-q', '-L', 'root', '-U', rootUuid, ...features, '-E', `offset=${start}`];
  await must(signal, 'mkfs.ext4', ...how, '-d', root, raw, `${kibibytes(size)}k`);
}

/**
 * Makes a disk that EFI firmware boots from the guest's files. Nothing is mounted.
 * @param disk the qcow2 file to make
 */
export async function makeDisk(
  disk: string,
  root: string,
  scratch: string,
  signal: AbortSignal,
): Promise<void> {
  const raw = join(scratch, 'disk.raw');
  await using file = await open(raw, 'w');
  await file.truncate(diskBytes);
  await mkdir(join(root, 'boot/efi'), { recursive: true });
  const parts = [
    `--new=1:${sectors(esp)}`,
    '--typecode=1:ef00',
    `--new=2:${sectors(rootPartition)}`,
    '--typecode=2:8305',
  ];
  await must(signal, 'sgdisk', '--set-alignment=2048', ...parts, raw);
  await makeEsp(raw, root, scratch, signal);
  await makeRootFileSystem(raw, root, signal);
  await must(signal, 'qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, disk);
}
