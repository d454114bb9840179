import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { diskBytes, esp, espSerial, rootPartition, rootUuid } from './layout.ts';
import { mustRun } from './tools.ts';

const grub = 'usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed';

const kibibytes = (bytes: number) => String(bytes / 1024);
/** First and last sector (of 512 bytes), as sgdisk expects them. */
const sectors = ({ start, size }: { start: number; size: number }) =>
  `${start / 512}:${(start + size) / 512 - 1}`;

async function makeEsp(raw: string, root: string, scratch: string, signal: AbortSignal): Promise<void> {
  const offset = `--offset=${esp.start / 512}`;
  // One sector per cluster: with fewer than 65525 clusters it would count as FAT16.
  const how = ['-F', '32', '-s', '1', '-n', 'ESP', '-i', espSerial, offset];
  await mustRun(signal, 'mkfs.vfat', ...how, raw, kibibytes(esp.size));
  const at = ['-i', `${raw}@@${esp.start}`];
  await mustRun(signal, 'mmd', ...at, '::/EFI', '::/EFI/BOOT', '::/EFI/debian');
  // Firmware without variables, such as that of a new machine, starts this name.
  await mustRun(signal, 'mcopy', ...at, join(root, grub), '::/EFI/BOOT/BOOTAA64.EFI');
  await mustRun(signal, 'mcopy', ...at, join(root, grub), '::/EFI/debian/grubaa64.efi');
  // The signed GRUB of Debian looks for its configuration here, wherever it was started from.
  await mustRun(signal, 'mcopy', ...at, join(scratch, 'grub.cfg'), '::/EFI/debian/grub.cfg');
}

async function makeRootFileSystem(raw: string, root: string, signal: AbortSignal): Promise<void> {
  const { start, size } = rootPartition;
  // GRUB 2.06 cannot read file systems with the first feature; the second is newer than the tools in the guest.
  const features = ['-O', '^metadata_csum_seed,^orphan_file'];
  const how = ['-F', '-q', '-L', 'root', '-U', rootUuid, ...features, '-E', `offset=${start}`];
  await mustRun(signal, 'mkfs.ext4', ...how, '-d', root, raw, `${kibibytes(size)}k`);
}

/**
 * Makes a disk from the files of the guest that EFI firmware can boot. Nothing is mounted.
 * @param disk path of the new qcow2 file
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
  await mustRun(signal, 'sgdisk', '--set-alignment=2048', ...parts, raw);
  await makeEsp(raw, root, scratch, signal);
  await makeRootFileSystem(raw, root, signal);
  await mustRun(signal, 'qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, disk);
}
