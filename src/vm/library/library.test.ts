import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { useWorld } from '../../../test/support/world.ts';
import { generatedMac } from '../../model/uuid.ts';
import { list, show } from '../running/describe.ts';
import { remove } from './delete.ts';
import { register, unregister } from './register.ts';
import { rename } from './rename.ts';
import { changeSettings } from './settings.ts';

const world = useWorld();
const names = async () => (await list(world().host)).map(({ name }) => name);

/** Moves a machine out of the home. */
function elsewhere(name: string, bundle = true): string {
  const machine = world().machine(name);
  const place = join(world().home, bundle ? `far/${name}.vmwarevm` : 'far');
  mkdirSync(join(world().home, 'far'), { recursive: true });
  if (!bundle) rmSync(place, { recursive: true });
  renameSync(machine.directory, place);
  return join(place, `${name}.vmx`);
}

/** Registers a machine without a bundle, whose kernel and initrd could be any files. */
async function registerLoose(vmx: string): Promise<void> {
  const files = ['kernel', 'initrd'].map((name) => join(vmx, '..', name));
  await register(world().host, { path: vmx, allowOutside: files });
}

/** The `.vmx` of a machine without devices and without a UUID. */
function small(name: string): string {
  const lines = [
    'config.version = "8"',
    'virtualHW.version = "20"',
    'guestOS = "arm-debian12-64"',
    'memsize = "64"',
  ];
  return `${[...lines, `displayName = "${name}"`].join('\n')}\n`;
}

describe('register', () => {
  it('adds a machine that is elsewhere, once, by its .vmx or its bundle', async () => {
    const vmx = elsewhere('far');
    expect(await register(world().host, { path: vmx })).toMatchObject({
      name: 'far',
      path: vmx,
      state: 'stopped',
    });
    await register(world().host, { path: vmx.replace('/far.vmx', '') });
    expect(await names()).toEqual(['far']);
    await world().start('far');
    expect(await refused(unregister(world().host, 'far'))).toMatchObject({
      code: 'WRONG_STATE',
      next: like(/kame stop/),
    });
  });

  it('takes the only .vmx of a bundle that was renamed by hand, and asks which of several', async () => {
    const vmx = elsewhere('far');
    const bundle = join(world().home, 'far', 'New name.vmwarevm');
    renameSync(join(vmx, '..'), bundle);
    writeFileSync(join(bundle, '._far.vmx'), 'what macOS leaves beside files');
    expect(await register(world().host, { path: bundle })).toMatchObject({
      name: 'far',
      path: join(bundle, 'far.vmx'),
    });
    await unregister(world().host, 'far');
    writeFileSync(join(bundle, 'old.vmx'), small('old'));
    expect(await refused(register(world().host, { path: bundle }))).toMatchObject({
      code: 'BROKEN_MACHINE',
      message: like(/several others: far\.vmx, old\.vmx/),
    });
  });

  it('follows a machine that was moved from where it was registered, with its outside files', async () => {
    const iso = join(world().home, 'a.iso');
    writeFileSync(iso, 'iso');
    const cd = ['present = "TRUE"', 'deviceType = "cdrom-image"', `fileName = "${iso}"`];
    world().machine('far', ['sata0.present = "TRUE"', ...cd.map((line) => `sata0:1.${line}`)]);
    const [place, next] = ['here', 'there'].map((name) => join(world().home, name, 'far.vmwarevm'));
    mkdirSync(join(place!, '..'));
    mkdirSync(join(next!, '..'));
    renameSync(join(world().host.names.machines, 'far.vmwarevm'), place!);
    await register(world().host, { path: place!, allowOutside: [iso] });
    renameSync(place!, next!);
    const { path, outsideFiles } = await register(world().host, { path: next! });
    expect([path, outsideFiles[0]?.agreed]).toEqual([join(next!, 'far.vmx'), true]);
    expect(await names()).toEqual(['far']);
    const home = join(world().host.names.machines, 'far.vmwarevm');
    renameSync(next!, home);
    await register(world().host, { path: home });
    expect([await names(), (await show(world().host, 'far')).outsideFiles[0]?.agreed]).toEqual([
      ['far'],
      true,
    ]);
  });

  it('gives a machine a UUID that has none', async () => {
    const vmx = elsewhere('far');
    writeFileSync(vmx, small('far'));
    const { id } = await register(world().host, { path: vmx });
    expect(id).not.toMatch(/^0+-/);
  });

  it('keeps the addresses of a machine without a UUID that its file names, and derives the others', async () => {
    const vmx = elsewhere('far');
    const cards = [
      'ethernet0.present = "TRUE"',
      'ethernet0.addressType = "generated"',
      'ethernet0.generatedAddress = "00:0C:29:11:22:33"',
      'ethernet1.present = "TRUE"',
    ];
    writeFileSync(vmx, `${small('far')}${cards.join('\n')}\n`);
    const { nics, id } = await register(world().host, { path: vmx });
    expect(nics.map(({ mac }) => mac)).toEqual(['00:0c:29:11:22:33', generatedMac(id, 1)]);
    expect(readFileSync(vmx, 'utf8')).toContain('ethernet0.generatedAddress = "00:0C:29:11:22:33"');
  });

  it('refuses what is not there, no machine, broken, or of a name that is taken', async () => {
    const far = elsewhere('far');
    world().machine('near');
    expect((await refused(register(world().host, { path: '/nowhere/x.vmx' }))).code).toBe('FILE_ACCESS');
    expect((await refused(register(world().host, { path: '/dev/null' }))).code).toBe('USAGE');
    writeFileSync(far, small('near'));
    expect((await refused(register(world().host, { path: far }))).code).toBe('ALREADY_EXISTS');
    writeFileSync(far, 'a line that makes no sense\n');
    expect((await refused(register(world().host, { path: far }))).code).toBe('BROKEN_MACHINE');
  });
});

