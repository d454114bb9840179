/**
 * Builds a full Debian 12 guest for ARM64, for benchmarks and tests of checkpoints:
 * `node --import tsx bench/debian/build.ts [--again]`
 *
 * This takes 7 to 15 minutes on two cores, once: the result stays in `.cache/debian-guest/`, which Git ignores.
 * `--again` builds it even if it exists. Nothing in `./run test` or in continuous integration needs it: users call
 * `debianGuest()` in `guest.ts`, which returns null if it was not built.
 *
 * It must run on Debian or Ubuntu, as root, and requires
 * `apt-get install --no-install-recommends mmdebstrap arch-test qemu-user-static gdisk dosfstools mtools qemu-utils`.
 * The packages come from the mirror of the host (or KAME_DEBIAN_MIRROR, or the mirror of Debian). They are configured
 * with qemu-user through binfmt_misc, which is mounted and registered during the build. No disk is mounted.
 *
 * Contents: all packages of priority "important" and above, systemd with networkd (DHCP), resolved and timesyncd, dbus,
 * the guest agent, an SSH server with host keys, Python, the generic kernel of Debian; GRUB on an EFI system partition,
 * the root file system on ext4, in 4 GiB. `root` can log in on the serial console and the screen without a password,
 * but not by SSH. `/etc/machine-id` is empty: each machine makes its own at its first boot. Background timers are
 * masked.
 *
 * Use:
 * `kame create deb --image .cache/debian-guest/debian.qcow2 --memory 1GiB --cpus 2 && kame start deb`
 *
 * Measured with QEMU 7.2 under TCG on two cores shared with other work (load 2 to 4): the agent responds 30 to 40 s
 * after a cold start (68 s at a load of 7). By then about 300 MiB of RAM have been touched (300 to 320 with firmware,
 * 180 with direct boot), of which the guest reports 140 as used. For 300 MiB used (and 470 touched): `kame exec deb --
 * sh -c 'head -c 160M /dev/urandom >/dev/shm/fill'`
 */
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { poll } from '../../src/core/deadline.ts';
import { KameError } from '../../src/core/errors.ts';
import { formatDuration } from '../../src/core/units.ts';
import { run } from '../../src/sys/process.ts';
import { makeDisk } from './disk.ts';
import { emulateArm64 } from './emulation.ts';
import { debianGuest, guestDirectory, guestFiles, recipe } from './guest.ts';
import { commandLine } from './layout.ts';
import { makeRoot } from './root.ts';
import { checkNeeds, mustRun } from './tools.ts';

const started = performance.now();

function say(text: string): void {
  console.log(`${formatDuration(performance.now() - started).padStart(12)}  ${text}`);
}

/** A scratch directory for the build. Disposing removes it, but nothing that is mounted in it. */
async function scratchDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'kame-debian-'));
  const remove = async () =>
    (await run('rm', ['-rf', '--one-file-system', path])).exitCode === 0 || undefined;
  // Retry: after Ctrl-C the last processes may still be writing while they are being killed.
  return { path, [Symbol.asyncDispose]: async () => void (await poll(remove, { deadlineMs: 10_000 })) };
}

async function writeManifest(path: string, root: string, signal: AbortSignal): Promise<void> {
  const format = '--showformat=${Package} ${Version}\n';
  const list = await mustRun(
    signal,
    'dpkg-query',
    `--admindir=${join(root, 'var/lib/dpkg')}`,
    format,
    '--show',
  );
  const packages = Object.fromEntries(
    list
      .trim()
      .split('\n')
      .map((line) => line.split(' ')),
  );
  const manifest = { recipe, builtAt: new Date().toISOString(), commandLine, packages };
  await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

async function copyBootFiles(root: string, to: string): Promise<void> {
  const files = await readdir(join(root, 'boot'));
  for (const [start, name] of [
    ['vmlinuz-', guestFiles.kernel],
    ['initrd.img-', guestFiles.initrd],
  ] as const) {
    const found = files.find((file) => file.startsWith(start));
    if (found === undefined) throw new KameError('HOST_PROBLEM', `The new guest has no ${start}* in /boot.`);
    await copyFile(join(root, 'boot', found), join(to, name));
  }
}

async function build(signal: AbortSignal): Promise<void> {
  checkNeeds();
  await using scratch = await scratchDirectory();
  const root = join(scratch.path, 'root');
  {
    await using _emulation = await emulateArm64();
    say('fetching and configuring packages under emulation: about 7 minutes');
    await makeRoot(root, scratch.path, signal);
  }
  // Built next to its final location, and renamed when complete.
  const made = `${guestDirectory}.${process.pid}.tmp`;
  try {
    await mkdir(made, { recursive: true });
    say('writing the disk');
    await makeDisk(join(made, guestFiles.disk), root, scratch.path, signal);
    await copyBootFiles(root, made);
    await writeManifest(join(made, guestFiles.manifest), root, signal);
    await rm(guestDirectory, { recursive: true, force: true });
    await rename(made, guestDirectory);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

const { values } = parseArgs({ options: { again: { type: 'boolean', default: false } } });
const cancel = new AbortController();
// Not once(): a second signal must not end the program before it has cleaned up.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => cancel.abort());

try {
  if (values.again || debianGuest() === null) await build(cancel.signal);
  say(`${debianGuest()?.disk} is ready`);
} catch (error) {
  if (!(error instanceof KameError)) throw error;
  console.error(`${error.message}\n${error.next}`);
  process.exitCode = error.kind.exit;
}
