import { describe, expect, it } from 'vitest';
import type { AddNic, SetNic } from '../../api/nic.ts';
import { noShape } from '../../model/link-shape.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import { suspend } from '../power/suspend.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { addNic } from './add.ts';
import { listNics } from './list.ts';
import { removeNic } from './remove.ts';
import { setNic } from './set.ts';

const world = useWorld();
const { signal } = new AbortController();

const add = (body: Partial<AddNic> = {}) => addNic(world().host, 'demo', { network: 'nat', ...body }, signal);
const set = (index: number, body: SetNic) => setNic(world().host, 'demo', index, body);
const remove = (index: number, deadlineMs?: number) =>
  removeNic(world().host, 'demo', index, { signal, ...(deadlineMs === undefined ? {} : { deadlineMs }) });
const numbers = async () => (await listNics(world().host, 'demo')).map(({ index }) => index);
const recorded = () =>
  world()
    .running()
    .record.networks.map(({ index, network }) => [index, network]);

/** The next daemon. */
async function adopted(): Promise<void> {
  await world().replaceHost();
  await adoptAll(world().host);
}

/** How adapters are in the `.vmx`, in the engine and in the run record: these must agree. */
async function agreement(): Promise<unknown[]> {
  const inEngine = [...world().engines.of('demo').nics.devices.keys()].map((id) => Number(id.slice(3)));
  return [await numbers(), inEngine, recorded().map(([index]) => index)];
}

describe('a stopped machine', () => {
  it('gets an adapter, with the address that VMware would generate', async () => {
    const demo = world().machine();
    const nic = await add({ network: 'host-only' });
    expect(nic).toMatchObject({ index: 1, network: 'hostonly', connected: true, removable: true });
    expect(nic.model).toBe('virtio-net');
    expect(demo.read('demo.vmx')).toMatch(/ethernet1\.connectionType = "hostonly"/);
    expect(demo.read('demo.vmx')).not.toMatch(/ethernet1\.port/);
    expect(await numbers()).toEqual([0, 1]);
  });

  it('fills the lowest free number, and has at most eight', async () => {
    world().machine();
    for (let count = 1; count < 8; count += 1) await add();
    await remove(3);
    expect((await add()).index).toBe(3);
    expect(await refused(add())).toMatchObject({ code: 'INVALID_VALUE', message: like(/ethernet8/) });
  });

  it('loses one with all its keys', async () => {
    const demo = world().machine('demo', ['ethernet0.pciSlotNumber = "160"']);
    expect(await remove(0)).toMatchObject({ index: 0, network: 'nat' });
    expect(demo.read('demo.vmx')).not.toMatch(/ethernet0\./);
  });

  it('is connected to another network, with limits, and keeps them', async () => {
    const demo = world().machine();
    const limits = { bitsPerSecond: 10_000_000, lossPerMille: 10, latencyMs: 20 };
    await set(0, { network: 'segment:52 C1-00', receive: limits, transmit: { latencyMs: 5 } });
    const [nic] = await listNics(world().host, 'demo');
    expect(nic).toMatchObject({
      network: 'segment:52 C1-00',
      receive: limits,
      transmit: { bitsPerSecond: null, lossPerMille: 0, latencyMs: 5 },
    });
    expect(demo.read('demo.vmx')).toMatch(/rxfi\.dropsize = "1"/);
    await set(0, { network: 'nat', receive: { lossPerMille: 0, bitsPerSecond: null } });
    expect(demo.read('demo.vmx')).not.toMatch(/dropsize|pvnID|bw\.limit/);
  });

  it.each([
    [() => set(4, { connected: false }), 'NO_SUCH_NIC', /no network adapter 4/],
    [() => remove(4), 'NO_SUCH_NIC', /no network adapter 4/],
    [() => set(0, {}), 'USAGE', /Nothing is given/],
    [() => set(0, { network: 'labb' }), 'NO_SUCH_NETWORK', /no network labb/],
    [() => add({ network: 'my lab' }), 'INVALID_VALUE', /network is "my lab"/],
    [() => add({ model: 'virtio' }), 'INVALID_VALUE', /model is "virtio"/],
    [() => add({ mac: 'x' }), 'INVALID_VALUE', /mac is "x"/],
    [() => add({ mac: '01:00:5e:00:00:01' }), 'INVALID_VALUE', /a unicast address/],
  ] as const)('is not changed by %s', async (work, code, message) => {
    const demo = world().machine();
    const before = demo.read('demo.vmx');
    expect(await refused(work())).toMatchObject({ code, message: like(message) });
    expect(demo.read('demo.vmx')).toBe(before);
  });

  it('is not changed while it is suspended', async () => {
    world().machine();
    await world().start();
    await suspend(world().host, 'demo', quiet);
    expect((await refused(add())).message).toMatch(/the network adapters of demo while it is suspended/);
  });
});