describe('unregister', () => {
  it('takes a machine off the list, whose files stay', async () => {
    const demo = world().machine();
    await unregister(world().host, 'demo');
    expect([await names(), existsSync(demo.vmx)]).toEqual([[], true]);
    await register(world().host, { path: demo.vmx });
    expect(await names()).toEqual(['demo']);
  });
});

describe('rename', () => {
  it('gives machine and bundle the new name', async () => {
    const demo = world().machine();
    const renamed = await rename(world().host, 'demo', 'other');
    expect([renamed.name, existsSync(demo.directory)]).toEqual(['other', false]);
    expect(renamed.path).toContain('other.vmwarevm');
    expect(await world().start('other')).toMatchObject({ state: 'running' });
    expect((await refused(rename(world().host, 'other', 'third'))).code).toBe('WRONG_STATE');
  });

  it('moves one that is elsewhere there', async () => {
    const vmx = elsewhere('far');
    await register(world().host, { path: vmx });
    const { path } = await rename(world().host, 'far', 'near');
    expect(path).toContain(join(world().home, 'far/near.vmwarevm'));
    expect(await names()).toEqual(['near']);
  });

  it('changes only the name of one that has no bundle', async () => {
    const vmx = elsewhere('far', false);
    await registerLoose(vmx);
    expect(await rename(world().host, 'far', 'near')).toMatchObject({ name: 'near', path: vmx });
  });

  it('to the same name is nothing; to one that is taken or wrong is refused', async () => {
    world().machine();
    world().machine('other');
    expect((await rename(world().host, 'demo', 'demo')).name).toBe('demo');
    expect((await refused(rename(world().host, 'demo', 'other'))).code).toBe('ALREADY_EXISTS');
    expect((await refused(rename(world().host, 'demo', 'a/b'))).code).toBe('INVALID_NAME');
    mkdirSync(join(world().host.names.machines, 'third.vmwarevm'));
    expect((await refused(rename(world().host, 'demo', 'third'))).code).toBe('ALREADY_EXISTS');
    expect(await names()).toContain('demo');
  });
});

