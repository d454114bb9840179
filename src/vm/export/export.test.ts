import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../test/support/digest.ts';
import { writeDisk } from '../../../test/support/disk-content.ts';
import { guestAtLogin } from '../../../test/support/fake-engine/guest.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { codeOf, like, refused } from '../../../test/support/refused.ts';
import { runProgram } from '../../../test/support/run-program.ts';
import { cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import { importMachine } from '../import/import.ts';
import { takeSnapshot } from '../snapshot/snapshots.ts';
import { exportMachine } from './export.ts';

const world = useWorld();
const place = (name = '') => join(world().home, 'out', name);

/** A directory for exports, beside the machines. */
function makePlace(): void {
  mkdirSync(place());
}

async function exported(name: string, snapshot?: string) {
  const request = { path: place(name), ...(snapshot === undefined ? {} : { snapshot }) };
  return await exportMachine(world().host, 'demo', request, quiet);
}

const attempt = async (name: string) => await refused(exported(name));

/** A hash of all sectors of a disk. */
function sectorsOf(path: string): string {
  const raw = join(world().home, 'sectors.raw');
  qemuImg('convert', '-O', 'raw', path, raw);
  return digestOf(raw);
}

/** The hash of each file that a manifest lists, as `sha256sum` finds it. */
function checkManifest(name: string): void {
  for (const line of readFileSync(place(name), 'utf8').trimEnd().split('\n')) {
    const [, file = '', hash] = /^SHA256\((.+)\)= ([0-9a-f]{64})$/.exec(line) ?? [];
    expect(
      createHash('sha256')
        .update(readFileSync(place(file)))
        .digest('hex'),
    ).toBe(hash);
  }
}

const more = [
  'annotation = "Runs <the> |22shop|22 & more"',
  'guestinfo.role = "web"',
  'sata0.present = "TRUE"',
  'sata0:1.present = "TRUE"',
  'sata0:1.deviceType = "cdrom-image"',
  'sata0:1.fileName = "cd.iso"',
  'vtpm.present = "TRUE"',
  'sharedFolder0.present = "TRUE"',
  'sharedFolder0.hostPath = "/srv/share"',
  'sharedFolder0.guestName = "share"',
  'scsi0.present = "TRUE"',
  'scsi0.virtualDev = "lsilogic"',
  'scsi0:2.present = "TRUE"',
  'scsi0:2.fileName = "data.qcow2"',
];

/** A machine with two disks, whose sectors are returned. */
function twoDisks(): string[] {
  makePlace();
  const demo = world().machine('demo', more);
  qemuImg('create', '-q', '-f', 'qcow2', demo.file('data.qcow2'), '33M');
  writeDisk(demo.file('data.qcow2'), 9, 32);
  writeDisk(demo.top(), 8, 60);
  return [demo.file('disk0.qcow2'), demo.file('data.qcow2')].map(sectorsOf);
}

describe('an export', () => {
  it('as OVA is one archive: descriptor, manifest and disks, which tar and qemu-img read', async () => {
    const before = twoDisks();
    const result = await exported('Web.ova');
    expect(
      runProgram('tar', ['-tf', place('Web.ova')])
        .trim()
        .split('\n'),
    ).toEqual(['Web.ovf', 'Web.mf', 'Web-disk1.vmdk', 'Web-disk2.vmdk']);
    expect(readdirSync(place())).toEqual(['Web.ova']);
    runProgram('tar', ['-C', place(), '-xf', place('Web.ova')]);
    checkManifest('Web.mf');
    expect(['Web-disk1.vmdk', 'Web-disk2.vmdk'].map((name) => sectorsOf(place(name)))).toEqual(before);
    expect(result.disks).toEqual([
      { slot: 'nvme0:0', sizeBytes: 64 * 1024 * 1024, dataBytes: 2 * 65_536 },
      { slot: 'scsi0:2', sizeBytes: 33 * 1024 * 1024, dataBytes: 65_536 },
    ]);
    const notes = result.notes.join(' ');
    expect(notes).toMatch(/nvme0 is virtio-blk here and nvme.*ethernet0 is virtio-net here and vmxnet3/);
    expect(notes).toMatch(/TPM.*sata0:1 is empty: cd\.iso.*shared folder share/);
  });

  it('as OVF is a descriptor with files beside it, and says what the machine has', async () => {
    const before = twoDisks();
    await exported('Web.ovf');
    expect(readdirSync(place()).sort()).toEqual(['Web-disk1.vmdk', 'Web-disk2.vmdk', 'Web.mf', 'Web.ovf']);
    checkManifest('Web.mf');
    expect(['Web-disk1.vmdk', 'Web-disk2.vmdk'].map((name) => sectorsOf(place(name)))).toEqual(before);
    const text = readFileSync(place('Web.ovf'), 'utf8');
    expect(text).toContain('<Annotation>Runs &lt;the&gt; "shop" &amp; more</Annotation>');
    expect(text).toContain('vmw:key="guestinfo.role" vmw:value="web"');
    expect(text).not.toMatch(/kame|cd\.iso|\/srv/);
  });

  it('is the same each time', async () => {
    twoDisks();
    await exported('a.ova');
    mkdirSync(place('again'));
    await exported('again/a.ova');
    expect(readFileSync(place('again/a.ova')).equals(readFileSync(place('a.ova')))).toBe(true);
  });

  it('as a bundle has VMware’s keys only, and can be imported with the same sectors', async () => {
    const before = twoDisks();
    await exported('Web.vmwarevm');
    expect(readdirSync(place('Web.vmwarevm')).sort()).toEqual([
      'Web-disk1.vmdk',
      'Web-disk2.vmdk',
      'Web.vmx',
    ]);
    const text = readFileSync(place('Web.vmwarevm/Web.vmx'), 'utf8');
    expect(text).not.toMatch(/kame|cd\.iso|\/srv|vtpm/);
    expect(text).toContain('nvme0:0.fileName = "Web-disk1.vmdk"');
    // The small guest that shows how fast others are.
    world().engines.guest = guestAtLogin;
    const request = { path: place('Web.vmwarevm'), name: 'back', disks: 'convert' } as const;
    await importMachine(world().host, request, quiet);
    const back = new WorldMachine(world().home, 'back');
    expect(['disk0.qcow2', 'disk1.qcow2'].map((name) => sectorsOf(back.file(name)))).toEqual(before);
  });

  it.each(['Web.ova', 'Web.ovf'])(
    'as %s can be imported, with the same sectors and hardware',
    async (name) => {
      const before = twoDisks();
      await exported(name);
      // The small guest that shows how fast others are.
      world().engines.guest = guestAtLogin;
      await importMachine(world().host, { path: place(name), name: 'back' }, quiet);
      const back = new WorldMachine(world().home, 'back');
      expect(['disk0.qcow2', 'disk1.qcow2'].map((disk) => sectorsOf(back.file(disk)))).toEqual(before);
      const text = back.read('back.vmx');
      for (const line of [
        'guestOS = "arm-other6xlinux-64"',
        'annotation = "Runs <the> |22shop|22 & more"',
        'guestinfo.role = "web"',
        'nvme0:0.fileName = "disk0.qcow2"',
        'scsi0.virtualDev = "lsilogic"',
        'scsi0:2.fileName = "disk1.qcow2"',
        'ethernet0.virtualDev = "vmxnet3"',
        'firmware = "efi"',
        'memsize = "64"',
      ])
        expect(text).toContain(line);
    },
  );

  it('of a snapshot has its disks, while the machine runs', async () => {
    makePlace();
    const demo = world().machine('demo');
    const frozen = sectorsOf(demo.top());
    await world().start();
    expect(await attempt('a.ova')).toMatchObject({ code: 'WRONG_STATE', next: like(/--snapshot/) });
    const options = { label: 'clean', description: '', diskOnly: false, quiesce: false };
    await takeSnapshot(world().host, 'demo', options, quiet);
    const { notes } = await exported('demo.vmwarevm', 'clean');
    expect(sectorsOf(place('demo.vmwarevm/demo-disk1.vmdk'))).toBe(frozen);
    expect(notes.join(' ')).toMatch(
      /memory of the snapshot clean is not in the export.*only the state of clean/,
    );
    expect(await codeOf(exported('b.ova', 'gone'))).toBe('NO_SUCH_SNAPSHOT');
  });

  it('leaves nothing behind when it is cancelled, and can be repeated', async () => {
    twoDisks();
    for (const name of ['a.ova', 'a.ovf', 'a.vmwarevm']) {
      const work = async (progress: typeof quiet) =>
        await exportMachine(world().host, 'demo', { path: place(name) }, progress);
      const stages = await cancelAtEachStage(work, async ({ code }) => {
        expect([code, readdirSync(place())]).toEqual(['CANCELLED', []]);
        await Promise.resolve();
      });
      expect(stages).toEqual(['Checking the disks', 'Writing a-disk1.vmdk', 'Writing a-disk2.vmdk']);
      for (const left of readdirSync(place())) runProgram('rm', ['-r', place(left)]);
    }
  });

  it.each([
    ['Zoë’s “shop” & <web>', 'Zoe-s-shop-web'],
    ['🐢', 'machine'],
    ['n'.repeat(200), 'n'.repeat(80)],
  ])('to %s has plain names inside', async (name, stem) => {
    makePlace();
    world().machine('demo', [`displayName = "${name}/${name}"`]);
    const request = { path: place(`${name}.ova`) };
    await exportMachine(world().host, `${name}/${name}`, request, quiet);
    expect(runProgram('tar', ['-tf', request.path]).trim().split('\n')).toEqual([
      `${stem}.ovf`,
      `${stem}.mf`,
      `${stem}-disk1.vmdk`,
    ]);
  });
});

describe('an export is refused', () => {
  it('to a place that is taken, missing, or no place for one', async () => {
    makePlace();
    world().machine('demo');
    writeFileSync(place('file.ova'), 'mine');
    writeFileSync(place('a.mf'), 'mine');
    symlinkSync('/nowhere', place('link.ova'));
    mkdirSync(place('full.vmwarevm'));
    for (const name of ['file.ova', 'link.ova', 'full.vmwarevm', 'a.ovf'])
      expect([name, await attempt(name)]).toMatchObject([name, { code: 'ALREADY_EXISTS' }]);
    expect(readdirSync(place()).sort()).toEqual(['a.mf', 'file.ova', 'full.vmwarevm', 'link.ova']);
    expect(await attempt('gone/a.ova')).toMatchObject({
      code: 'FILE_ACCESS',
      message: like(/gone does not exist/),
    });
    expect(await attempt('file.ova/a.ova')).toMatchObject({
      code: 'FILE_ACCESS',
      message: like(/not a directory/),
    });
    expect(await attempt('a.zip')).toMatchObject({ code: 'USAGE', next: like(/\.ova or \.ovf/) });
    expect(await attempt('../machines/new.vmwarevm')).toMatchObject({
      code: 'USAGE',
      next: like(/kame clone/),
    });
  });

  it('of a suspended machine, of one with a damaged disk, and of one with a disk that its snapshot lacks', async () => {
    makePlace();
    const demo = world().machine('demo', ['checkpoint.vmState = "demo.vmss"']);
    expect(await attempt('a.ova')).toMatchObject({ code: 'WRONG_STATE', message: like(/suspended/) });
    writeFileSync(demo.vmx, demo.read('demo.vmx').replace(/checkpoint.*\n/, ''));
    const disk = readFileSync(demo.top());
    disk.writeBigUInt64BE(1n << 50n, Number(disk.readBigUInt64BE(40)));
    writeFileSync(demo.top(), disk);
    expect(await attempt('a.ova')).toMatchObject({ code: 'BAD_IMAGE', message: like(/disk0\.qcow2/) });
    expect(readdirSync(place())).toEqual([]);
  });

  it('of a snapshot that lacks an independent disk', async () => {
    makePlace();
    const demo = world().machine('demo', [
      'nvme0:1.present = "TRUE"',
      'nvme0:1.fileName = "data.qcow2"',
      'nvme0:1.mode = "independent-persistent"',
    ]);
    qemuImg('create', '-q', '-f', 'qcow2', demo.file('data.qcow2'), '1M');
    const options = { label: 'clean', description: '', diskOnly: true, quiesce: false };
    await takeSnapshot(world().host, 'demo', options, quiet);
    expect(await refused(exported('a.ova', 'clean'))).toMatchObject({
      message: like(/does not contain nvme0:1/),
    });
    expect((await exported('a.ova')).disks).toHaveLength(2);
  });
});
