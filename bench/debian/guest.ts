import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Increase this when the result of the build changes: a guest of another recipe counts as not built. */
export const recipe = 1;

/** The directory of the built guest: a cache, not part of the repository. */
export const guestDirectory = fileURLToPath(new URL('../../.cache/debian-guest', import.meta.url));

/** The built guest: the paths of its files and its command line. */
export interface DebianGuest {
  /** A bootable qcow2 disk: GPT, EFI system partition with GRUB, ext4. For `kame create NAME --image DISK`. */
  readonly disk: string;
  /** The kernel of that disk, for direct boot. */
  readonly kernel: string;
  readonly initrd: string;
  /** The kernel command line that GRUB uses. */
  readonly commandLine: string;
}

export const guestFiles = {
  disk: 'debian.qcow2',
  kernel: 'vmlinuz',
  initrd: 'initrd',
  manifest: 'manifest.json',
};

interface Manifest {
  readonly recipe: number;
  readonly commandLine: string;
}

/** The full Debian guest that `node --import tsx bench/debian/build.ts` makes; null if it was not built. */
export function debianGuest(directory = guestDirectory): DebianGuest | null {
  const manifest = join(directory, guestFiles.manifest);
  // The build writes the manifest last: if it exists, so do all the files.
  if (!existsSync(manifest)) return null;
  const { recipe: built, commandLine } = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
  if (built !== recipe) return null;
  return {
    disk: join(directory, guestFiles.disk),
    kernel: join(directory, guestFiles.kernel),
    initrd: join(directory, guestFiles.initrd),
    commandLine,
  };
}
