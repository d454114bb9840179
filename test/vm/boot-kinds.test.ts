import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { LaunchPlanReply, Machine, MachineDetails, StartedMachine } from '../../src/api/machine.ts';
import type { Doctor } from '../../src/api/messages.ts';
import { makeIso } from '../../src/image/seed/iso9660.ts';
import { writeFileAtomic } from '../../src/sys/files.ts';
import { sharedTiny, useHome, type TestHome } from '../support/home.ts';

// Each way to boot once: the other files use the fastest one, direct boot of ARM64.
let home: TestHome;

beforeAll(async () => {
  home = await useHome();
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

function keepEvidence(name: string): void {
  onTestFailed(async () => await home.postMortem(`boot ${name}`));
}

async function qemuImg(...args: string[]): Promise<void> {
  await execa('qemu-img', args);
}

/** Whether two images hold the same content, as QEMU itself sees it. */
async function sameContent(one: string, other: string): Promise<boolean> {
  const { exitCode } = await execa('qemu-img', ['compare', '-q', one, other], { reject: false });
  return exitCode === 0;
}

describe('an ARM64 machine', () => {
  const tinyDisk = join(sharedTiny('aarch64').outDir, 'disk.qcow2');

  it('made from a streamOptimized VMDK boots by UEFI, grown, with a cloud-init seed', async () => {
    keepEvidence('uefi-aarch64');
    const vmdk = join(home.path, 'tiny.vmdk');
    await qemuImg('convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized', tinyDisk, vmdk);
    const key = join(home.path, 'key.pub');
    await writeFileAtomic(key, 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtlcnRlc3Q somebody@somewhere\n');
    const made = await home.json<MachineDetails>(
      ...[
        'create',
        'efi',
        '--image',
        vmdk,
        '--disk',
        '2GiB',
        '--memory',
        '512MiB',
        '--user',
        'kay',
        '--ssh-key',
        key,
      ],
    );
    expect(made).toMatchObject({ firmware: 'efi', disks: [{ format: 'qcow2', sizeBytes: 2 * 1024 ** 3 }] });
    const started = await home.json<StartedMachine>('start', 'efi');
    expect(started).toMatchObject({ state: 'running', agent: true });
    expect(await home.sh('efi', 'test -d /sys/firmware/efi && echo efi')).toBe('efi\n');
    // The seed is a drive of its own, labelled as cloud-init's NoCloud wants it (volume id at byte 32808 of an ISO 9660).
    const label = 'for d in /dev/sr0 /dev/vd?; do dd if=$d bs=1 skip=32808 count=6 2>/dev/null; done';
    expect(await home.sh('efi', label)).toContain('cidata');
    const seed = await home.sh(
      'efi',
      'for d in /dev/sr0 /dev/vd?; do dd if=$d bs=2048 count=64 2>/dev/null | strings; done',
    );
    expect(seed).toContain('kay');
    expect(seed).toContain('somebody@somewhere');
    expect(await home.sh('efi', 'cat /sys/class/block/vda/size')).toBe(`${(2 * 1024 ** 3) / 512}\n`);
    expect(await home.json('stop', 'efi')).toMatchObject({ state: 'stopped' });
  });

  it('made from a raw disk has its content', async () => {
    keepEvidence('raw');
    const raw = join(home.path, 'tiny.raw');
    await qemuImg('convert', '-O', 'raw', tinyDisk, raw);
    const { disks } = await home.json<MachineDetails>('create', 'raw', '--image', raw);
    expect(await sameContent(disks[0]?.path ?? '', tinyDisk)).toBe(true);
  });

  it('with an installation ISO and an empty disk starts from the ISO', async () => {
    keepEvidence('iso');
    const iso = join(home.path, 'setup.iso');
    const files = [{ name: 'readme.txt', data: Buffer.from('nothing to install') }];
    await writeFileAtomic(iso, makeIso({ label: 'setup', files, date: new Date(0) }));
    const made = await home.json<MachineDetails>('create', 'setup', '--iso', iso, '--disk', '4GiB');
    expect(made).toMatchObject({ disks: [{ sizeBytes: 4 * 1024 ** 3 }], cdroms: [{ path: iso }] });
    const { args } = await home.json<LaunchPlanReply>('start', 'setup', '--dry-run');
    expect(args.join(' ')).toContain(iso);
    expect(await home.json('start', 'setup', '--wait', 'none')).toMatchObject({
      state: 'running',
      agent: false,
    });
    expect(await home.json('stop', 'setup', '--hard')).toMatchObject({ state: 'stopped' });
  });
});

describe('an Intel machine', () => {
  it('boots directly, on an accelerator that was proved, or emulated with the reason', async () => {
    keepEvidence('direct-x86_64');
    await home.json('create', 'intel', '--arch', 'x86_64');
    const started = await home.json<StartedMachine>('start', 'intel');
    const doctor = await home.json<Doctor>('doctor');
    const verdict = doctor.checks.find(({ name }) => name === 'kvm x86_64' || name === 'hvf x86_64');
    // What the doctor says and what the machine got are of one proof: where it works it is used, else the reason is told.
    const [, how, proof] = /^(works|not used): (.*?)(?: \(tried .*)?$/.exec(verdict?.message ?? '') ?? [];
    expect(how).toBe(started.accelerator === 'tcg' ? 'not used' : 'works');
    expect(started.acceleratorReason).toContain(proof);
    expect(await home.sh('intel', 'uname -m')).toBe('x86_64\n');
    expect(await home.json('stop', 'intel')).toMatchObject({ state: 'stopped' });
  });

  it('keeps the verdict, and proves again when asked', async () => {
    keepEvidence('verdict');
    const path = join(home.path, 'cache', 'accelerators.json');
    const before = await readFile(path, 'utf8').catch(() => '');
    await home.json('start', 'intel', '--wait', 'none');
    await home.json('stop', 'intel', '--hard');
    expect(await readFile(path, 'utf8').catch(() => '')).toBe(before);
    if (before === '') return;
    await home.json('doctor', '--fresh');
    const [old, fresh] = [before, await readFile(path, 'utf8')].map((text) =>
      Object.values(JSON.parse(text) as Record<string, { kind: string; at: string; works: boolean }>),
    );
    expect(fresh?.map(({ kind, works }) => [kind, works])).toEqual(
      old?.map(({ kind, works }) => [kind, works]),
    );
    expect(Date.parse(fresh?.[0]?.at ?? '')).toBeGreaterThan(Date.parse(old?.[0]?.at ?? ''));
  });

  it('boots by UEFI', async () => {
    keepEvidence('uefi-x86_64');
    await home.json('set', 'intel', 'boot=firmware');
    expect(await home.json<Machine>('start', 'intel')).toMatchObject({ state: 'running', agent: true });
    expect(await home.sh('intel', 'test -d /sys/firmware/efi && echo efi')).toBe('efi\n');
    expect(await home.json('stop', 'intel', '--hard')).toMatchObject({ state: 'stopped' });
  });
});