describe('delete', () => {
  it('removes a stopped machine with all its files', async () => {
    const demo = world().machine();
    await world().start();
    expect((await refused(remove(world().host, 'demo'))).code).toBe('WRONG_STATE');
    await world().engines.of('demo').crash();
    await expect.poll(() => world().host.running.size).toBe(0);
    await remove(world().host, 'demo');
    expect([await names(), existsSync(demo.directory)]).toEqual([[], false]);
  });

  it('removes a broken one, and one whose directory is gone', async () => {
    const demo = world().machine();
    writeFileSync(demo.vmx, 'a line that makes no sense\n');
    await remove(world().host, 'demo');
    expect(existsSync(demo.directory)).toBe(false);
    const vmx = elsewhere('far');
    await register(world().host, { path: vmx });
    rmSync(join(world().home, 'far'), { recursive: true });
    await remove(world().host, vmx);
    expect(await names()).toEqual([]);
  });

  it('leaves what else is beside one without a bundle', async () => {
    const vmx = elsewhere('far', false);
    const note = join(world().home, 'far/note.txt');
    writeFileSync(note, 'mine');
    await registerLoose(vmx);
    await remove(world().host, 'far');
    expect(readdirSync(join(world().home, 'far'))).toEqual(['initrd', 'kernel', 'note.txt']);
  });

  it.each([
    ['kame.nvram = "far-efi.nvram"\nnvram = "far.nvram"', ['far.nvram']],
    ['nvram = "far.nvram"', ['far-efi.nvram']],
    ['nvram = "other/far.nvram"', ['far-efi.nvram', 'far.nvram']],
  ])('of one without a bundle with %j takes only its own EFI variables', async (lines, kept) => {
    const vmx = elsewhere('far', false);
    const far = join(world().home, 'far');
    writeFileSync(vmx, `${readFileSync(vmx, 'utf8')}${lines}\n`);
    mkdirSync(join(far, 'other'));
    for (const name of ['far.nvram', 'far-efi.nvram', 'other/far.nvram']) writeFileSync(join(far, name), 'x');
    await registerLoose(vmx);
    await remove(world().host, 'far');
    const left = readdirSync(far, { recursive: true }).map(String);
    expect(left.filter((name) => name.endsWith('.nvram')).sort()).toEqual([...kept, 'other/far.nvram']);
  });
});

describe('a machine', () => {
  it('is meant by name, id or path, and one that is meant is suggested', async () => {
    const demo = world().machine();
    const { id } = await show(world().host, 'demo');
    for (const reference of [id, id.toUpperCase(), id.replaceAll('-', ''), demo.vmx, demo.directory])
      expect((await show(world().host, reference)).name).toBe('demo');
    expect(await refused(show(world().host, 'dmeo'))).toMatchObject({
      code: 'NO_SUCH_MACHINE',
      message: like(/demo/),
    });
  });

  it('whose name another has too keeps it if its bundle has it; the other is meant by its bundle', async () => {
    const demo = world().machine();
    const other = world().machine('other');
    writeFileSync(
      other.vmx,
      other.read('other.vmx').replace('displayName = "other"', 'displayName = "demo"'),
    );
    for (const { vmx, name } of [demo, other]) {
      expect(await show(world().host, name)).toMatchObject({ path: vmx, name });
      expect(await show(world().host, vmx)).toMatchObject({ path: vmx, name });
    }
  });

  it('is the same however the letters of its name are composed, and gets them composed', async () => {
    const name = 'Übung é';
    world().machine(name.normalize('NFD'));
    expect((await show(world().host, name)).name.normalize('NFC')).toBe(name);
    expect((await rename(world().host, name, name)).path).toContain(name.normalize('NFD'));
    world().machine('demo');
    expect((await rename(world().host, 'demo', 'ä'.normalize('NFD'))).name).toBe('ä');
    expect((await refused(rename(world().host, 'ä', name))).code).toBe('ALREADY_EXISTS');
  });

  it('whose id another has too is meant by its path', async () => {
    const demo = world().machine();
    const other = world().machine('other');
    writeFileSync(other.vmx, demo.read('demo.vmx').replace('displayName = "demo"', 'displayName = "other"'));
    const { id } = await show(world().host, 'demo');
    expect(await refused(show(world().host, id))).toMatchObject({
      code: 'USAGE',
      message: `${id} could mean 2 machines.`,
      next: like(/other\.vmx/),
    });
  });

  it('whose name has a line break cannot forge a line of a list or a log', async () => {
    const demo = world().machine();
    const forged = demo.read('demo.vmx').replace('"demo"', '"demo|0Aweb  running|1B[2J"');
    writeFileSync(demo.vmx, forged);
    const name = 'demo\uFFFDweb  running\uFFFD[2J';
    expect(await names()).toEqual([name]);
    expect((await show(world().host, name)).path).toBe(demo.vmx);
  });

  it('that is broken is shown with the reason', async () => {
    const demo = world().machine();
    writeFileSync(demo.vmx, 'a line that makes no sense\n');
    const { state, problems } = await show(world().host, 'demo');
    expect([state, problems.some(({ severity }) => severity === 'error')]).toEqual(['broken', true]);
  });

  it('whose disk is damaged is shown with what is known', async () => {
    const demo = world().machine();
    writeFileSync(demo.file('disk0.qcow2'), 'no disk');
    expect((await show(world().host, 'demo')).disks).toMatchObject([
      { slot: 'nvme0:0', format: null, sizeBytes: null },
    ]);
  });

  it('whose disk keeps it from starting is shown with the reason', async () => {
    const demo = world().machine();
    rmSync(demo.file('disk0.qcow2'));
    expect((await show(world().host, 'demo')).problems).toMatchObject([
      { severity: 'warning', key: 'nvme0:0.fileName', message: like(/disk0\.qcow2 does not exist\./) },
    ]);
  });

  it('on a VMDK registers with a warning that says what a start needs, and its disk is readable', async () => {
    const demo = world().machine();
    qemuImg('create', '-q', '-f', 'vmdk', demo.file('a.vmdk'), '1M');
    writeFileSync(demo.vmx, demo.read('demo.vmx').replace('disk0.qcow2', 'a.vmdk'));
    const { disks, problems } = await register(world().host, { path: demo.vmx });
    expect(disks).toMatchObject([{ format: 'vmdk', sizeBytes: 1024 * 1024, path: demo.file('a.vmdk') }]);
    expect(problems).toEqual([
      {
        severity: 'warning',
        key: 'nvme0:0.fileName',
        message: `nvme0:0 is a VMDK, and a machine needs a qcow2 to start. \`kame create NAME --image PATH\` makes a machine with a copy of ${demo.file('a.vmdk')}.`,
      },
    ]);
    expect(await refused(world().start())).toMatchObject({
      code: 'BAD_IMAGE',
      next: like(/^Create a machine from it: `kame create NAME --image PATH`/),
    });
  });

  it('on an encrypted VMDK says that it is encrypted', async () => {
    const demo = world().machine();
    const lines = ['# Disk DescriptorFile', 'version=1', 'parentCID=ffffffff', 'createType="vmfs"'];
    const keys = ['encryptionKeys="vmware:key/list/x"', 'RW 8 VMFS "a-flat.vmdk"', ''];
    writeFileSync(demo.file('a.vmdk'), [...lines, ...keys].join('\n'));
    writeFileSync(demo.vmx, demo.read('demo.vmx').replace('disk0.qcow2', 'a.vmdk'));
    const { disks, problems } = await register(world().host, { path: demo.vmx });
    expect(disks).toMatchObject([{ format: 'vmdk', sizeBytes: null }]);
    expect(problems).toMatchObject([{ message: like(/a\.vmdk is encrypted\. Decrypt it in VMware/) }]);
  });
});