describe('a running machine', () => {
  it('gets an adapter in a free port, where it stays in later starts and saved states', async () => {
    const demo = world().machine();
    const { nics } = await world().start();
    expect(await add({ network: 'hostonly', model: 'e1000e' })).toMatchObject({ index: 1, removable: true });
    expect(nics.backends.get('net1')).toMatchObject({ type: 'stream', server: true });
    expect(nics.devices.get('nic1')).toMatchObject({ driver: 'e1000e', bus: 'port0', netdev: 'net1' });
    expect(demo.read('demo.vmx')).toMatch(/kame\.ethernet1\.port = "0"/);
    expect(recorded()).toEqual([
      [0, { name: 'vmnet8' }],
      [1, { name: 'vmnet1' }],
    ]);
    await add();
    expect(nics.devices.get('nic2')).toMatchObject({ bus: 'port1' });
  });

  it('has four ports', async () => {
    world().machine();
    await world().start();
    for (let count = 0; count < 4; count += 1) await add();
    expect(await refused(add())).toMatchObject({ code: 'WRONG_STATE', message: like(/all 4 ports/) });
    await remove(2);
    expect(await add()).toMatchObject({ index: 2 });
    expect(await agreement()).toEqual([
      [0, 1, 2, 3, 4],
      expect.arrayContaining([0, 1, 2, 3, 4]),
      [0, 1, 2, 3, 4],
    ]);
  });

  it('does not get the address of another running machine, or one of its own twice', async () => {
    world().machine();
    world().machine('other', ['ethernet0.addressType = "static"', 'ethernet0.address = "00:50:56:00:00:01"']);
    const { nics } = await world().start();
    await world().start('other');
    expect(await refused(add({ mac: '00:50:56:00:00:01' }))).toMatchObject({
      message: like(/other has the MAC/),
    });
    await add({ mac: '00:50:56:00:00:02' });
    expect((await refused(add({ mac: '00:50:56:00:00:02' }))).code).toBe('INVALID_VALUE');
    expect([...nics.backends.keys()]).toEqual(['net0', 'net1']);
  });

  it('keeps nothing of an adapter that the engine refuses', async () => {
    const demo = world().machine();
    const engine = await world().start();
    const before = demo.read('demo.vmx');
    world().engines.troubles.refuse('device_add', 'no slot');
    expect((await refused(add())).code).toBe('ENGINE_FAILED');
    expect([...engine.nics.backends.keys()]).toEqual(['net0']);
    expect(demo.read('demo.vmx')).toBe(before);
    expect(demo.files()).not.toContain('operation.json');
  });

  it('has its cable unplugged, which lasts over a restart, and plugged in', async () => {
    world().machine();
    const { nics } = await world().start();
    expect(await set(0, { connected: false })).toMatchObject({ connected: false });
    expect([...nics.pulled]).toEqual(['nic0']);
    expect(await set(0, { connected: true })).toMatchObject({ connected: true });
    expect([...nics.pulled]).toEqual([]);
  });

  it('moves to another network by its switch alone, without the engine', async () => {
    world().machine();
    const { nics, received } = await world().start();
    const told: unknown[] = [];
    world().host.networks.machineChanged = async ({ record }) => {
      told.push(record.networks[0]?.network);
      await Promise.resolve();
    };
    await set(0, { network: 'vmnet1', receive: { latencyMs: 20 } });
    expect(told).toEqual([{ name: 'vmnet1' }]);
    expect(received.filter((command) => command.startsWith('netdev'))).toEqual([]);
    expect(nics.backends.size).toBe(1);
    const port = world().running().record.networks[0];
    expect(port?.shape).toEqual({ ...noShape, receive: { ...noShape.receive, latencyMs: 20 } });
  });

  it('keeps an adapter that is built in', async () => {
    world().machine();
    await world().start();
    expect(await refused(remove(0))).toMatchObject({
      code: 'WRONG_STATE',
      message: like(/only an adapter that was added while it ran/),
    });
  });

  it('loses an adapter that its guest releases', async () => {
    const demo = world().machine();
    const { nics } = await world().start();
    await add();
    await remove(1);
    expect([...nics.backends.keys()]).toEqual(['net0']);
    expect(demo.read('demo.vmx')).not.toMatch(/ethernet1\./);
    expect(await agreement()).toEqual([[0], [0], [0]]);
  });

  it('keeps an adapter until its guest releases it', async () => {
    const demo = world().machine();
    const { nics } = await world().start();
    await add();
    nics.letsGo = false;
    expect(await refused(remove(1, 10))).toMatchObject({ code: 'GUEST_TIMEOUT', next: like(/--disconnect/) });
    expect(await agreement()).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    // Asked again, it waits for the same answer.
    expect((await refused(remove(1, 10))).code).toBe('GUEST_TIMEOUT');
    nics.letGo('nic1');
    await until(() => !demo.read('demo.vmx').includes('ethernet1.'));
    await until(() => !nics.backends.has('net1'));
    await until(() => recorded().length === 1);
  });

  it('loses an adapter that its guest released while no daemon ran', async () => {
    world().machine();
    const { nics } = await world().start();
    await add();
    nics.letsGo = false;
    await refused(remove(1, 10));
    await world().host.running.detachAll();
    nics.letGo('nic1');
    await adopted();
    expect(await agreement()).toEqual([[0], [0], [0]]);
  });

  it('with the first hardware generation only has the cable unplugged', async () => {
    world().machine();
    const { nics } = await world().start();
    const machine = world().running();
    machine.record = { ...machine.record, hardware: 1, networks: [] };
    expect((await refused(add())).message).toMatch(/started by an older version of Kame/);
    expect((await refused(set(0, { network: 'hostonly' }))).message).toMatch(/older version/);
    await set(0, { connected: false });
    expect([...nics.pulled]).toEqual(['nic0']);
  });
});

