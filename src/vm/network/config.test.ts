import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { fakeNetworks, type FakeNetworks } from '../../../test/support/fake-networks.ts';
import { codeOf, like, refused } from '../../../test/support/refused.ts';
import { useWorld } from '../../../test/support/world.ts';
import { createNetwork as create } from '../../api/network.ts';
import { startBody } from '../../../test/support/bodies.ts';
import { silentProgress } from '../../core/progress.ts';
import { readSubnet } from '../../model/network-subnet.ts';
import { networkRunNames } from '../../store/names.ts';
import { changeSettings } from '../library/settings.ts';
import { start } from '../power/start.ts';
import { createNetwork, deleteNetwork, setNetwork } from './config.ts';
import { listNetworks, showNetwork } from './describe.ts';
import { listLeases } from './leases.ts';

const world = useWorld();
let fake: FakeNetworks;
beforeEach(() => (fake = fakeNetworks(world().host)));

const made = async (body: Parameters<typeof create.parse>[0]) =>
  await createNetwork(fake.host, create.parse(body));
const custom = (name: string) => ['ethernet0.connectionType = "custom"', `ethernet0.vnet = "${name}"`];

describe('the networks of a home', () => {
  it('are listed with their machines, also in VMware’s spelling', async () => {
    world().machine('demo');
    world().machine('web', custom('VMnet8'));
    world().machine('lone', custom('nowhere'));
    expect(await listNetworks(fake.host)).toMatchObject([
      { name: 'vmnet1', type: 'hostonly', machines: [], running: false },
      { name: 'vmnet8', type: 'nat', machines: ['demo', 'web'], dhcp: true },
    ]);
  });

  it('give each adapter its own permanent address and name', async () => {
    world().machine('web');
    world().machine('Web');
    const first = await showNetwork(fake.host, 'VMNET8');
    const names = first.adapters.map(({ machine, hostName }) => [machine, hostName]);
    expect(names).toEqual(
      expect.arrayContaining([
        ['web', 'web.kame'],
        ['Web', 'web-2.kame'],
      ]),
    );
    const addresses = first.adapters.map(({ address }) => address);
    expect(new Set(addresses).size).toBe(2);
    expect((await showNetwork(fake.host, 'vmnet8')).adapters).toEqual(first.adapters);
    expect(await world().host.networkStore.get('vmnet8')).toMatchObject({
      addresses: Object.fromEntries(first.adapters.map(({ mac, address }) => [mac, address])),
    });
  });

  it('show a broken one among the others', async () => {
    await made({ name: 'lab' });
    const path = world().host.names.networks;
    writeFileSync(path, JSON.stringify({ networks: [{ name: 'lab', type: 'nat', subnet: 'x' }] }));
    const [lab] = await listNetworks(fake.host);
    expect(lab).toMatchObject({ name: 'lab', type: null, broken: like(/subnet/) });
    expect(await codeOf(showNetwork(fake.host, 'lab'))).toBe('BROKEN_NETWORK');
    await deleteNetwork(fake.host, 'lab');
    expect((await listNetworks(fake.host)).map(({ name }) => name)).toEqual(['vmnet1', 'vmnet8']);
  });

  it('say who has leases', async () => {
    world().machine('demo');
    const [adapter] = (await showNetwork(fake.host, 'vmnet8')).adapters;
    const lease = { hostname: 'x', port: 'a/0', startedAt: 0, expiresAt: 3_600_000 };
    const known = { ...lease, mac: adapter?.mac ?? '', address: adapter?.address ?? '' };
    fake.status = { leases: [known, { ...lease, mac: '02:00:00:00:00:01', address: '192.168.0.70' }] };
    expect(await listLeases(fake.host, 'vmnet8')).toMatchObject([
      { machine: 'demo', hostName: 'x', expiresAt: '1970-01-01T01:00:00.000Z' },
      { machine: null },
    ]);
  });
});

