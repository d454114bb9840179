import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { revertBody, takeBody } from '../../../test/support/bodies.ts';
import { elsewhere, namesIn } from '../../../test/support/library.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { generatedMac } from '../../model/uuid.ts';
import { writeJournal } from '../../store/journal.ts';
import { machineNames } from '../../store/names.ts';
import { list, show } from '../running/describe.ts';
import { revertSnapshot } from '../snapshot/revert.ts';
import { takeSnapshot } from '../snapshot/snapshots.ts';
import { register, unregister } from './register.ts';

const world = useWorld();
const deadLock = '{"pid":4194303,"birth":"1@none","purpose":"engine"}';

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
    const vmx = elsewhere(world(), 'far');
    expect(await register(world().host, { path: vmx })).toMatchObject({
      name: 'far',
      path: vmx,
      state: 'stopped',
    });
    await register(world().host, { path: vmx.replace('/far.vmx', '') });
    expect(await namesIn(world())).toEqual(['far']);
    await world().start('far');
    expect(await refused(unregister(world().host, 'far'))).toMatchObject({
      code: 'WRONG_STATE',
      next: like(/kame stop/),
    });
  });

  it('uses the only .vmx of a bundle that was renamed by hand, and asks which one of several', async () => {
    const vmx = elsewhere(world(), 'far');
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
    expect(await namesIn(world())).toEqual(['far']);
    const home = join(world().host.names.machines, 'far.vmwarevm');
    renameSync(next!, home);
    await register(world().host, { path: home });
    expect([await namesIn(world()), (await show(world().host, 'far')).outsideFiles[0]?.agreed]).toEqual([
      ['far'],
      true,
    ]);
  });

  it('gives a UUID to a machine that has none', async () => {
    const vmx = elsewhere(world(), 'far');
    writeFileSync(vmx, small('far'));
    const { id } = await register(world().host, { path: vmx });
    expect(id).not.toMatch(/^0+-/);
  });

  it('keeps the addresses of a machine without a UUID that its file names, and derives the others', async () => {
    const vmx = elsewhere(world(), 'far');
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

  it('refuses what does not exist, is not a machine, is broken, or has a name that is taken', async () => {
    const far = elsewhere(world(), 'far');
    world().machine('near');
    expect((await refused(register(world().host, { path: '/nowhere/x.vmx' }))).code).toBe('FILE_ACCESS');
    expect((await refused(register(world().host, { path: '/dev/null' }))).code).toBe('USAGE');
    writeFileSync(far, small('near'));
    expect((await refused(register(world().host, { path: far }))).code).toBe('ALREADY_EXISTS');
    expect(await register(world().host, { path: far, sameName: true })).toMatchObject({ path: far });
    expect((await show(world().host, far)).path).toBe(far);
    await unregister(world().host, far);
    writeFileSync(far, 'a line that makes no sense\n');
    expect((await refused(register(world().host, { path: far }))).code).toBe('BROKEN_MACHINE');
  });
});

describe('a machine that was moved or copied by hand', () => {
  it('has an unfinished operation completed when it is registered', async () => {
    const demo = world().machine();
    const { host } = world();
    const before = readdirSync(demo.directory);
    await writeJournal(host.names, machineNames(demo.vmx), { kind: 'tidy', paused: false });
    writeFileSync(demo.file('lock'), deadLock);
    writeFileSync(demo.file('.demo.vmx.0123456789ab.tmp'), 'half');
    mkdirSync(demo.file('checkpoints/s-0badcafe'), { recursive: true });
    const moved = join(world().home, 'elsewhere', 'demo.vmwarevm');
    mkdirSync(join(world().home, 'elsewhere'));
    renameSync(demo.directory, moved);
    await register(host, { path: moved });
    expect((await list(host)).map(({ state }) => state)).toEqual(['stopped']);
    const left = readdirSync(moved).filter((name) => name !== 'checkpoints' && name !== 'demo.log');
    expect([left, readdirSync(host.names.operations)]).toEqual([before, []]);
    expect(readdirSync(moved)).toContain('checkpoints');
    expect(readdirSync(join(moved, 'checkpoints'))).toEqual([]);
  });

  it('is followed to its next place after a revert to a snapshot from its former place', async () => {
    world().machine();
    const { host } = world();
    const places = ['machines', 'one', 'two'].map((name) => join(world().home, name, 'demo.vmwarevm'));
    for (const name of ['one', 'two']) mkdirSync(join(world().home, name));
    const [first, second, third] = places as [string, string, string];
    await register(host, { path: first });
    await takeSnapshot(host, 'demo', takeBody({ label: 'then' }), quiet);
    renameSync(first, second);
    await register(host, { path: second });
    await revertSnapshot(host, 'demo', 'then', revertBody(), quiet);
    renameSync(second, third);
    await register(host, { path: third });
    expect((await list(host)).map(({ name, path }) => [name, path])).toEqual([
      ['demo', join(third, 'demo.vmx')],
    ]);
  });

  it('is not followed if it is a copy with the journal of its original', async () => {
    const demo = world().machine();
    const { host } = world();
    const foreign = '{"kind":"tidy","paused":false,"nonce":"0123456789abcdef0123456789abcdef"}';
    const moved = join(world().home, 'elsewhere', 'demo.vmwarevm');
    mkdirSync(join(world().home, 'elsewhere'));
    renameSync(demo.directory, moved);
    writeFileSync(join(moved, 'operation.json'), foreign);
    await register(host, { path: moved });
    expect(readdirSync(moved)).toContain('operation.json');
  });
});

describe('unregister', () => {
  it('removes a machine from the list and keeps its files', async () => {
    const demo = world().machine();
    await unregister(world().host, 'demo');
    expect([await namesIn(world()), existsSync(demo.vmx)]).toEqual([[], true]);
    await register(world().host, { path: demo.vmx });
    expect(await namesIn(world())).toEqual(['demo']);
  });
});
