import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskHas } from '../../../test/support/disk-content.ts';
import { fingerprints, layOutForeign } from '../../../test/support/foreign-bundle.ts';
import { namesIn } from '../../../test/support/library.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import type { Progress } from '../../core/progress.ts';
import { show } from '../running/describe.ts';
import { importMachine, reportImport, undoImport } from './import.ts';

const world = useWorld();
const place = () => join(world().home, 'old', 'Web server.vmwarevm');
const vmxOf = () => join(place(), 'web.vmx');
const copyOf = (name: string) => new WorldMachine(world().home, name);

const foreign = (lines: readonly string[] = [], subformat = 'twoGbMaxExtentSparse') =>
  layOutForeign(world(), lines, subformat);
const hashes = () => fingerprints(place());

describe('an import', () => {
  it.each([
    'twoGbMaxExtentSparse',
    'monolithicSparse',
    'monolithicFlat',
    'twoGbMaxExtentFlat',
    'streamOptimized',
  ])(
    'of a %s disk makes a machine with its content, and writes nothing of the original',
    async (subformat) => {
      const path = foreign([], subformat);
      const before = hashes();
      const { machine, report } = await importMachine(world().host, { path, disks: 'convert' }, quiet);
      expect(machine).toMatchObject({ name: 'web', state: 'stopped', problems: [] });
      expect(report.disks).toMatchObject([{ slot: 'nvme0:0', sizeBytes: 64 * 1024 * 1024, inPlace: false }]);
      expect(copyOf('web').files()).toEqual(['disk0.qcow2', 'initrd', 'kernel', 'web.vmx']);
      expect(diskHas(copyOf('web').top(), 7)).toBe(true);
      expect(hashes()).toEqual(before);
    },
  );

  it('keeps what the file says, and empties drives that name files of the host', async () => {
    const cd = ['present = "TRUE"', 'deviceType = "cdrom-image"', 'fileName = "/etc/passwd"'];
    const odd = ['guestinfo.odd = "kept"', 'checkpoint.vmState = "web.vmss"', 'sata0.present = "TRUE"'];
    const path = foreign([...odd, ...cd.map((line) => `sata0:1.${line}`)]);
    const { machine, report } = await importMachine(world().host, { path, name: 'new' }, quiet);
    expect(copyOf('new').read('new.vmx')).toContain('guestinfo.odd = "kept"');
    expect(machine.outsideFiles.filter(({ use }) => !use.startsWith('original'))).toEqual([]);
    expect(report.notes.join(' ')).toMatch(/sata0:1 is empty: \/etc\/passwd .* suspended \(web\.vmss\)/);
    await world().start('new');
    expect((await show(world().host, 'new')).state).toBe('running');
  });

  it('keeps the identity, unless a machine of the list has it', async () => {
    const path = foreign();
    const first = await importMachine(world().host, { path }, quiet);
    const second = await importMachine(world().host, { path, name: 'again' }, quiet);
    expect(readFileSync(vmxOf(), 'utf8')).toContain('uuid.bios');
    expect(second.machine.id).not.toBe(first.machine.id);
    expect(second.machine.nics[0]?.mac).not.toBe(first.machine.nics[0]?.mac);
  });

  it('says which device cannot be saved, and what to choose instead', async () => {
    const path = foreign();
    // As VMware writes it: the controller is what its bus says.
    const text = readFileSync(vmxOf(), 'utf8').replace(/^kame\.nvme0\.device.*$/m, '');
    writeFileSync(vmxOf(), text);
    const { notes } = await reportImport(world().host, { path }, quiet);
    expect(notes).toContainEqual(
      like(
        /^While it runs, it cannot be suspended or cloned, .* nvme0, an NVMe controller\..*kame set web kame\.nvme0\.device=virtio-blk/,
      ),
    );
  });

  it('is only reported with reportImport', async () => {
    const path = foreign();
    const before = await namesIn(world());
    expect(await reportImport(world().host, { path }, quiet)).toMatchObject({ name: 'web', source: vmxOf() });
    expect(await namesIn(world())).toEqual(before);
    expect(readdirSync(world().host.names.machines)).toEqual([]);
    world().machine('web');
    expect((await reportImport(world().host, { path }, quiet)).notes[0]).toMatch(
      /^A machine named web already exists: \S+\. Choose another name/,
    );
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const path = foreign();
    const work = async (progress: Progress) => await importMachine(world().host, { path }, progress);
    const stages = await cancelAtEachStage(work, async ({ code }) => {
      expect(code).toBe('CANCELLED');
      expect(readdirSync(world().host.names.machines)).toEqual([]);
      await Promise.resolve();
    });
    expect(stages.length).toBeGreaterThan(1);
  });

  it('is undone by deleting the new machine, as long as the original is there', async () => {
    const path = foreign();
    const before = hashes();
    await importMachine(world().host, { path }, quiet);
    await undoImport(world().host, 'web');
    expect([await namesIn(world()), hashes()]).toEqual([[], before]);
    await importMachine(world().host, { path }, quiet);
    rmSync(path, { recursive: true });
    expect(await refused(undoImport(world().host, 'web'))).toMatchObject({
      code: 'WRONG_STATE',
      message: like(/may be the only copy/),
    });
    world().machine('demo');
    expect(await refused(undoImport(world().host, 'demo'))).toMatchObject({
      message: like(/was not imported/),
    });
  });
});

describe('an import is refused', () => {
  const attempt = async (path: string) => await refused(importMachine(world().host, { path }, quiet));

  it.each([
    ['an absolute disk', (disk: string) => disk.replace(/.*/, '/etc/passwd'), /in another directory/],
    ['a disk above it', () => '../../secret.vmdk', /in another directory/],
    ['a disk that is not there', () => 'gone.vmdk', /does not exist/],
    ['a link to a disk', () => 'link.vmdk', /in another directory/],
  ])('for %s', async (_what, name, message) => {
    const path = foreign();
    writeFileSync(join(world().home, 'secret.vmdk'), 'secret');
    symlinkSync(join(world().home, 'secret.vmdk'), join(path, 'link.vmdk'));
    const text = readFileSync(vmxOf(), 'utf8');
    writeFileSync(vmxOf(), text.replace('Virtual Disk.vmdk', name('')));
    expect(await attempt(path)).toMatchObject({ code: 'BAD_IMAGE', message: like(message) });
    expect(readdirSync(world().host.names.machines)).toEqual([]);
  });

  it('for a kernel that a link leads to', async () => {
    const path = foreign();
    rmSync(join(path, 'kernel'));
    symlinkSync('/etc/passwd', join(path, 'kernel'));
    expect(await attempt(path)).toMatchObject({ code: 'BAD_IMAGE', message: like(/in another directory/) });
  });

  it('while VMware has the machine open, and for a missing extent', async () => {
    const path = foreign();
    mkdirSync(join(path, 'Virtual Disk.vmdk.lck'));
    expect(await attempt(path)).toMatchObject({ code: 'WRONG_STATE', message: like(/open in VMware/) });
    rmSync(join(path, 'Virtual Disk.vmdk.lck'), { recursive: true });
    rmSync(join(path, 'Virtual Disk-s001.vmdk'));
    expect(await attempt(path)).toMatchObject({ code: 'BAD_IMAGE', message: like(/-s001\.vmdk/) });
  });

  it('for an encrypted machine', async () => {
    const path = foreign();
    writeFileSync(vmxOf(), '.encoding = "UTF-8"\ndisplayName = "web"\nencryption.data = "AAAA"\n');
    expect(await attempt(path)).toMatchObject({ code: 'BROKEN_MACHINE', message: like(/Decrypt it/) });
  });
});
