import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { LaunchPlanReply, MachineDetails, StartedMachine } from '../../src/api/machine.ts';
import type { Doctor, DoctorCheck } from '../../src/api/messages.ts';
import { sharedTiny, useHome, type TestHome } from '../support/home.ts';

let home: TestHome;

beforeAll(async () => {
  home = await useHome();
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

function keepEvidence(name: string): void {
  onTestFailed(async () => await home.postMortem(`boot-kinds ${name}`));
}

const tinyDisk = (): string => join(sharedTiny('aarch64').outDir, 'disk.qcow2');

/** The tiny image's disk in another format, in a file of the home. */
async function converted(name: string, ...options: string[]): Promise<string> {
  const path = join(home.path, name);
  await execa('qemu-img', ['convert', '-f', 'qcow2', ...options, tinyDisk(), path]);
  return path;
}

async function diskOf(machine: string): Promise<string> {
  const { disks } = await home.json<MachineDetails>('show', machine);
  return disks[0]?.path ?? '';
}

/** Whether two disks hold the same, as the guest sees it. */
async function same(one: string, other: string): Promise<string> {
  return (await execa('qemu-img', ['compare', '-f', 'qcow2', '-F', 'qcow2', one, other])).stdout;
}

describe('a disk of one’s own', () => {
  it('as streamOptimized VMDK: its content arrives whole', async () => {
    const image = await converted('tiny.vmdk', '-O', 'vmdk', '-o', 'subformat=streamOptimized');
    const made = await home.json<MachineDetails>('create', 'vmdk', '--image', image);
    expect(made).toMatchObject({ firmware: 'efi', image: 'tiny.vmdk', disks: [{ format: 'qcow2' }] });
    expect(await same(await diskOf('vmdk'), tinyDisk())).toBe('Images are identical.');
    expect(existsSync(join(home.path, 'machines/vmdk.vmwarevm/seed.iso'))).toBe(false);
    await home.json('delete', 'vmdk', '--yes');
  });

  it('as raw file: boots by UEFI, and cloud-init finds its seed', async () => {
    keepEvidence('raw');
    const key = join(home.path, 'key.pub');
    await writeFile(
      key,
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKameKameKameKameKameKameKameKameKameKameKam me@host\n',
    );
    const image = await converted('tiny.raw', '-O', 'raw');
    const wanted = ['--user', 'me', '--ssh-key', key, '--memory', '512MiB', '--disk', '2GiB'];
    const made = await home.json<MachineDetails>('create', 'raw', '--image', image, ...wanted);
    expect(made).toMatchObject({ firmware: 'efi', disks: [{ sizeBytes: 2 * 1024 ** 3 }] });
    expect(await same(await diskOf('raw'), tinyDisk())).toContain('Images are identical.');
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
    await home.json('stop', 'raw', '--hard');
  });

  it('empty, with an installation ISO: starts', async () => {
    keepEvidence('iso');
    const iso = join(home.path, 'machines/raw.vmwarevm/seed.iso');
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
    await home.json('stop', 'install', '--hard');
  });
});

/** What the doctor tells of the accelerator that this host has, for Intel guests. */
async function intelVerdict(...options: string[]): Promise<DoctorCheck | undefined> {
  const { checks } = await home.json<Doctor>('doctor', ...options);
  return checks.find(({ name }) => name === 'kvm x86_64' || name === 'hvf x86_64');
}

describe('an Intel machine', () => {
  let verdict: DoctorCheck | undefined;

  it('has an accelerator proved by the doctor, or the reason why not', async () => {
    verdict = await intelVerdict();
    // Without /dev/kvm, or on another architecture, there is nothing to prove.
    expect(verdict?.message ?? 'not used: no such accelerator').toMatch(/^(works|not used): ./);
    expect(verdict?.status).toMatch(/^(ok|warning)$/);
  });

  it('runs on what was proved, boots directly, and says why', async () => {
    keepEvidence('x86 direct');
    const works = verdict?.message.startsWith('works') ?? false;
    await home.json('create', 'intel', '--arch', 'x86_64');
    const started = await home.json<StartedMachine>('start', 'intel');
    expect(started).toMatchObject({ arch: 'x86_64', accelerator: works ? verdict?.name.slice(0, 3) : 'tcg' });
    const because = /^(?:works|not used): (.*?)(?: \(tried .*\))?$/.exec(verdict?.message ?? '')?.[1] ?? '';
    expect(started.acceleratorReason).toContain(because);
    expect(await home.sh('intel', 'uname -m; [ -d /sys/firmware/efi ] || echo directly')).toBe(
      'x86_64\ndirectly\n',
    );
    await home.json('stop', 'intel');
  });

  it('boots by UEFI, without a second proof', async () => {
    keepEvidence('x86 uefi');
    await home.json('set', 'intel', 'boot=firmware');
    expect(await home.json('show', 'intel')).toMatchObject({ firmware: 'efi', problems: [] });
    await home.json('start', 'intel');
    expect(await home.sh('intel', '[ -d /sys/firmware/efi ] && echo by firmware')).toBe('by firmware\n');
    await home.json('stop', 'intel', '--hard');
    expect(await intelVerdict()).toEqual(verdict);
  });

  it('is proved again when the doctor is asked to', async () => {
    const again = await intelVerdict('--fresh');
    const when = (check: DoctorCheck | undefined) => /\(tried (.*)\)/.exec(check?.message ?? '')?.[1];
    const [before, after] = [when(verdict), when(again)];
    expect(again?.status).toBe(verdict?.status);
    expect(after === undefined).toBe(before === undefined);
    expect(Date.parse(after ?? '1970') >= Date.parse(before ?? '1970')).toBe(true);
    expect(after === undefined || after !== before).toBe(true);
  });
});
