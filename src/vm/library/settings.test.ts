import { describe, expect, it } from 'vitest';
import { like, refused } from '../../../test/support/refused.ts';
import { useWorld } from '../../../test/support/world.ts';
import { list } from '../running/describe.ts';
import { changeSettings } from './settings.ts';

const world = useWorld();

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

  it('remove an ISO that was moved, as the refused start advises', async () => {
    const drive = ['present = "TRUE"', 'deviceType = "cdrom-image"', 'fileName = "install.iso"'];
    world().machine('demo', ['sata0.present = "TRUE"', ...drive.map((line) => `sata0:0.${line}`)]);
    expect(await refused(world().start())).toMatchObject({
      code: 'FILE_ACCESS',
      next: 'Restore the file, or take the ISO out with kame set demo cdrom=empty.',
    });
    await changeSettings(world().host, 'demo', [{ key: 'cdrom', value: 'empty' }]);
    expect((await world().start()).state).toBe('running');
  });

  it('that are not about hardware may change while it runs, but not together with others', async () => {
    const demo = world().machine();
    const { host } = world();
    const set = async (...pairs: readonly (readonly [string, string])[]) =>
      await changeSettings(
        host,
        'demo',
        pairs.map(([key, value]) => ({ key, value })),
      );
    await set(['guestinfo.a', '1']);
    await world().start();
    await set(['GuestInfo.b', '2'], ['guestinfo.a', ''], ['notes', 'busy'], ['folder', ' work / web']);
    expect(await list(host)).toMatchObject([{ name: 'demo', state: 'running', folder: 'work/web' }]);
    expect(demo.read('demo.vmx')).toContain('GuestInfo.b = "2"');
    expect(demo.read('demo.vmx')).not.toContain('guestinfo.a');
    expect((await refused(set(['guestinfo.c', '3'], ['cpus', '4']))).code).toBe('WRONG_STATE');
  });

  it('need a stopped machine', async () => {
    world().machine();
    await world().start();
    const change = changeSettings(world().host, 'demo', [{ key: 'cpus', value: '4' }]);
    expect((await refused(change)).code).toBe('WRONG_STATE');
  });
});
