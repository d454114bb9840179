import { describe, expect, it } from 'vitest';
import { sampleNetwork } from '../../test/support/networks.ts';
import type { Forward, Network } from './network.ts';
import { checkNetworkName, typeOfStandardName } from './network-name.ts';
import { formatSubnet, subnetOf } from './network-subnet.ts';
import { freeSubnet, networkProblems, overlapProblems } from './network-validate.ts';

const forward: Forward = {
  transport: 'tcp',
  bind: '127.0.0.1',
  hostPort: 8080,
  target: { address: '192.168.77.20' },
  guestPort: 80,
};
const wanted = (change: Partial<Forward>): Partial<Network> => ({ forwards: [{ ...forward, ...change }] });
const mac = '00:0c:29:00:00:01';

describe('a network', () => {
  it.each<[Partial<Network>]>([
    [{}],
    [{ type: 'hostonly', forwards: [forward] }],
    [{ type: 'private', subnet: null, dhcp: false }],
    [{ type: 'private' }],
    [{ type: 'bridged', subnet: null, dhcp: false, interface: 'br0' }],
    [{ boot: { directory: '/srv/tftp', file: 'a/b.efi' }, hostLoopback: true, mtu: 9000 }],
    [{ reservations: { [mac]: '192.168.77.9' }, addresses: { [mac]: '192.168.77.130' } }],
    [
      wanted({
        target: { machine: '0f6c1f6e-8a53-4bd5-9c7a-0d8a4ab6d3d2' },
        bind: '0.0.0.0',
        automatic: true,
      }),
    ],
  ])('may be %j', (change) => {
    expect(networkProblems(sampleNetwork(change))).toEqual([]);
  });

  it.each<[Partial<Network>, RegExp]>([
    [{ name: 'Up' }, /name is "Up"/],
    [{ subnet: null }, /subnet is ""; it must be a private IPv4 subnet/],
    [{ subnet: '192.168.77.1/24' }, /Did you mean 192\.168\.77\.0\/24\?/],
    [{ mtu: 575 }, /mtu is "575"; it must be a whole number from 576 to 65521/],
    [{ mtu: 1500.5 }, /mtu/],
    [{ mtu: Number.NaN }, /mtu/],
    [{ type: 'bridged', dhcp: false, interface: 'br0' }, /A bridged network has no subnet/],
    [{ type: 'bridged', subnet: null, dhcp: false }, /interface is ""/],
    [{ type: 'bridged', subnet: null, dhcp: false, interface: 'a,b=c' }, /interface is "a,b=c"/],
    [{ interface: 'br0' }, /Only a bridged network/],
    [{ type: 'private', subnet: null }, /DHCP needs a subnet/],
    [{ type: 'hostonly', hostLoopback: true }, /Only a NAT network/],
    [{ boot: { directory: '/srv', file: '../x' } }, /boot is "\.\.\/x"/],
    [{ boot: { directory: '/srv', file: 'a/../../x' } }, /boot is/],
    [{ boot: { directory: '/srv', file: 'x' }, dhcp: false }, /Network boot needs/],
    [{ reservations: { nonsense: '192.168.77.9' } }, /"nonsense" is not a MAC address/],
    [{ reservations: { [mac]: '192.168.77.2' } }, /192\.168\.77\.2 is the gateway/],
    [{ reservations: { [mac]: '10.0.0.1' } }, /"10\.0\.0\.1" is not an address in the subnet/],
    [{ addresses: { [mac]: '192.168.77.254' } }, /is the DHCP server/],
    [{ addresses: { [mac]: '192.168.77.9', '00:0c:29:00:00:02': '192.168.77.9' } }, /two adapters have/],
    [{ type: 'hostonly', forwards: [{ ...forward, transport: 'udp' }] }, /forwards TCP only/],
    [{ type: 'private', forwards: [forward] }, /A private network has no port forwards/],
    [wanted({ hostPort: 0 }), /port that is not a number from 1 to 65535/],
    [wanted({ guestPort: 65_536 }), /port/],
    [wanted({ bind: 'localhost' }), /not an IPv4 address/],
    [wanted({ target: { address: '10.0.0.1' } }), /address outside the subnet/],
    [wanted({ target: { address: '192.168.77.3' } }), /is the name server/],
    [wanted({ target: { machine: 'web' } }), /not a UUID/],
    [wanted({ transport: 'sctp' as 'tcp' }), /neither tcp nor udp/],
    [{ forwards: [forward, { ...forward, bind: '0.0.0.0' }] }, /Two forwards listen at tcp 0\.0\.0\.0:8080/],
    [{ forwards: Array.from({ length: 1025 }, () => forward) }, /at most 1024 entries/],
  ])('may not be %j', (change, reason) => {
    const problems = networkProblems(sampleNetwork(change));
    expect(problems.map(({ message }) => message).join(' ')).toMatch(reason);
  });
});

describe('the name of a network', () => {
  it.each(['vmnet0', 'vmnet8', 'lab', 'a-b-2'])('may be %s', (name) => {
    expect(() => checkNetworkName(name)).not.toThrow();
  });

  it.each([
    ['', ''],
    ['My Lab', 'For example: my-lab.'],
    ['8net', 'For example: net.'],
    ['../x', 'For example: x.'],
    ['nat', 'starting with a letter.'],
    ['hostonl', 'starting with a letter.'],
    ['x'.repeat(32), `For example: ${'x'.repeat(31)}.`],
  ])('%j is refused, with another one', (name, next) => {
    expect(() => checkNetworkName(name)).toThrow(
      expect.objectContaining({ code: 'INVALID_NAME', next: expect.stringContaining(next) as string }),
    );
  });

  it('determines the type if it is one of VMware’s', () => {
    expect(['vmnet0', 'vmnet1', 'vmnet8', 'vmnet2'].map(typeOfStandardName)).toEqual([
      'bridged',
      'hostonly',
      'nat',
      undefined,
    ]);
  });
});

describe('a free subnet', () => {
  const neighbour = (text: string) => ({ owner: 'eth0 of this host', subnet: subnetOf(text) });

  it('overlaps no other network and no interface of the host', () => {
    const neighbours = [neighbour('192.168.77.0/24'), neighbour('192.168.78.64/26')];
    expect(formatSubnet(freeSubnet(neighbours, 77)!)).toBe('192.168.79.0/24');
    expect(formatSubnet(freeSubnet([neighbour('192.168.255.0/24')], 255)!)).toBe('192.168.0.0/24');
    expect(freeSubnet([neighbour('192.168.0.0/16')], 3)).toBeUndefined();
  });

  it('is not one that overlaps another, which is reported with its owner', () => {
    expect(overlapProblems(subnetOf('10.1.0.0/16'), [neighbour('10.1.2.0/24')])).toMatchObject([
      { message: 'The subnet 10.1.0.0/16 overlaps 10.1.2.0/24 of eth0 of this host.' },
    ]);
  });
});
