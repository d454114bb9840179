import { createServer } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { fakeNetworks, type FakeNetworks } from '../../../test/support/fake-networks.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { useWorld } from '../../../test/support/world.ts';
import { createNetwork as create, type AddForward, type SetForward } from '../../api/network.ts';
import { freePort } from '../../sys/port-probe.ts';
import { remove } from '../library/delete.ts';
import { rename } from '../library/rename.ts';
import { createNetwork } from './config.ts';
import { listForwards } from './describe.ts';
import { addForward, removeForward, setForward } from './forwards.ts';

const world = useWorld();
let fake: FakeNetworks;
let hostPort: number;
beforeEach(async () => {
  fake = fakeNetworks(world().host);
  hostPort = await freePort('127.0.0.1');
  world().machine('web');
  world().machine('db');
});

const add = async (change: Partial<AddForward> = {}, network = 'vmnet8') =>
  await addForward(fake.host, network, {
    transport: 'tcp',
    bind: '127.0.0.1',
    hostPort,
    target: 'web',
    guestPort: 80,
    ...change,
  });

describe('a forward', () => {
  it('leads to a machine, even after a rename, and is still shown when the machine is gone', async () => {
    const added = await add();
    expect(added).toMatchObject({
      machine: 'web',
      address: like(/^192\.168\./),
      state: 'waiting',
      automatic: false,
    });
    expect(fake.changed).toEqual(['vmnet8']);
    await rename(world().host, 'web', 'front');
    expect(await listForwards(fake.host, 'vmnet8')).toMatchObject([
      { machine: 'front', address: added.address },
    ]);
    await remove(world().host, 'front');
    expect(await listForwards(fake.host, 'vmnet8')).toMatchObject([
      {
        machine: null,
        machineId: added.machineId,
        address: null,
        state: 'failed',
        reason: like(/was deleted/),
      },
    ]);
    await removeForward(fake.host, 'vmnet8', { transport: 'tcp', hostPort });
    expect(await listForwards(fake.host, 'vmnet8')).toEqual([]);
  });

  it('leads to an address; the same port can be used for UDP or at another address', async () => {
    const { subnet } = await world().host.networkStore.get('vmnet8');
    const target = (subnet ?? '').replace(/0\/24$/, '10');
    await add({ target });
    await add({ target, transport: 'udp' });
    await add({ target, bind: '127.0.0.2' });
    expect(await listForwards(fake.host, 'vmnet8')).toMatchObject([
      { transport: 'tcp', machineId: null, address: target },
      { transport: 'udp' },
      { bind: '127.0.0.2' },
    ]);
    const wanted = { transport: 'tcp', hostPort } as const;
    expect(await refused(removeForward(fake.host, 'vmnet8', wanted))).toMatchObject({ next: like(/--bind/) });
    await removeForward(fake.host, 'vmnet8', { ...wanted, bind: '127.0.0.2' });
    await removeForward(fake.host, 'vmnet8', wanted);
    expect(await refused(removeForward(fake.host, 'vmnet8', wanted))).toMatchObject({
      message: like(/does not forward/),
    });
  });

  it('is refused if another has the port, in any network', async () => {
    await add();
    expect(await refused(add())).toMatchObject({ code: 'ALREADY_EXISTS', message: like(/already forwards/) });
    expect(await refused(add({ guestPort: 81 }))).toMatchObject({
      code: 'PORT_IN_USE',
      next: like(/kame network forward remove vmnet8 tcp \d+\./),
    });
    await createNetwork(fake.host, create.parse({ name: 'lab', subnet: '10.9.8.0/24' }));
    expect(await refused(add({ target: '10.9.8.10', bind: '0.0.0.0' }, 'lab'))).toMatchObject({
      code: 'PORT_IN_USE',
    });
  });

  it('is refused if a program has the port, which is named', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(hostPort, '127.0.0.1', resolve));
    try {
      expect(await refused(add())).toMatchObject({
        code: 'PORT_IN_USE',
        message: like(
          new RegExp(
            `^Cannot listen on tcp 127\\.0\\.0\\.1:${hostPort}: .+ \\(process ${process.pid}\\) does\\.$`,
          ),
        ),
      });
    } finally {
      server.close();
    }
    expect(await listForwards(fake.host, 'vmnet8')).toEqual([]);
  });

  it('is undone if the network cannot listen', async () => {
    fake.failed.set(`tcp 127.0.0.1:${hostPort}`, 'nginx (process 7) has it.');
    expect(await refused(add())).toMatchObject({ code: 'PORT_IN_USE', message: like(/nginx \(process 7\)/) });
    expect(await listForwards(fake.host, 'vmnet8')).toEqual([]);
    expect(fake.changed).toEqual(['vmnet8', 'vmnet8']);
  });

  it.each<[Partial<AddForward>, string, RegExp]>([
    [{ target: 'wbe' }, 'NO_SUCH_MACHINE', /Did you mean web\?/],
    [{ target: '10.0.0.1' }, 'INVALID_VALUE', /leads to an address outside the subnet/],
    [{ bind: 'localhost' }, 'INVALID_VALUE', /not an IPv4 address/],
    [{ bind: '192.0.2.1' }, 'INVALID_VALUE', /192\.0\.2\.1 is not an address of this host/],
  ])('%j is refused', async (change, code, message) => {
    expect(await refused(add(change))).toMatchObject({ code, message: like(message) });
  });

  it('over UDP is refused on a host-only network, which drops it', async () => {
    const { subnet } = await world().host.networkStore.get('vmnet1');
    const target = (subnet ?? '').replace(/0\/24$/, '9');
    expect(await refused(add({ transport: 'udp', target }, 'vmnet1'))).toMatchObject({
      code: 'INVALID_VALUE',
      message: like(/is for UDP, and a host-only network forwards TCP only/),
    });
  });

  it('needs a network that has forwards, and a machine in it', async () => {
    await createNetwork(fake.host, create.parse({ name: 'alone', type: 'private', subnet: '10.9.8.0/24' }));
    expect(await refused(add({}, 'alone'))).toMatchObject({
      message: like(/private network, which has no port forwards/),
    });
    expect(await refused(add({}, 'vmnet1'))).toMatchObject({
      message: 'web has no adapter in the network vmnet1.',
    });
  });

  it('takes the port of an automatic forward, which chooses another the next time', async () => {
    await world().host.networkStore.change('vmnet1', (network) => ({
      network: {
        ...network,
        forwards: [
          {
            transport: 'tcp',
            bind: '127.0.0.1',
            hostPort,
            target: { machine: '0f6c1f6e-8a53-4bd5-9c7a-0d8a4ab6d3d2' },
            guestPort: 22,
            automatic: true,
          },
        ],
      },
      result: null,
    }));
    await add();
    expect(await listForwards(fake.host, 'vmnet1')).toEqual([]);
    expect(fake.changed).toEqual(['vmnet1', 'vmnet8']);
  });
});