describe('settings', () => {
  it('are changed together or not at all', async () => {
    const demo = world().machine();
    const before = demo.read('demo.vmx');
    const bad = [
      { key: 'cpus', value: '4' },
      { key: 'memory', value: 'much' },
    ];
    expect(await refused(changeSettings(world().host, 'demo', bad))).toMatchObject({ code: 'INVALID_VALUE' });
    expect(demo.read('demo.vmx')).toBe(before);
    expect(await changeSettings(world().host, 'demo', [{ key: 'cpus', value: '4' }])).toMatchObject({
      cpus: 4,
    });
    expect(world().events.at(-1)).toMatchObject({ type: 'machine.changed', message: like(/cpus/) });
  });

  it('take out an ISO that was moved, as the refused start says', async () => {
    const drive = ['present = "TRUE"', 'deviceType = "cdrom-image"', 'fileName = "install.iso"'];
    world().machine('demo', ['sata0.present = "TRUE"', ...drive.map((line) => `sata0:0.${line}`)]);
    expect(await refused(world().start())).toMatchObject({
      code: 'FILE_ACCESS',
      next: 'Restore the file, or take the ISO out with kame set demo cdrom=empty.',
    });
    await changeSettings(world().host, 'demo', [{ key: 'cdrom', value: 'empty' }]);
    expect((await world().start()).state).toBe('running');
  });

  it('need a stopped machine', async () => {
    world().machine();
    await world().start();
    const change = changeSettings(world().host, 'demo', [{ key: 'cpus', value: '4' }]);
    expect((await refused(change)).code).toBe('WRONG_STATE');
  });
});