describe('a daemon that is killed', () => {
  it.each(['netdev_add', 'device_add'])('at %s leaves no half-added adapter', async (command) => {
    world().machine();
    await world().start();
    await world().killDaemonAt(command, async () => await add());
    await adoptAll(world().host);
    expect(await agreement()).toEqual([[0], [0], [0]]);
    expect([...world().engines.of('demo').nics.backends.keys()]).toEqual(['net0']);
    expect(await add()).toMatchObject({ index: 1 });
  });

  it('after the engine has the adapter leaves the adapter', async () => {
    world().machine();
    const engine = await world().start();
    const held = world().host.networks;
    held.machineChanged = async () => await new Promise(() => undefined);
    void add().catch(() => undefined);
    await until(() => engine.nics.devices.has('nic1') && recorded().length === 2);
    world().abandonHost(Promise.resolve());
    await adoptAll(world().host);
    expect(await agreement()).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
  });

  it('between the .vmx and the cable unplugs the cable', async () => {
    world().machine();
    const engine = await world().start();
    await world().killDaemonAt('set_link', async () => await set(0, { connected: false }));
    await adoptAll(world().host);
    expect([...engine.nics.pulled]).toEqual(['nic0']);
    expect((await listNics(world().host, 'demo'))[0]).toMatchObject({ connected: false });
  });

  it('after the guest released the adapter and before its backend is removed, removes the rest', async () => {
    world().machine();
    await world().start();
    await add();
    await world().killDaemonAt('netdev_del', async () => await remove(1));
    await adoptAll(world().host);
    expect(await agreement()).toEqual([[0], [0], [0]]);
    expect([...world().engines.of('demo').nics.backends.keys()]).toEqual(['net0']);
  });
});
