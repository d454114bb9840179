import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fstab, grubConfig, espConfig } from './layout.ts';
import { aptSettings, sourceLines, suite } from './sources.ts';
import { mustRun } from './tools.ts';

/** In addition to all packages of priority "important" and above: for booting, remote access and inspection. */
const packages = [
  'systemd-sysv',
  'udev',
  'dbus',
  'libpam-systemd',
  'systemd-resolved',
  'systemd-timesyncd',
  // Not the cloud kernel: the Debian installer installs this one, and it supports vmgenid.
  'linux-image-arm64',
  'initramfs-tools',
  'zstd',
  'grub-efi-arm64',
  'grub-efi-arm64-signed',
  'qemu-guest-agent',
  'openssh-server',
  'ca-certificates',
  'python3-minimal',
];

/**
 * mmdebstrap mounts /proc, /sys and more in the root of the guest. In separate name spaces, all mounts and processes
 * disappear when it ends, however it ends.
 */
const alone = ['--mount', '--pid', '--fork', '--kill-child'];

const hook = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Files that a guest for measurements does not need: a third of its size. */
const leftOut = ['man', 'doc', 'info', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);

/**
 * Makes the files of the guest in `root`, which must not exist, with all packages configured.
 * @param scratch a directory for temporary files
 */
export async function makeRoot(root: string, scratch: string, signal: AbortSignal): Promise<void> {
  const sources = join(scratch, 'sources.list');
  const settings = join(scratch, 'apt.conf');
  await writeFile(sources, `${(await sourceLines(signal)).join('\n')}\n`);
  await writeFile(settings, await aptSettings(signal));
  await mustRun(
    signal,
    'unshare',
    ...alone,
    'mmdebstrap',
    '--mode=root',
    '--architectures=arm64',
    '--variant=important',
    '--format=directory',
    `--aptopt=${settings}`,
    '--aptopt=Apt::Install-Recommends "false"',
    ...leftOut,
    `--include=${packages.join(',')}`,
    `--essential-hook=${hook('early.sh')} "$1"`,
    `--customize-hook=${hook('late.sh')} "$1"`,
    suite,
    root,
    sources,
  );
  await writeFile(join(root, 'etc/fstab'), fstab);
  await writeFile(join(root, 'boot/grub/grub.cfg'), grubConfig);
  await writeFile(join(scratch, 'grub.cfg'), espConfig);
}
