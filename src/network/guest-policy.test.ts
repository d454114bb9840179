import { describe, expect, it } from 'vitest';
import * as frames from '../../test/support/frames.ts';
import * as world from '../../test/support/switch-world.ts';
import { eui64, parseIpv6 } from './packet/ipv6-address.ts';
import type { DropReason } from './switch-config.ts';

const { macA, macB, macC, everyone } = world;
const toB = { from: macA, to: macB };
const toAll = { from: macA, to: everyone };
const allNodes = { from: macA, to: '33:33:00:00:00:01' };
const flow = {
  source: '192.168.77.10',
  destination: '192.168.77.11',
  sourcePort: 1000,
  destinationPort: 2000,
};
const flow6 = { ...flow, source: 'fe80::1:1', destination: 'fe80::1:2' };

/** EUI-64 of an adapter in fe80::/64, as text. */
function linkLocalOf(mac: string): string {
  const bytes = eui64(parseIpv6('fe80::') ?? Buffer.alloc(16), frames.macNumber(mac));
  return (bytes.toString('hex').match(/..../g) ?? []).join(':');
}

function dropOf(frame: Buffer, config = world.natConfig(), port = 'a'): DropReason | null {
  using network = new world.SwitchWorld(config);
  network.send(port, frame);
  const received = ['a', 'b', 'c', 'uplink'].flatMap((id) => network.take(id));
  const reasons = Object.keys(network.dropped(port)) as DropReason[];
  expect(reasons.length === 0 || received.length === 0).toBe(true);
  return reasons[0] ?? null;
}

const withoutDhcp = world.natConfig({ services: { ...world.services, dhcp: false } });

