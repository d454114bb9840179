import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError } from '../../src/core/errors.ts';
import { mirrorAddress } from '../../src/image/debian/archive.ts';
import type { Arch } from '../../src/model/machine.ts';
import { missingPrograms, mustRun } from '../debian/tools.ts';
import { crossConfigure } from './cross.ts';
import { desktopGuest, guestDirectory, guestFiles, sources, type DesktopGuest } from './guest.ts';
import { writeInitrd } from './initrd.ts';
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

/** Of each package, files that nobody looks at are left out: a third of the size. */
const common = [
  '--mode=root',
  '--format=directory',
  '--aptopt=Apt::Install-Recommends "false"',
  ...['man', 'doc', 'info', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
];

/** All files of the guest for Intel, with its packages configured. */
async function makeRoot(root: string, signal: AbortSignal): Promise<void> {
  await mustRun(
    signal,
    'mmdebstrap',
    ...common,
    '--variant=minbase',
    `--include=${packages.join(',')}`,
    // The kernel's package makes an initial RAM disk, which nobody uses; this makes it small, and soon done.
    `--essential-hook=${join(sources, '../debian/early.sh')} "$1"`,
    `--customize-hook=${join(sources, 'late.sh')} "$1"`,
    suite,
    root,
    mirrorAddress(undefined),
  );
}

/** The same for ARM64, without running a program of that: the packages of the other one are unpacked, and what configured them is copied. */
async function makeArmRoot(root: string, other: string, signal: AbortSignal): Promise<void> {
  const database = `--admindir=${join(other, 'var/lib/dpkg')}`;
  const names = await mustRun(signal, 'dpkg-query', database, '--showformat=${Package}\n', '--show');
  const same = names
    .trim()
    .split('\n')
    .map((name) => name.replace(/^(linux-image-.*)amd64$/, '$1arm64'));
  await mustRun(
    signal,
    'mmdebstrap',
    ...common,
    '--variant=extract',
    '--architectures=arm64',
    `--include=${[...new Set(same)].join(',')}`,
    suite,
    root,
    mirrorAddress(undefined),
  );
  await crossConfigure(other, root);
  // depmod of the guest for Intel, which finds the other one beside its own files.
  const inside = join(other, 'arm64');
  await rename(root, inside);
  for (const version of await readdir(join(inside, 'usr/lib/modules')))
    await mustRun(signal, 'chroot', other, 'depmod', '-b', '/arm64', version);
  await rename(inside, root);
}

/** Moves the kernel out of the guest, and makes an initial RAM disk. */
async function takeBootFiles(root: string, to: string): Promise<void> {
  const boot = join(root, 'boot');
  const kernel = (await readdir(boot)).find((file) => file.startsWith('vmlinuz-'));
  if (kernel === undefined) throw new KameError('HOST_PROBLEM', 'The new guest has no kernel in /boot.');
  await copyFile(join(boot, kernel), join(to, guestFiles.kernel));
  await writeInitrd(root, join(to, guestFiles.initrd));
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
export async function makeDesktopGuest(arch: Arch, signal: AbortSignal): Promise<DesktopGuest> {
  const directory = guestDirectory(arch);
  const present = desktopGuest(arch, directory);
  if (present) return present;
  const made = `${directory}.${process.pid}.tmp`;
  const [intel, arm] = [join(made, 'x86_64'), join(made, 'aarch64')];
  const root = arch === 'x86_64' ? intel : arm;
  try {
    await mkdir(made, { recursive: true });
    await makeRoot(intel, signal);
    if (root === arm) await makeArmRoot(arm, intel, signal);
    await takeBootFiles(root, made);
    await makeDisk(join(made, guestFiles.disk), root, signal);
    for (const path of [intel, arm]) await rm(path, { recursive: true, force: true });
    await rename(made, directory);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  const guest = desktopGuest(arch, directory);
  if (guest) return guest;
  throw new KameError('HOST_PROBLEM', `The new guest is not at ${directory}.`);
}
