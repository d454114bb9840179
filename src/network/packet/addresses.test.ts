import { assert, integer, property, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { broadcastOf, formatIpv4, isInSubnet, parseIpv4, parseSubnet, subnetOf } from './ipv4-address.ts';
import { eui64, isEmbedded, isLinkLocal, parseIpv6 } from './ipv6-address.ts';
import { formatMac, isGroup, macAt, parseMac, writeMac } from './mac.ts';

const word = integer({ min: 0, max: 0xffff_ffff });

describe('a MAC address', () => {
  it('is the same number in bytes and in text', () => {
    assert(
      property(tuple(integer({ min: 0, max: 0xffff }), word), ([high, low]) => {
        const mac = high * 2 ** 32 + low;
        const bytes = Buffer.alloc(8);
        writeMac(bytes, 1, mac);
        expect(macAt(bytes, 1)).toBe(mac);
        expect(parseMac(formatMac(mac))).toBe(mac);
        expect(isGroup(mac)).toBe((bytes.readUInt8(1) & 1) === 1);
      }),
    );
  });

  it.each(['', '52:54:00:00:00', '52:54:00:00:00:0g', '525400000001', '52:54:00:00:00:01:02'])(
    'is not %j',
    (text) => expect(parseMac(text)).toBeUndefined(),
  );
});

describe('an IPv4 address', () => {
  it('is the same number in text', () => {
    assert(
      property(word, (address) => {
        expect(parseIpv4(formatIpv4(address))).toBe(address);
      }),
    );
  });

  it.each(['', '1.2.3', '1.2.3.256', '1.2.3.4.5', '01.2.3.4', ' 1.2.3.4', '1.2.3.-4', '0x1.2.3.4'])(
    'is not %j',
    (text) => expect(parseIpv4(text)).toBeUndefined(),
  );

  it('is in its subnet', () => {
    assert(
      property(word, integer({ min: 0, max: 32 }), (address, length) => {
        const subnet = subnetOf(address, length);
        expect(isInSubnet(address, subnet)).toBe(true);
        expect(isInSubnet(broadcastOf(subnet), subnet)).toBe(true);
        expect(isInSubnet((address ^ 0x8000_0000) >>> 0, subnet)).toBe(length === 0);
      }),
    );
    expect(parseSubnet('192.168.78.9/24')).toEqual({ address: 0xc0a8_4e00, mask: 0xffff_ff00 });
    expect(['192.168.78.0', '1.2.3.4/33', '/8', '1.2.3/8'].map(parseSubnet)).toEqual(
      Array(4).fill(undefined),
    );
  });
});

describe('an IPv6 address', () => {
  it.each([
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['fd12:3456:789a:8::', 'fd123456789a00080000000000000000'],
    ['fe80::1:2', 'fe800000000000000000000000010002'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
  ])('is read from %s', (text, hex) => expect(parseIpv6(text)?.toString('hex')).toBe(hex));

  it.each([
    '',
    '1:2',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    'g::',
    '::ffff:1.2.3.4',
    'fe80::1%eth0',
  ])('is not %j', (text) => expect(parseIpv6(text)).toBeUndefined());

  it('is made of a prefix and a MAC address', () => {
    const prefix = parseIpv6('fe80::') ?? Buffer.alloc(16);
    expect(eui64(prefix, 0x5254_0000_000a)).toEqual(parseIpv6('fe80::5054:ff:fe00:a'));
    expect(isLinkLocal(eui64(prefix, 1), 0)).toBe(true);
  });

  it.each([
    ['::', true],
    ['::1', true],
    ['::7f00:1', true],
    ['::ffff:7f00:1', true],
    ['::1:ffff:7f00:1', false],
    ['2001:db8::1', false],
  ])('%s embeds IPv4 or is special: %s', (text, is) => {
    expect(isEmbedded(parseIpv6(text) ?? Buffer.alloc(16), 0)).toBe(is);
  });
});
