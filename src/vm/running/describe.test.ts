import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useWorld } from '../../../test/support/world.ts';
import { list, show } from './describe.ts';

const world = useWorld();
const rows = async () =>
  (await list(world().host)).map(({ name, state, reason }) => ({ name, state, reason }));
const whole = { name: 'whole', state: 'stopped', reason: null };

describe('the list of machines', () => {
  it('has a broken row with the reason for a machine whose lock cannot be read', async () => {
    world().machine('whole');
    const demo = world().machine();
    // As unreadable as the lock of another user, also for root.
    mkdirSync(demo.file('lock'));
    const reason = `${demo.file('lock')} is not a regular file, so Kame does not use it.`;
    expect(await rows()).toEqual([{ name: 'demo', state: 'broken', reason }, whole]);
    const { problems } = await show(world().host, 'demo');
    expect(problems).toContainEqual({ severity: 'error', key: '', message: reason });
  });

  it('shows nothing of a machine whose .vmx is none, instead of defaults', async () => {
    const demo = world().machine();
    writeFileSync(demo.vmx, 'garbage');
    const nothing = { state: 'broken', id: '', arch: null, cpus: 0, memoryBytes: 0 };
    expect(await list(world().host)).toMatchObject([nothing]);
    expect(await show(world().host, 'demo')).toMatchObject({ ...nothing, guestOS: '', firmware: '' });
  });

  it('has a broken row for a lock that is far too large to be one of Kame', async () => {
    const demo = world().machine();
    writeFileSync(demo.file('lock'), '{'.repeat(20_000));
    expect(await rows()).toMatchObject([{ name: 'demo', state: 'broken' }]);
  });

  it('has a broken row with the reason for a bundle that cannot be read, or is missing', async () => {
    world().machine('whole');
    const demo = world().machine();
    rmSync(demo.vmx);
    mkdirSync(demo.vmx);
    const file = join(world().home, 'file');
    writeFileSync(file, '');
    const unplugged = join(world().home, 'drive', 'x.vmwarevm', 'x.vmx');
    for (const vmx of [join(file, 'y.vmx'), unplugged]) await world().host.inventory.register(vmx);
    expect(await rows()).toEqual([
      {
        name: 'demo',
        state: 'broken',
        reason: `${demo.vmx} is not a regular file, so Kame does not use it.`,
      },
      whole,
      { name: 'x', state: 'broken', reason: `${unplugged} is not there.` },
      {
        name: 'y',
        state: 'broken',
        reason: `${join(file, 'y.vmx')}: ENOTDIR: not a directory, open '${join(file, 'y.vmx')}'`,
      },
    ]);
  });

  it('uses the only .vmx of a bundle that was renamed by hand, and none of several', async () => {
    const demo = world().machine();
    renameSync(demo.directory, join(world().home, 'machines', 'new.vmwarevm'));
    expect(await rows()).toEqual([{ name: 'demo', state: 'stopped', reason: null }]);
    const bundle = join(world().home, 'machines', 'new.vmwarevm');
    writeFileSync(join(bundle, 'a copy.vmx'), '');
    const message = `${join(bundle, 'new.vmx')} is not there, and the bundle contains several others: a copy.vmx, demo.vmx. Give the right one this name.`;
    expect(await rows()).toEqual([{ name: 'new', state: 'broken', reason: message }]);
  });
});
