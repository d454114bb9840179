import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Arch } from '../../src/model/machine.ts';

/** The directory with what the guest is made from. */
export const sources = fileURLToPath(new URL('.', import.meta.url));

/** A guest that was built: the paths of its files, and how its kernel is started. */
export interface DesktopGuest {
  readonly arch: Arch;
  /** A qcow2 disk with one file system, and no boot loader. */
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
}

export const guestFiles = { disk: 'disk.qcow2', kernel: 'kernel', initrd: 'initrd' };

const consoles: Readonly<Record<Arch, string>> = { x86_64: 'ttyS0', aarch64: 'ttyAMA0' };

/** Changes whenever a file from which the guest is made does. */
function recipeHash(): string {
  const hash = createHash('sha256');
  const names = readdirSync(sources, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const name of names) hash.update(name.slice(sources.length)).update('\0').update(readFileSync(name));
  return hash.digest('hex').slice(0, 16);
}

/** Where the guest is kept: a cache that Git ignores. Another recipe has another place. */
export function guestDirectory(arch: Arch): string {
  const cache = fileURLToPath(new URL('../../.cache', import.meta.url));
  return join(cache, `desktop-${arch}-${recipeHash()}`);
}

/** The guest with a desktop that `bench/desktop/build.ts` has made; null if there is none of the present recipe. */
export function desktopGuest(arch: Arch, directory = guestDirectory(arch)): DesktopGuest | null {
  // It is moved to its place when it is complete.
  if (!existsSync(directory)) return null;
  return {
    arch,
    disk: join(directory, guestFiles.disk),
    kernel: join(directory, guestFiles.kernel),
    initrd: join(directory, guestFiles.initrd),
    commandLine: `root=/dev/vda rw console=tty0 console=${consoles[arch]} quiet`,
  };
}