describe('a new network', () => {
  it('is NAT with a free subnet, and the runtime and listeners are notified', async () => {
    const lab = await made({ name: 'Lab' });
    expect(lab).toMatchObject({ name: 'lab', type: 'nat', dhcp: true, mtu: 1500, ipv6Prefix: like(/^fd/) });
    const subnets = (await listNetworks(fake.host)).map(({ subnet }) => subnet);
    expect(new Set(subnets).size).toBe(3);
    for (const subnet of subnets) expect(readSubnet(subnet ?? '')).toHaveProperty('base');
    expect(fake.changed).toEqual(['lab']);
    expect(world().events.at(-1)).toMatchObject({
      type: 'network.changed',
      message: like(/lab was created/),
    });
  });

  it('has what was asked for', async () => {
    mkdirSync(join(world().home, 'tftp'));
    writeFileSync(join(world().home, 'tftp', 'boot.efi'), '');
    const boot = { directory: join(world().home, 'tftp'), file: 'boot.efi' };
    const asked = { name: 'lab', subnet: '10.9.8.0/26', mtu: 9000, hostLoopback: true, boot };
    expect(await made(asked)).toMatchObject({ ...asked, gateway: '10.9.8.2', dhcpServer: '10.9.8.62' });
    expect(await made({ name: 'alone', type: 'private' })).toMatchObject({
      subnet: null,
      dhcp: false,
      gateway: null,
    });
    expect(await made({ name: 'inside', type: 'hostonly', dhcp: false })).toMatchObject({ dhcpServer: null });
  });

  it.each([
    [{ name: 'vmnet8' }, 'ALREADY_EXISTS', /vmnet8 already exists/],
    [{ name: 'VMnet1', type: 'nat' }, 'INVALID_VALUE', /vmnet1 is the hostonly network/],
    [{ name: 'vmnet0' }, 'INVALID_VALUE', /vmnet0 is the bridged network/],
    [{ name: 'a b' }, 'INVALID_NAME', /a b/],
    [{ name: 'net' }, 'INVALID_NAME', /could be mistaken for nat/],
    [{ name: 'lab', subnet: '10.0.0.0/8' }, 'INVALID_VALUE', /\/8/],
    [{ name: 'lab', mtu: 1 }, 'INVALID_VALUE', /mtu/],
    [{ name: 'lab', type: 'bridged' }, 'INVALID_VALUE', /interface/],
    [{ name: 'lab', type: 'bridged', interface: 'nosuch0' }, 'INVALID_VALUE', /no network interface nosuch0/],
    [{ name: 'lab', boot: { directory: '/no/such', file: 'x' } }, 'FILE_ACCESS', /\/no\/such\/x/],
    [{ name: 'lab', boot: { directory: '/', file: 'dev/null' } }, 'INVALID_VALUE', /not a file/],
    [{ name: 'lab', boot: { directory: 'x', file: 'y' } }, 'INVALID_VALUE', /not an absolute path/],
  ] as const)('%j is refused', async (body, code, message) => {
    expect(await refused(made(body))).toMatchObject({ code, message: like(message) });
    expect((await listNetworks(fake.host)).map(({ name }) => name)).toEqual(['vmnet1', 'vmnet8']);
  });

  it.runIf(process.platform === 'linux')('says how a bridge that it misses is made', async () => {
    const error = await refused(made({ name: 'lab', type: 'bridged', interface: 'nosuch0' }));
    expect(error.next).toContain('`sudo ip link add nosuch0 type bridge && sudo ip link set nosuch0 up`');
    const odd = await refused(made({ name: 'lab', type: 'bridged', interface: 'a;b' }));
    expect(odd.next).not.toContain('sudo');
  });

  it('does not share a subnet with another', async () => {
    await made({ name: 'lab', subnet: '10.9.0.0/16' });
    expect(await refused(made({ name: 'lab2', subnet: '10.9.8.0/24' }))).toMatchObject({
      message: 'The subnet 10.9.8.0/24 overlaps 10.9.0.0/16 of lab.',
    });
  });
});

