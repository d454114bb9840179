import { beforeEach, describe, expect, it } from 'vitest';
import { fakeNetworks, type FakeNetworks } from '../../../test/support/fake-networks.ts';
import { codeOf, like, refused } from '../../../test/support/refused.ts';
import { useWorld } from '../../../test/support/world.ts';
import { createNetwork as create } from '../../api/network.ts';
import { createNetwork } from './config.ts';
import { showNetwork } from './describe.ts';
import { releaseAddress, reserveAddress } from './reservations.ts';

const world = useWorld();
let fake: FakeNetworks;
beforeEach(async () => {
  fake = fakeNetworks(world().host);
  await createNetwork(fake.host, create.parse({ name: 'lab', subnet: '10.9.8.0/24' }));
  const lab = ['ethernet0.connectionType = "custom"', 'ethernet0.vnet = "lab"'];
  world().machine('web', lab);
  world().machine('db', lab);
  world().machine('two', [
    ...lab,
    'ethernet1.present = "TRUE"',
    'ethernet1.connectionType = "custom"',
    'ethernet1.vnet = "lab"',
  ]);
  world().machine('nat');
});

const addressOf = async (name: string) =>
  (await showNetwork(fake.host, 'lab')).adapters.find(({ machine }) => machine === name)?.address;

describe('a reserved address', () => {
  it('belongs to the adapter until it is released', async () => {
    const before = await addressOf('web');
    const { mac } = await reserveAddress(fake.host, 'lab', 'web', '10.9.8.10');
    expect(await addressOf('web')).toBe('10.9.8.10');
    expect((await showNetwork(fake.host, 'lab')).reservations).toEqual([
      { mac, address: '10.9.8.10', machine: 'web' },
    ]);
    // By the MAC, in another spelling, to another address.
    await reserveAddress(fake.host, 'lab', mac.toUpperCase().replaceAll(':', '-'), '10.9.8.11');
    expect(await addressOf('web')).toBe('10.9.8.11');
    expect(await releaseAddress(fake.host, 'lab', 'web')).toEqual({
      mac,
      address: '10.9.8.11',
      machine: 'web',
    });
    expect(await addressOf('web')).toBe(before);
    expect(fake.changed.slice(1)).toEqual(['lab', 'lab', 'lab']);
  });

  it('cannot be used by another adapter, chosen or not', async () => {
    const taken = (await addressOf('db')) ?? '';
    expect(await refused(reserveAddress(fake.host, 'lab', 'web', taken))).toMatchObject({
      code: 'ALREADY_EXISTS',
      message: `${taken} is the address of db.`,
    });
    await reserveAddress(fake.host, 'lab', '02:00:00:00:00:01', '10.9.8.10');
    expect(await refused(reserveAddress(fake.host, 'lab', 'web', '10.9.8.10'))).toMatchObject({
      message: '10.9.8.10 is the address of 02:00:00:00:00:01.',
    });
  });

  it.each([
    ['web', '10.9.8.2', 'INVALID_VALUE', /this one is the gateway/],
    ['web', '10.9.9.1', 'INVALID_VALUE', /an IPv4 address in 10\.9\.8\.0\/24/],
    ['web', 'x', 'INVALID_VALUE', /address is "x"/],
    ['nat', '10.9.8.9', 'INVALID_VALUE', /nat has no adapter in the network lab/],
    ['two', '10.9.8.9', 'INVALID_VALUE', /two has 2 adapters in the network lab/],
    ['wbe', '10.9.8.9', 'NO_SUCH_MACHINE', /Did you mean web\?/],
  ])('of %s is not %s', async (machine, address, code, message) => {
    expect(await refused(reserveAddress(fake.host, 'lab', machine, address))).toMatchObject({
      code,
      message: like(message),
    });
  });

  it('cannot be released if there is none, and needs a network with addresses', async () => {
    expect(await codeOf(releaseAddress(fake.host, 'lab', 'web'))).toBe('INVALID_VALUE');
    await createNetwork(fake.host, create.parse({ name: 'alone', type: 'private' }));
    const work = reserveAddress(fake.host, 'alone', '02:00:00:00:00:01', '10.9.8.9');
    expect(await refused(work)).toMatchObject({ message: 'alone has no addresses of its own to reserve.' });
  });
});
