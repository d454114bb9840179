import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect } from 'vitest';
import type { LaunchPlanReply, MachineDetails, StartedMachine } from '../../src/api/machine.ts';
import type { Doctor, DoctorCheck } from '../../src/api/messages.ts';
import { homeTest as it } from '../support/home-test.ts';
import { sharedTiny, type TestHome } from '../support/home.ts';

const tinyDisk = (): string => join(sharedTiny('aarch64').outDir, 'disk.qcow2');

/** The tiny image's disk in another format, in a file of the home. */
async function converted(home: TestHome, name: string, ...options: string[]): Promise<string> {
  const path = join(home.path, name);
  await execa('qemu-img', ['convert', '-f', 'qcow2', ...options, tinyDisk(), path]);
  return path;
}

async function diskOf(home: TestHome, machine: string): Promise<string> {
  const { disks } = await home.json<MachineDetails>('show', machine);
  return disks[0]?.path ?? '';
}

/** Whether two disks hold the same, as the guest sees it. */
async function same(one: string, other: string): Promise<string> {
  return (await execa('qemu-img', ['compare', '-f', 'qcow2', '-F', 'qcow2', one, other])).stdout;
}

describe('a disk of the user', () => {
  it('as streamOptimized VMDK: its content arrives whole', async ({ home }) => {
    const image = await converted(home, 'tiny.vmdk', '-O', 'vmdk', '-o', 'subformat=streamOptimized');
    const made = await home.json<MachineDetails>('create', 'vmdk', '--image', image);
    expect(made).toMatchObject({ firmware: 'efi', image: 'tiny.vmdk', disks: [{ format: 'qcow2' }] });
    expect(await same(await diskOf(home, 'vmdk'), tinyDisk())).toBe('Images are identical.');
    expect(existsSync(join(home.path, 'machines/vmdk.vmwarevm/seed.iso'))).toBe(false);
  });

  it('as raw file: boots by UEFI, and cloud-init finds its seed', async ({ home }) => {
    const key = join(home.path, 'key.pub');
    await writeFile(
      key,
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKameKameKameKameKameKameKameKameKameKameKam me@host\n',
    );
    const image = await converted(home, 'tiny.raw', '-O', 'raw');
    const wanted = ['--user', 'me', '--ssh-key', key, '--memory', '512MiB', '--disk', '2GiB'];
    const made = await home.json<MachineDetails>('create', 'raw', '--image', image, ...wanted);
    expect(made).toMatchObject({ firmware: 'efi', disks: [{ sizeBytes: 2 * 1024 ** 3 }] });
    expect(await same(await diskOf(home, 'raw'), tinyDisk())).toContain('Images are identical.');
    await home.json('start', 'raw');
    // The EFI stub's own addition: the kernel was loaded by firmware, not by the engine.
    expect(await home.sh('raw', 'cat /proc/cmdline')).toContain(String.raw`initrd=\initrd`);
    expect(await home.sh('raw', '[ -d /sys/firmware/efi ] && echo by firmware')).toBe('by firmware\n');
    expect(existsSync(join(home.path, 'machines/raw.vmwarevm/raw.nvram'))).toBe(true);
    expect(await home.sh('raw', 'cat /sys/class/block/vda/size')).toBe(`${(2 * 1024 ** 3) / 512}\n`);
    // ISO 9660, 8.4: the volume's name at byte 40 of the sector 16.
    const label = 'for disk in /dev/vd[b-z]; do dd if=$disk bs=1 skip=32808 count=6 2>/dev/null; done';
    expect((await home.sh('raw', label)).toLowerCase()).toBe('cidata');
    const seed = await home.sh('raw', 'strings /dev/vdb 2>/dev/null || tr -cd "[:print:]\\n" </dev/vdb');
    expect(seed).toContain('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5');
    expect(seed).toContain('"name": "me"');
  });

  it('empty, with an installation ISO: starts', async ({ home }) => {
    const image = await converted(home, 'tiny.raw', '-O', 'raw');
    await home.json('create', 'seeded', '--image', image, '--user', 'me');
    const iso = join(home.path, 'machines/seeded.vmwarevm/seed.iso');
    const made = await home.json<MachineDetails>('create', 'install', '--iso', iso, '--disk', '8GiB');
    expect(made).toMatchObject({
      cdroms: [{ path: iso }],
      disks: [{ sizeBytes: 8 * 1024 ** 3 }],
      image: null,
    });
    const { args } = await home.json<LaunchPlanReply>('start', 'install', '--dry-run');
    expect(args.join(' ')).toContain(iso);
    await home.json('start', 'install', '--wait', 'none');
    expect(await home.json('show', 'install')).toMatchObject({ state: 'running', firmware: 'efi' });
    const { code, stderr } = await home.kame(['start', 'install']);
    expect({ code, stderr }).toMatchObject({ code: 4 });
  });
});