describe('a guest', () => {
  it.each([
    ['another adapter', macB],
    ['the gateway', world.gatewayMac],
    ['the name server', world.nameServerMac],
    ['the DHCP server', world.serverMac],
    ['the IPv6 router', world.routerMac6],
  ])('cannot send from the MAC of %s', (_who, from) => {
    expect(dropOf(frames.udp({ from, to: macC }, flow))).toBe('spoofed-mac');
    expect(dropOf(frames.ethernet({ from, to: everyone }, 0x88b5, Buffer.alloc(46)))).toBe('spoofed-mac');
  });

  it.each([
    ['the gateway', '192.168.77.2'],
    ['the name server', '192.168.77.3'],
    ['the DHCP server', '192.168.77.254'],
    ['another machine', '192.168.77.11'],
  ])('cannot claim the IPv4 address of %s', (_who, sender) => {
    for (const operation of [1, 2]) {
      expect(dropOf(frames.arp(toAll, { sender, target: sender, operation }))).toBe('spoofed-address');
      expect(
        dropOf(frames.arp({ from: macA, to: macC }, { sender, target: '192.168.77.9', operation })),
      ).toBe('spoofed-address');
    }
  });

  it('cannot announce an address with a MAC that is not its own', () => {
    const claim = { sender: '192.168.77.99', target: '192.168.77.11', senderMac: macC, operation: 2 };
    expect(dropOf(frames.arp(toB, claim))).toBe('spoofed-mac');
  });

  it('cannot make another machine believe that its address is taken', () => {
    expect(dropOf(frames.arp(toAll, { sender: '0.0.0.0', target: '192.168.77.11' }))).toBe('spoofed-address');
    expect(dropOf(frames.arp(toAll, { sender: '0.0.0.0', target: '192.168.77.10' }))).toBeNull();
  });

  it.each([
    ['the router', 'fe80::2'],
    ['the gateway', 'fd12:3456:789a:8::2'],
    ['the name server', 'fd12:3456:789a:8::3'],
    ['another machine', linkLocalOf(macB)],
  ])('cannot claim the IPv6 address of %s', (_who, address) => {
    const claims = [
      frames.icmp6(allNodes, 'fe80::1:1', 'ff02::1', frames.ndp.advertisement(address, macA)),
      frames.icmp6(allNodes, '::', 'ff02::1:ff00:2', frames.ndp.solicitation(address)),
      frames.icmp6(allNodes, address, 'ff02::1', frames.ndp.solicitation('fe80::9', macA)),
    ];
    for (const claim of claims) expect(dropOf(claim)).toBe('spoofed-address');
  });

  it('claims its own addresses, and looks for others', () => {
    const own = linkLocalOf(macA);
    expect(dropOf(frames.icmp6(allNodes, own, 'ff02::1', frames.ndp.advertisement(own, macA)))).toBeNull();
    expect(dropOf(frames.icmp6(allNodes, '::', 'ff02::1', frames.ndp.solicitation(own)))).toBeNull();
    expect(
      dropOf(frames.icmp6(allNodes, own, 'ff02::1', frames.ndp.solicitation(linkLocalOf(macB), macA))),
    ).toBeNull();
    expect(dropOf(frames.arp(toAll, { sender: '192.168.77.10', target: '192.168.77.11' }))).toBeNull();
  });

  it('cannot be a DHCP server or a router, where the network has DHCP', () => {
    const rogues = [
      frames.udp(toB, { ...flow, sourcePort: 67, destinationPort: 68 }),
      frames.udp6(toB, { ...flow6, sourcePort: 547, destinationPort: 546 }),
      frames.icmp6(allNodes, 'fe80::1:1', 'ff02::1', frames.ndp.routerAdvertisement().subarray(0, 16)),
    ];
    // A router advertisement with a prefix is longer; this one is too short to be read.
    expect(rogues.map((frame) => dropOf(frame))).toEqual(['rogue-server', 'rogue-server', 'malformed']);
    const advertisement = Buffer.concat([
      frames.ndp.routerAdvertisement(),
      Buffer.from([3, 4]),
      Buffer.alloc(30),
    ]);
    const rogue = frames.icmp6(allNodes, 'fe80::1:1', 'ff02::1', advertisement);
    expect([dropOf(rogue), dropOf(rogue, withoutDhcp)]).toEqual(['rogue-server', null]);
    expect(dropOf(rogues[0]!, withoutDhcp)).toBeNull();
  });

  it('cannot hide such packets behind a VLAN tag, extension headers or fragments', () => {
    const answer = frames.udpDatagram(67, 68, Buffer.alloc(4));
    const rest = { source: '192.168.77.10', destination: '192.168.77.11', protocol: 17, payload: answer };
    expect(dropOf(frames.ipv4(toB, { ...rest, tags: [0] }))).toBe('rogue-server');
    expect(dropOf(frames.ipv4(toB, { ...rest, fragment: 0x2000 }))).toBe('rogue-server');
    const advertisement = Buffer.concat([frames.ndp.routerAdvertisement(), Buffer.alloc(16)]);
    const behind = (next: number, header: Buffer) =>
      frames.ipv6(allNodes, {
        source: 'fe80::1:1',
        destination: 'ff02::1',
        next,
        hopLimit: 255,
        payload: Buffer.concat([header, advertisement]),
      });
    expect(dropOf(behind(0, Buffer.from('3a00010400000000', 'hex')))).toBe('malformed');
    expect(dropOf(behind(44, Buffer.from('3a00000100000001', 'hex')))).toBe('malformed');
    const unseen = frames.ipv6(allNodes, {
      source: 'fe80::1:1',
      destination: 'ff02::1',
      next: 44,
      payload: Buffer.from('3a00000100000001', 'hex'),
    });
    expect(dropOf(unseen)).toBe('malformed');
  });

  it('cannot send IP from an address of the network', () => {
    expect(dropOf(frames.udp(toB, { ...flow, source: '192.168.77.2' }))).toBe('spoofed-address');
    expect(dropOf(frames.udp6(toB, { ...flow6, source: 'fe80::2' }))).toBe('spoofed-address');
    const redirect = Buffer.concat([Buffer.from([137, 0, 0, 0]), Buffer.alloc(36)]);
    expect(dropOf(frames.icmp6(toB, 'fe80::1:1', 'fe80::1:2', redirect))).toBe('spoofed-address');
  });

  it('may do all of that on a LAN segment, which has no services, but not send from the MAC of another guest', () => {
    const segment = world.natConfig({ services: null, uplink: null, hosts: [] });
    expect(dropOf(frames.udp(toB, { ...flow, sourcePort: 67 }), segment)).toBeNull();
    expect(dropOf(frames.arp(toAll, { sender: '192.168.77.2', target: '192.168.77.2' }), segment)).toBeNull();
    expect(dropOf(frames.udp({ from: macB, to: macC }, flow), segment)).toBe('spoofed-mac');
  });

  it.each([
    ['shorter than a header', Buffer.alloc(13)],
    ['from a group address', frames.udp({ from: '53:54:00:00:00:0a', to: macB }, flow)],
    ['from no address', frames.udp({ from: '00:00:00:00:00:00', to: macB }, flow)],
    [
      'with an ARP that is cut',
      frames.arp(toAll, { sender: '192.168.77.10', target: '192.168.77.9' }).subarray(0, 40),
    ],
    ['longer than the MTU', frames.ethernet(toB, 0x88b5, Buffer.alloc(1505))],
  ])('cannot send a frame %s', (_what, frame) => expect(dropOf(frame)).toBe('malformed'));
});