describe('a forward that is set', () => {
  const set = async (change: Partial<SetForward> & { bind?: string } = {}) => {
    const { bind, ...body } = change;
    const wanted = { transport: 'tcp', hostPort, ...(bind === undefined ? {} : { bind }) } as const;
    return await setForward(fake.host, 'vmnet8', wanted, { target: 'web', guestPort: 80, ...body });
  };

  it('is in the place of the old one after one write, and keeps its address and description', async () => {
    await add({ bind: '127.0.0.2', description: 'the shop' });
    const seen: number[] = [];
    const { networkStore } = fake.host;
    const update = networkStore.update.bind(networkStore);
    networkStore.update = async (edit) =>
      await update((networks) => {
        const answer = edit(networks);
        seen.push(answer.networks.find(({ name }) => name === 'vmnet8')?.forwards.length ?? 0);
        return answer;
      });
    const { machine } = await set({ target: 'db', guestPort: 81 });
    networkStore.update = update;
    expect({ machine, seen }).toEqual({ machine: 'db', seen: [1] });
    expect(await listForwards(fake.host, 'vmnet8')).toMatchObject([
      { bind: '127.0.0.2', machine: 'db', guestPort: 81, description: 'the shop' },
    ]);
    await set({ description: '' });
    expect(await listForwards(fake.host, 'vmnet8')).toMatchObject([{ machine: 'web', description: '' }]);
  });

  it('is made if there is none', async () => {
    expect(await set({ description: 'new' })).toMatchObject({ bind: '127.0.0.1', description: 'new' });
  });

  it('may have a port on which the network itself listens', async () => {
    await add();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(hostPort, '127.0.0.1', resolve));
    try {
      expect(await set({ guestPort: 81 })).toMatchObject({ guestPort: 81 });
    } finally {
      server.close();
    }
  });

  it('leaves the old one if it is refused, or cannot listen', async () => {
    await add({ description: 'old' });
    expect(await refused(set({ target: '10.0.0.1' }))).toMatchObject({ code: 'INVALID_VALUE' });
    fake.failed.set(`tcp 127.0.0.1:${hostPort}`, 'nginx (process 7) has it.');
    expect(await refused(set({ guestPort: 81 }))).toMatchObject({ code: 'PORT_IN_USE' });
    fake.failed.clear();
    expect(await listForwards(fake.host, 'vmnet8')).toMatchObject([{ guestPort: 80, description: 'old' }]);
  });

  it('must be named by its address if several have the port', async () => {
    await add();
    await add({ bind: '127.0.0.2' });
    expect(await refused(set())).toMatchObject({
      message: like(/several addresses: 127\.0\.0\.1, 127\.0\.0\.2/),
    });
    await set({ bind: '127.0.0.2', guestPort: 81 });
    expect(await listForwards(fake.host, 'vmnet8')).toMatchObject([{ guestPort: 80 }, { guestPort: 81 }]);
  });
});