/** What the doctor says of the accelerator that this host has for Intel guests; undefined where it has none. */
async function intelVerdict(home: TestHome, ...options: string[]): Promise<DoctorCheck | undefined> {
  const { checks } = await home.json<Doctor>('doctor', ...options);
  return checks.find(({ name }) => name === 'kvm x86_64' || name === 'hvf x86_64');
}

/** Which accelerator a start must use after that verdict, and why: the one that works, and emulation otherwise. */
function expectedOf(verdict: DoctorCheck | undefined): { accelerator: string; reason: string } {
  if (verdict === undefined) return { accelerator: 'tcg', reason: '' };
  const { message, name, status } = verdict;
  const works = message.startsWith('works: ');
  // On an ARM host nothing is missing: no accelerator could run them.
  const missing = !works && process.arch === 'x64';
  expect({ message, status }).toEqual({ message, status: missing ? 'warning' : 'ok' });
  const reason = /^(?:works|not used): (.+?)(?: \(tested .*\))?$/s.exec(message)?.[1] ?? '';
  expect({ message, reason }).not.toEqual({ message, reason: '' });
  return { accelerator: works ? name.slice(0, 3) : 'tcg', reason };
}

/** When an accelerator was tested, of a verdict that says so. */
const testedAt = (verdict: DoctorCheck | undefined) => /\(tested (.*)\)/.exec(verdict?.message ?? '')?.[1];

describe('an Intel machine', () => {
  it('uses the accelerator that the doctor proved, boots directly, and says why', async ({ home }) => {
    const { accelerator, reason } = expectedOf(await intelVerdict(home));
    await home.json('create', 'intel', '--arch', 'x86_64');
    const started = await home.json<StartedMachine>('start', 'intel');
    expect(started).toMatchObject({ arch: 'x86_64', accelerator });
    expect(started.acceleratorReason).toContain(reason);
    expect(await home.sh('intel', 'uname -m; [ -d /sys/firmware/efi ] || echo directly')).toBe(
      'x86_64\ndirectly\n',
    );
  });

  it('boots by UEFI, without a second proof', async ({ home }) => {
    const verdict = await intelVerdict(home);
    await home.json('create', 'intel', '--arch', 'x86_64', '--set', 'boot=firmware');
    expect(await home.json('show', 'intel')).toMatchObject({ firmware: 'efi', problems: [] });
    await home.json('start', 'intel');
    expect(await home.sh('intel', '[ -d /sys/firmware/efi ] && echo by firmware')).toBe('by firmware\n');
    expect(await intelVerdict(home)).toEqual(verdict);
  });

  it('is proved again when the doctor is asked to', async ({ home }) => {
    const before = await intelVerdict(home);
    const again = await intelVerdict(home, '--fresh');
    expect(expectedOf(again).accelerator).toBe(expectedOf(before).accelerator);
    // A host without an accelerator for it has nothing to test, now or again.
    const first = testedAt(before);
    expect(testedAt(again)).toEqual(first === undefined ? undefined : expect.not.stringContaining(first));
  });
});
