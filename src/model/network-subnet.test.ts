import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contains,
  formatAddress,
  formatSubnet,
  layoutOf,
  movedTo,
  overlaps,
  parseAddress,
  readSubnet,
  roleOf,
  subnetAround,
  subnetOf,
} from './network-subnet.ts';

const anyAddress = fc.nat(0xffffffff).map((value) => value >>> 0);
/** Every subnet that a network may have. */
const anySubnet = fc
  .tuple(
    fc.constantFrom('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'),
    fc.nat(0xffffff),
    fc.integer({ min: 16, max: 29 }),
  )
  .map(([range, random, prefixLength]) => {
    const { base, prefixLength: bits } = subnetAround(range)!;
    return subnetAround(`${formatAddress(base + (random % 2 ** (32 - bits)))}/${prefixLength}`)!;
  });

describe('an IPv4 address', () => {
  it('is read as it is written', () => {
    fc.assert(
      fc.property(anyAddress, (value) => {
        expect(parseAddress(formatAddress(value))).toBe(value);
      }),
    );
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '1.2.3.4.',
    '1..3.4',
    '999.1.1.1',
  ])('is not %j', (text) => expect(parseAddress(text)).toBeUndefined());
});

describe('a subnet', () => {
  it('is read as it is written; no other spelling is accepted', () => {
    fc.assert(
      fc.property(anySubnet, (subnet) => {
        expect(readSubnet(formatSubnet(subnet))).toEqual(subnet);
      }),
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d./]{7,20}$/)), (text) => {
        const read = readSubnet(text);
        const printed = 'base' in read ? formatSubnet(read) : read.fault;
        expect(printed === text || /[.?]$/.test(printed)).toBe(true);
      }),
    );
  });

  it.each([
    ['192.168.77.0', 'not a private IPv4 subnet'],
    ['192.168.77.0/33', 'not a private IPv4 subnet'],
    ['192.168.77.9/24', 'Did you mean 192.168.77.0/24?'],
    ['10.0.0.0/8', 'has /8; a network has /16 to /29'],
    ['192.168.1.0/30', 'has /30'],
    ['8.8.8.0/24', 'not in a private range'],
    ['172.32.0.0/16', 'not in a private range'],
  ])('%s is refused', (text, reason) => {
    expect(readSubnet(text)).toEqual({ fault: expect.stringContaining(reason) as string });
    expect(() => subnetOf(text)).toThrow(TypeError);
  });

  it('overlaps what it contains and what contains it', () => {
    const at = (text: string) => subnetAround(text)!;
    expect(overlaps(at('10.1.0.0/16'), at('10.1.2.3/24'))).toBe(true);
    expect(overlaps(at('10.1.2.0/24'), at('10.0.0.0/8'))).toBe(true);
    expect(overlaps(at('10.1.2.0/24'), at('10.1.3.0/24'))).toBe(false);
    expect(overlaps(at('0.0.0.0/0'), at('10.1.3.0/24'))).toBe(true);
  });
});

describe('the layout of a network', () => {
  it('is VMware’s', () => {
    const { gateway, nameServer, dhcpServer, machines, others } = layoutOf(subnetOf('192.168.77.0/24'));
    expect([gateway, nameServer, dhcpServer, ...machines, ...others].map(formatAddress)).toEqual([
      '192.168.77.2',
      '192.168.77.3',
      '192.168.77.254',
      '192.168.77.128',
      '192.168.77.253',
      '192.168.77.64',
      '192.168.77.127',
    ]);
  });

  it('gives no address of the network itself to anyone', () => {
    fc.assert(
      fc.property(anySubnet, (subnet) => {
        const layout = layoutOf(subnet);
        for (const [first, last] of [layout.machines, layout.others]) {
          expect(first).toBeLessThanOrEqual(last);
          for (const address of [first, last]) {
            expect(contains(subnet, address)).toBe(true);
            expect(roleOf(subnet, address)).toBeUndefined();
          }
        }
        const { gateway, nameServer, dhcpServer } = layout;
        expect(new Set([gateway, nameServer, dhcpServer].map((one) => roleOf(subnet, one))).size).toBe(3);
      }),
    );
  });

  it('keeps the place of an address when it moves, if there is such a place', () => {
    const [from, to] = [subnetOf('192.168.77.0/24'), subnetOf('10.0.0.0/28')];
    expect(movedTo(from.base + 9, from, to)).toBe(to.base + 9);
    expect(movedTo(from.base + 14, from, to)).toBeUndefined();
    expect(movedTo(from.base + 99, from, to)).toBeUndefined();
  });
});