describe('a change of a network', () => {
  it('keeps the host part of chosen addresses when the subnet changes', async () => {
    await made({ name: 'lab', subnet: '10.9.8.0/24' });
    const mac = '00:0c:29:00:00:01';
    await world().host.networkStore.change('lab', (network) => ({
      network: {
        ...network,
        reservations: { [mac]: '10.9.8.10' },
        addresses: { '00:0c:29:00:00:02': '10.9.8.130' },
      },
      result: null,
    }));
    await setNetwork(fake.host, 'lab', { subnet: '10.7.7.0/24', mtu: 9000 });
    expect(await world().host.networkStore.get('lab')).toMatchObject({
      subnet: '10.7.7.0/24',
      mtu: 9000,
      reservations: { [mac]: '10.7.7.10' },
      addresses: {},
    });
    expect(await refused(setNetwork(fake.host, 'lab', { subnet: '10.7.7.0/29' }))).toMatchObject({
      message: 'The subnet has no place for 10.7.7.10, which is reserved or forwarded to.',
    });
  });

  it('of its type adds and removes what belongs to the type', async () => {
    await made({ name: 'lab', hostLoopback: true });
    expect(await setNetwork(fake.host, 'lab', { type: 'private' })).toMatchObject({
      hostLoopback: false,
      dhcp: true,
    });
    await made({ name: 'alone', type: 'private' });
    expect(await setNetwork(fake.host, 'alone', { type: 'nat' })).toMatchObject({
      subnet: like(/^192/),
      dhcp: true,
    });
    expect(await codeOf(setNetwork(fake.host, 'vmnet8', { type: 'private' }))).toBe('INVALID_VALUE');
    expect(await codeOf(setNetwork(fake.host, 'nosuch', { mtu: 9000 }))).toBe('NO_SUCH_NETWORK');
  });

  it('that running guests cannot follow is refused; others are possible', async () => {
    world().machine('demo', ['kame.hardware = "2"']);
    await start(fake.host, 'demo', startBody({}), silentProgress());
    expect(await refused(setNetwork(fake.host, 'vmnet8', { subnet: '10.1.1.0/24' }))).toMatchObject({
      code: 'NETWORK_IN_USE',
      message: 'Cannot change the subnet of vmnet8 while machines run in it: demo.',
    });
    expect(await setNetwork(fake.host, 'vmnet8', { mtu: 9000 })).toMatchObject({ mtu: 9000 });
  });
});

describe('the deletion of a network', () => {
  it('is refused while adapters are in it, naming their machines', async () => {
    await made({ name: 'lab' });
    world().machine('demo', custom('lab'));
    expect(await refused(deleteNetwork(fake.host, 'lab'))).toMatchObject({
      code: 'NETWORK_IN_USE',
      message: 'Cannot delete lab: adapters of these machines are in it: demo.',
    });
    await changeSettings(world().host, 'demo', [{ key: 'network', value: 'nat' }]);
    const { leases } = networkRunNames(fake.host.names, { name: 'lab' });
    mkdirSync(dirname(leases), { recursive: true });
    writeFileSync(leases, '[]');
    await deleteNetwork(fake.host, 'LAB');
    expect(existsSync(leases)).toBe(false);
    expect(await codeOf(showNetwork(fake.host, 'lab'))).toBe('NO_SUCH_NETWORK');
    expect(fake.changed.at(-1)).toBe('lab');
  });

  it('is never one of VMware’s', async () => {
    for (const name of ['vmnet1', 'VMnet8'])
      expect(await refused(deleteNetwork(fake.host, name))).toMatchObject({
        code: 'INVALID_VALUE',
        message: like(/cannot be deleted/),
      });
    expect(await refused(deleteNetwork(fake.host, 'vmnet'))).toMatchObject({
      code: 'NO_SUCH_NETWORK',
      message: like(/vmnet1\?/),
    });
  });
});
