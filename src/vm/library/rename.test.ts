import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, rename as move } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { at, useLayers } from '../../../test/support/disk-layers.ts';
import { diskMachine, type DiskMachine } from '../../../test/support/disk-machine.ts';
import { elsewhere, namesIn, registerLoose } from '../../../test/support/library.ts';
import { refused } from '../../../test/support/refused.ts';
import { useWorld } from '../../../test/support/world.ts';
import { silentProgress } from '../../core/progress.ts';
import { clone } from '../clone/clone.ts';
import { listSnapshots, takeSnapshot } from '../snapshot/snapshots.ts';
import { register } from './register.ts';
import { rename } from './rename.ts';

useLayers();

let demo: DiskMachine;
beforeEach(() => (demo = diskMachine(at('home'))));

const machines = () => join(at('home'), 'machines');
const take = async () =>
  await takeSnapshot(demo.host, 'demo', { label: 'one', diskOnly: false, quiesce: false }, silentProgress());

describe('rename', () => {
  it('renames the bundle, the .vmx and the files named after it; disks keep their names', async () => {
    await take();
    writeFileSync(demo.file('demo.log'), 'log\n');
    const { path, name } = await rename(demo.host, 'demo', 'front');
    expect([name, path]).toEqual(['front', join(machines(), 'front.vmwarevm', 'front.vmx')]);
    expect(readdirSync(machines())).toEqual(['front.vmwarevm']);
    const files = readdirSync(join(machines(), 'front.vmwarevm'));
    expect(files).toEqual(expect.arrayContaining(['disk0.qcow2', 'front.log', 'front.vmsd', 'front.vmx']));
    expect(files.filter((file) => file.startsWith('demo'))).toEqual([]);
    expect(await listSnapshots(demo.host, 'front')).toMatchObject([{ label: 'one' }]);
  });

  it('works for a machine outside the home, and the old name can be restored', async () => {
    await mkdir(at('elsewhere'));
    await move(join(machines(), 'demo.vmwarevm'), join(at('elsewhere'), 'demo.vmwarevm'));
    await register(demo.host, { path: join(at('elsewhere'), 'demo.vmwarevm') });
    await rename(demo.host, 'demo', 'front');
    const front = join(at('elsewhere'), 'front.vmwarevm', 'front.vmx');
    expect(await demo.host.inventory.paths()).toEqual([front]);
    const { path } = await rename(demo.host, 'front', 'demo');
    expect(await demo.host.inventory.paths()).toEqual([path]);
  });

  it('keeps a link to a bundle elsewhere a link to it', async () => {
    await mkdir(at('elsewhere'));
    const bundle = (name: string) => join(at('elsewhere'), `${name}.vmwarevm`);
    await move(join(machines(), 'demo.vmwarevm'), bundle('demo'));
    symlinkSync(bundle('demo'), join(machines(), 'demo.vmwarevm'));
    await rename(demo.host, 'demo', 'front');
    expect(await demo.host.inventory.paths()).toEqual([join(bundle('front'), 'front.vmx')]);
    expect(readdirSync(machines()).map((name) => [name, readlinkSync(join(machines(), name))])).toEqual([
      ['front.vmwarevm', bundle('front')],
    ]);
  });

  it('completes a rename that was killed between the bundle and its .vmx', async () => {
    await take();
    await move(join(machines(), 'demo.vmwarevm'), join(machines(), 'front.vmwarevm'));
    // The copy of the .vmsd was there already, and is out of date by now.
    writeFileSync(join(machines(), 'front.vmwarevm', 'back.vmsd'), 'old');
    const { path } = await rename(demo.host, 'demo', 'back');
    expect(path).toBe(join(machines(), 'back.vmwarevm', 'back.vmx'));
    expect(await listSnapshots(demo.host, 'back')).toMatchObject([{ label: 'one' }]);
  });

  it('changes nothing when the target exists', async () => {
    await mkdir(join(machines(), 'front.vmwarevm'));
    writeFileSync(join(machines(), 'front.vmwarevm', 'other.vmx'), 'displayName = "other"\n');
    const before = readFileSync(demo.vmx, 'utf8');
    await expect(rename(demo.host, 'demo', 'front')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect([readFileSync(demo.vmx, 'utf8') === before, existsSync(demo.file('lock'))]).toEqual([true, false]);
  });

  it('updates the records of a linked clone: its parent knows its new place', async () => {
    const body = { name: 'copy', kind: 'linked', count: 1, start: false, keepIdentity: false } as const;
    await clone(demo.host, 'demo', { ...body, wait: 'none', timeoutMs: 1000 }, silentProgress());
    const { path } = await rename(demo.host, 'copy', 'second');
    expect(await listSnapshots(demo.host, 'demo')).toMatchObject([{ clones: [path] }]);
    await expect(rename(demo.host, 'demo', 'front')).rejects.toMatchObject({
      code: 'HAS_CLONES',
      message: `Cannot rename demo: these linked clones depend on its disks: ${path}.`,
    });
  });
});

describe('the rename of a machine', () => {
  const world = useWorld();

  it('gives machine and bundle the new name', async () => {
    const demo = world().machine();
    const renamed = await rename(world().host, 'demo', 'other');
    expect([renamed.name, existsSync(demo.directory)]).toEqual(['other', false]);
    expect(renamed.path).toContain('other.vmwarevm');
    expect(await world().start('other')).toMatchObject({ state: 'running' });
    expect((await refused(rename(world().host, 'other', 'third'))).code).toBe('WRONG_STATE');
  });

  it('renames a machine outside the home in its place', async () => {
    const vmx = elsewhere(world(), 'far');
    await register(world().host, { path: vmx });
    const { path } = await rename(world().host, 'far', 'near');
    expect(path).toContain(join(world().home, 'far/near.vmwarevm'));
    expect(await namesIn(world())).toEqual(['near']);
  });

  it('changes only the name of a machine without a bundle', async () => {
    const vmx = elsewhere(world(), 'far', false);
    await registerLoose(world(), vmx);
    expect(await rename(world().host, 'far', 'near')).toMatchObject({ name: 'near', path: vmx });
  });

  it('to the same name does nothing; to one that is taken or invalid is refused', async () => {
    world().machine();
    world().machine('other');
    expect((await rename(world().host, 'demo', 'demo')).name).toBe('demo');
    expect((await refused(rename(world().host, 'demo', 'other'))).code).toBe('ALREADY_EXISTS');
    expect((await refused(rename(world().host, 'demo', 'a/b'))).code).toBe('INVALID_NAME');
    mkdirSync(join(world().host.names.machines, 'third.vmwarevm'));
    expect((await refused(rename(world().host, 'demo', 'third'))).code).toBe('ALREADY_EXISTS');
    expect(await namesIn(world())).toContain('demo');
  });
});
