import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleNetwork } from '../../test/support/networks.ts';
import { addressOf, ipv6PrefixOf, stableAddress, withAddresses } from './network-address.ts';
import { contains, parseAddress, roleOf, subnetOf } from './network-subnet.ts';

const anyMac = fc
  .nat(0xffffff)
  .map((last) => `00:0c:29:${(last.toString(16).padStart(6, '0').match(/../g) ?? []).join(':')}`);
const small = sampleNetwork({ subnet: '10.9.8.0/28' });
const macsTo = (count: number) =>
  Array.from({ length: count }, (_, at) => `00:0c:29:00:00:${at.toString(16).padStart(2, '0')}`);

describe('the address of an adapter', () => {
  it('is the same for the same MAC, in the subnet, and unique', () => {
    const subnet = subnetOf('192.168.77.0/24');
    fc.assert(
      fc.property(fc.uniqueArray(anyMac, { maxLength: 126 }), (macs) => {
        const network = withAddresses(sampleNetwork(), macs);
        const given = macs.map((mac) => addressOf(network, mac) ?? '');
        expect(new Set(given).size).toBe(macs.length);
        for (const text of given) {
          const address = parseAddress(text) ?? 0;
          expect([contains(subnet, address), roleOf(subnet, address)]).toEqual([true, undefined]);
        }
        expect(withAddresses(network, macs)).toBe(network);
      }),
    );
    expect(stableAddress(subnet, '00:0c:29:00:00:01', new Set())).toBe(
      stableAddress(subnet, '00:0c:29:00:00:01', new Set()),
    );
  });

  it('is the one that the user chose, and never one that a forward leads to', () => {
    const [mac = ''] = macsTo(1);
    const chosen = { ...small, reservations: { [mac]: '10.9.8.5' } };
    expect(addressOf(withAddresses(chosen, [mac]), mac)).toBe('10.9.8.5');
    const first = addressOf(withAddresses(small, [mac]), mac) ?? '';
    const forward = { transport: 'tcp', bind: '127.0.0.1', hostPort: 8080, guestPort: 80 } as const;
    const led = { ...small, forwards: [{ ...forward, target: { address: first } }] };
    expect(addressOf(withAddresses(led, [mac]), mac)).not.toBe(first);
  });

  it('is taken from adapters that are gone only when the network is full', () => {
    const macs = macsTo(7);
    const full = withAddresses(small, macs.slice(0, 6));
    expect(Object.keys(full.addresses)).toHaveLength(6);
    // All living: the seventh gets none.
    expect(withAddresses(full, macs).addresses).toEqual(full.addresses);
    const later = withAddresses(full, macs.slice(1));
    expect(addressOf(later, macs[6] ?? '')).toBe(full.addresses[macs[0] ?? '']);
    expect(addressOf(later, macs[1] ?? '')).toBe(full.addresses[macs[1] ?? '']);
  });

  it('does not exist in a network without a subnet', () => {
    const bridged = sampleNetwork({ type: 'bridged', subnet: null, interface: 'br0' });
    expect(withAddresses(bridged, macsTo(1))).toBe(bridged);
  });
});

it('the IPv6 prefix is unique local, of 64 bits, and differs between networks', () => {
  const prefix = ipv6PrefixOf(sampleNetwork());
  expect(prefix).toMatch(/^fd[0-9a-f]{2}(:[0-9a-f]{1,4}){3}::$/);
  expect(ipv6PrefixOf(sampleNetwork())).toBe(prefix);
  expect(ipv6PrefixOf(sampleNetwork({ name: 'lab' }))).not.toBe(prefix);
});
