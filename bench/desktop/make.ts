import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError } from '../../src/core/errors.ts';
import { mirrorAddress } from '../../src/image/debian/archive.ts';
import { missingPrograms, mustRun } from '../debian/tools.ts';
import { desktopGuest, guestDirectory, guestFiles, sources, type DesktopGuest } from './guest.ts';
import { packages } from './packages.ts';

const suite = 'trixie';
const diskBytes = 2500 * 1024 * 1024;

/** The programs that the build needs, and the Debian packages that contain them. */
const needs: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  'mkfs.ext4': 'e2fsprogs',
  'qemu-img': 'qemu-utils',
};

/** Why the guest cannot be built on this host; null if it can be. */
export function cannotBuild(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it is built on x86-64 Linux';
  if (process.getuid?.() !== 0) return 'only root can build it, because its files have different owners';
  const missing = missingPrograms(needs);
  return missing.length === 0 ? null : `it needs ${missing.map((name) => needs[name]).join(', ')}`;
}

/** Files that nobody looks at: a third of the size. */
const leftOut = ['man', 'doc', 'info', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);

/** All files of the guest, with its packages configured. */
async function makeRoot(root: string, signal: AbortSignal): Promise<void> {
  await mustRun(
    signal,
    'mmdebstrap',
    '--mode=root',
    '--format=directory',
    '--variant=minbase',
    '--aptopt=Apt::Install-Recommends "false"',
    ...leftOut,
    `--include=${packages.join(',')}`,
    // The same modules in the initial RAM disk as for the text guest.
    `--essential-hook=${join(sources, '../debian/early.sh')} "$1"`,
    `--customize-hook=${join(sources, 'late.sh')} "$1"`,
    suite,
    root,
    mirrorAddress(undefined),
  );
}

/** Moves the files that boot the guest out of it. */
async function takeBootFiles(root: string, to: string): Promise<void> {
  const boot = join(root, 'boot');
  const files = await readdir(boot);
  for (const [start, name] of [
    ['vmlinuz-', guestFiles.kernel],
    ['initrd.img-', guestFiles.initrd],
  ] as const) {
    const found = files.find((file) => file.startsWith(start));
    if (found === undefined) throw new KameError('HOST_PROBLEM', `The new guest has no ${start}* in /boot.`);
    await copyFile(join(boot, found), join(to, name));
  }
  await rm(boot, { recursive: true });
  await mkdir(boot);
}

async function makeDisk(disk: string, root: string, signal: AbortSignal): Promise<void> {
  const raw = `${disk}.raw`;
  await using file = await open(raw, 'w');
  await file.truncate(diskBytes);
  // Without a journal: nobody needs the file system after a crash.
  await mustRun(signal, 'mkfs.ext4', '-q', '-F', '-O', '^metadata_csum,^has_journal', '-d', root, raw);
  await mustRun(signal, 'qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, disk);
  await rm(raw);
}

/**
 * Makes the guest, or takes the one that was made before.
 * @throws KameError HOST_PROBLEM, CANCELLED
 */
export async function makeDesktopGuest(signal: AbortSignal): Promise<DesktopGuest> {
  const arch = 'x86_64';
  const present = desktopGuest(arch);
  if (present) return present;
  const directory = guestDirectory(arch);
  const made = `${directory}.${process.pid}.tmp`;
  const root = join(made, 'root');
  try {
    await mkdir(made, { recursive: true });
    await makeRoot(root, signal);
    await takeBootFiles(root, made);
    await makeDisk(join(made, guestFiles.disk), root, signal);
    await rm(root, { recursive: true });
    await rename(made, directory);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  const guest = desktopGuest(arch);
  if (guest) return guest;
  throw new KameError('HOST_PROBLEM', `The new guest is not at ${directory}.`);
}
