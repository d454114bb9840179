import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Goes up when what the build makes changes: a guest of another recipe counts as not built. */
export const recipe = 1;

/** Where the built guest lies: a cache, not part of the repository. */
export const guestDirectory = fileURLToPath(new URL('../../.cache/debian-guest', import.meta.url));

/** What the manifest says of the built guest, and where its files are. */
export interface DebianGuest {
  /** A bootable qcow2 disk: GPT, EFI system partition with GRUB, ext4. For `kame create NAME --image DISK`. */
  readonly disk: string;
  /** The kernel of that disk, for direct boot. */
  readonly kernel: string;
  readonly initrd: string;
  /** The kernel's command line, as GRUB gives it. */
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

/** The full Debian guest that `node --import tsx bench/debian/build.ts` makes; null when it was not built. */
export function debianGuest(directory = guestDirectory): DebianGuest | null {
  const manifest = join(directory, guestFiles.manifest);
  // The build writes the manifest last: where it is, all the files are.
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
