import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cloneBody } from '../../../test/support/bodies.ts';
import { refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import type { WorldMachine } from '../../../test/support/world-machine.ts';
import { clone } from '../clone/clone.ts';
import { listDisks } from '../disk/list.ts';
import { inspect, register, unregister } from '../library/register.ts';
import { rename } from '../library/rename.ts';
import { changeSettings } from '../library/settings.ts';
import { show } from '../running/describe.ts';

const world = useWorld();
let secret = '';

beforeEach(() => {
  mkdirSync(join(world().home, 'elsewhere'));
  secret = join(world().home, 'elsewhere', 'secret.iso');
  writeFileSync(secret, 'secret');
});

const cd = (fileName: string): string[] => [
  'sata0.present = "TRUE"',
  'sata0:1.present = "TRUE"',
  'sata0:1.deviceType = "cdrom-image"',
  `sata0:1.fileName = "${fileName}"`,
];
const machine = (...more: string[]): WorldMachine => world().machine('demo', more);
const outside = async () => (await show(world().host, 'demo')).outsideFiles;
const startRefused = async () => await refused(world().start());

describe('a file outside the directory of a machine', () => {
  it.each([
    ['an absolute path', () => secret],
    ['a path with ..', () => '../../elsewhere/secret.iso'],
  ])('is not given to the guest: %s', async (_how, name) => {
    const demo = machine(...cd(name()));
    const error = await startRefused();
    expect(error).toMatchObject({ code: 'OUTSIDE_FILES' });
    expect([error.message, error.next]).toEqual([
      expect.stringContaining(`${secret} (CD sata0:1)`),
      expect.stringContaining(`kame register ${demo.vmx} --allow-outside`),
    ]);
    expect(world().engines.all).toEqual([]);
    expect(await outside()).toEqual([{ path: secret, use: 'CD sata0:1', writable: false, agreed: false }]);
  });

  it('is not given to the guest through a link in the bundle', async () => {
    const demo = machine(...cd('innocent.iso'));
    symlinkSync(secret, demo.file('innocent.iso'));
    expect((await startRefused()).message).toContain(secret);
  });

  it('is not given to the guest as kernel, initrd or disk', async () => {
    const demo = machine();
    for (const name of ['kernel', 'initrd', 'disk0.qcow2']) {
      renameSync(demo.file(name), join(world().home, 'elsewhere', name));
      symlinkSync(join(world().home, 'elsewhere', name), demo.file(name));
    }
    const { message } = await startRefused();
    expect(message).toMatch(/disk0\.qcow2 \(disk nvme0:0, writable\).*kernel \(kernel\).*initrd \(initrd\)/);
  });

  it('is not copied into a clone', async () => {
    const demo = machine();
    renameSync(demo.file('disk0.qcow2'), secret);
    symlinkSync(secret, demo.file('disk0.qcow2'));
    const copying = clone(world().host, 'demo', cloneBody({ name: 'copy', kind: 'full' }), quiet);
    expect((await refused(copying)).code).toBe('OUTSIDE_FILES');
  });

  it('is used after it was approved by name, and no other file is', async () => {
    const demo = machine(...cd(secret));
    const other = join(world().home, 'elsewhere', 'other.iso');
    await refused(register(world().host, { path: demo.vmx, allowOutside: [other] }));
    await register(world().host, { path: demo.vmx, allowOutside: [secret] });
    expect(await outside()).toMatchObject([{ path: secret, agreed: true }]);
    await world().start();
    await world().engines.of('demo').crash();
    await expect.poll(() => world().host.running.size).toBe(0);
    writeFileSync(other, 'other');
    writeFileSync(demo.vmx, readFileSync(demo.vmx, 'utf8').replace(secret, other));
    expect((await startRefused()).message).toContain(other);
  });

  it('that a person sets is approved, while others that were not approved are still refused', async () => {
    machine(...cd(secret));
    const other = join(world().home, 'elsewhere', 'other.iso');
    writeFileSync(other, 'other');
    const settings = [
      { key: 'sata0:2.present', value: 'TRUE' },
      { key: 'sata0:2.deviceType', value: 'cdrom-image' },
      { key: 'sata0:2.fileName', value: other },
    ];
    await changeSettings(world().host, 'demo', settings);
    expect(await outside()).toMatchObject([
      { path: secret, agreed: false },
      { path: other, agreed: true },
    ]);
  });

  it('stays approved when the machine is renamed, but not when it is unregistered', async () => {
    const demo = machine(...cd(secret));
    await register(world().host, { path: demo.vmx, allowOutside: [secret] });
    const { path, outsideFiles } = await rename(world().host, 'demo', 'other');
    expect(outsideFiles).toMatchObject([{ agreed: true }]);
    await unregister(world().host, 'other');
    expect((await inspect(world().host, path)).outsideFiles).toMatchObject([{ agreed: false }]);
  });

  it('is approved by whoever clones a machine that has it', async () => {
    const demo = machine(...cd(secret));
    await register(world().host, { path: demo.vmx, allowOutside: [secret] });
    await clone(world().host, 'demo', cloneBody({ name: 'copy', kind: 'full' }), quiet);
    expect((await show(world().host, 'copy')).outsideFiles).toMatchObject([{ agreed: true }]);
  });

  it('is never needed for what is in the bundle', async () => {
    machine();
    expect(await outside()).toEqual([]);
    expect(await listDisks(world().host, 'demo')).toHaveLength(1);
    expect(existsSync(secret)).toBe(true);
  });
});

describe('the layers beneath a disk outside', () => {
  it('are listed too: the guest reads them', async () => {
    const demo = machine();
    const disk = join(world().home, 'elsewhere', 'disk.qcow2');
    renameSync(demo.file('disk0.qcow2'), disk);
    writeFileSync(demo.vmx, readFileSync(demo.vmx, 'utf8').replace('disk0.qcow2', disk));
    expect(await outside()).toMatchObject([{ path: disk, use: 'disk nvme0:0', writable: true }]);
  });
});
