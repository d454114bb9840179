import { describe, expect, it } from 'vitest';
import * as frames from '../../test/support/frames.ts';
import * as world from '../../test/support/switch-world.ts';
import type { SwitchConfig } from './switch-config.ts';

const { macA, gatewayMac, nameServerMac, routerMac6, nameServerMac6 } = world;
const toGateway = { from: macA, to: gatewayMac };
const toRouter = { from: macA, to: routerMac6 };
const own6 = 'fd12:3456:789a:8::a';
const { syn, ack, psh, rst } = frames.tcpFlags;

const flowTo = (destination: string, destinationPort = 80) => ({
  source: '192.168.77.10',
  destination,
  sourcePort: 1000,
  destinationPort,
});
const flow6To = (destination: string, destinationPort = 80) => ({
  ...flowTo(destination, destinationPort),
  source: own6,
});

const open = world.natConfig();
const loopback = world.natConfig({ uplink: { ...world.uplink, hostLoopback: true } });
const closed = world.natConfig({ uplink: { ...world.uplink, outbound: false } });
const booting = world.natConfig({ services: { ...world.services, bootFile: 'boot.efi' } });

function passes(frame: Buffer, config: SwitchConfig = open): boolean {
  using network = new world.SwitchWorld(config);
  const places = network.whereTo('a', frame);
  const dropped = Object.keys(network.dropped('a'));
  expect(places.length > 0 ? dropped : places).toEqual([]);
  // TCP connections end in the switch, by the same rules.
  return places.includes('uplink') || network.host.connections.length > 0;
}

describe('the NAT', () => {
  it('gets what goes out, over TCP, UDP and ICMP, also in fragments', () => {
    expect(passes(frames.tcp(toGateway, { ...flowTo('192.0.2.9'), flags: syn }))).toBe(true);
    expect(passes(frames.udp(toGateway, flowTo('8.8.8.8', 53)))).toBe(true);
    expect(passes(frames.echo(toGateway, '192.168.77.10', '192.0.2.9'))).toBe(true);
    const later = { ...flowTo('192.0.2.9'), protocol: 17, payload: Buffer.alloc(8), fragment: 9 };
    expect(passes(frames.ipv4(toGateway, later))).toBe(true);
    expect(passes(frames.tcp6(toRouter, { ...flow6To('2001:db8::9'), flags: syn }))).toBe(true);
  });

  it.each([
    '192.168.77.1',
    '192.168.77.11',
    '192.168.77.0',
    '192.168.77.255',
    '192.168.77.254',
    '0.0.0.0',
    '0.1.2.3',
    '127.0.0.1',
    '127.255.0.1',
    '169.254.169.254',
    '224.0.0.251',
    '240.0.0.1',
    '255.255.255.255',
    '192.168.78.5',
  ])('gets nothing for %s', (address) => {
    for (const config of [open, loopback, booting]) {
      expect(passes(frames.tcp(toGateway, { ...flowTo(address), flags: syn }), config)).toBe(false);
      expect(passes(frames.udp(toGateway, flowTo(address, 53)), config)).toBe(false);
      expect(passes(frames.udp({ from: macA, to: nameServerMac }, flowTo(address, 53)), config)).toBe(false);
      expect(passes(frames.echo(toGateway, '192.168.77.10', address), config)).toBe(false);
    }
  });

  it('gets only pings for the gateway, unless guests may reach the loopback interface of the host', () => {
    const to = (destinationPort: number) => frames.udp(toGateway, flowTo('192.168.77.2', destinationPort));
    const connection = frames.tcp(toGateway, { ...flowTo('192.168.77.2', 22), flags: syn });
    expect([to(53), to(69), to(67), to(5353), connection].map((frame) => passes(frame))).toEqual(
      Array(5).fill(false),
    );
    expect(passes(frames.echo(toGateway, '192.168.77.10', '192.168.77.2'))).toBe(true);
    expect([to(53), to(5353), connection].map((frame) => passes(frame, loopback))).toEqual([
      true,
      true,
      true,
    ]);
    // The DHCP server there knows 16 clients.
    expect(passes(to(67), loopback)).toBe(false);
  });

  it('gets TFTP if there are boot files', () => {
    const to = frames.udp(toGateway, flowTo('192.168.77.2', 69));
    expect([open, booting].map((config) => passes(to, config))).toEqual([false, true]);
  });

  it('gets only port 53 and pings for the name server, and no fragments', () => {
    const route = { from: macA, to: nameServerMac };
    const question = frames.dnsQuestion({ name: 'example.com' });
    expect(passes(frames.udp(route, flowTo('192.168.77.3', 53), question))).toBe(true);
    expect(passes(frames.tcp(route, { ...flowTo('192.168.77.3', 53), flags: syn }))).toBe(true);
    expect(passes(frames.echo(route, '192.168.77.10', '192.168.77.3'))).toBe(true);
    expect(passes(frames.udp(route, flowTo('192.168.77.3', 54)))).toBe(false);
    expect(passes(frames.tcp(route, { ...flowTo('192.168.77.3', 22), flags: syn }), loopback)).toBe(false);
    for (const fragment of [0x2000, 1]) {
      const part = {
        ...flowTo('192.168.77.3'),
        protocol: 17,
        payload: frames.udpDatagram(1, 53, Buffer.alloc(8)),
        fragment,
      };
      expect(passes(frames.ipv4(route, part))).toBe(false);
    }
  });

  it('gets no IPv4 options, no VLAN tags, no other protocols, and no foreign sender', () => {
    const fields = {
      ...flowTo('192.0.2.9'),
      protocol: 17,
      payload: frames.udpDatagram(1, 2, Buffer.alloc(4)),
    };
    expect(passes(frames.ipv4(toGateway, fields))).toBe(true);
    expect(passes(frames.ipv4(toGateway, { ...fields, options: Buffer.from('83070400000000', 'hex') }))).toBe(
      false,
    );
    expect(passes(frames.ipv4(toGateway, { ...fields, tags: [0] }))).toBe(false);
    expect(passes(frames.ethernet(toGateway, 0x88b5, Buffer.alloc(46)))).toBe(false);
    for (const source of ['192.168.77.11', '192.168.78.1', '127.0.0.1', '192.168.77.3'])
      expect(passes(frames.ipv4(toGateway, { ...fields, source }))).toBe(false);
  });

  it('gets ARP only for its own addresses', () => {
    const ask = (target: string) =>
      frames.arp({ from: macA, to: world.everyone }, { sender: '192.168.77.10', target });
    expect(['192.168.77.2', '192.168.77.3'].map((target) => passes(ask(target)))).toEqual([true, true]);
    expect(['192.168.77.11', '192.168.77.254', '10.0.2.2'].map((target) => passes(ask(target)))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it.each([
    'fd12:3456:789a:8::2',
    'fd12:3456:789a:8::3',
    'fd12:3456:789a:8::1234',
    'fd12:3456:789a:8::',
    'fe80::2',
    'fe80::3',
    'fe80::9:9',
    'febf::1',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:7f00:1',
    'ff02::1',
    'ff05::1',
    'fec0::2',
    'feff::1',
  ])('gets no IPv6 for %s', (address) => {
    for (const to of [routerMac6, nameServerMac6, gatewayMac]) {
      const route = { from: macA, to };
      expect(passes(frames.tcp6(route, { ...flow6To(address), flags: syn }))).toBe(false);
      expect(passes(frames.tcp6(route, { ...flow6To(address), flags: ack }))).toBe(false);
      expect(passes(frames.udp6(route, flow6To(address)))).toBe(false);
    }
  });

  it('gets only neighbour discovery, pings and DNS for its own IPv6 addresses', () => {
    const dns = { from: macA, to: nameServerMac6 };
    const question = frames.dnsQuestion({ name: 'example.com' });
    expect(passes(frames.udp6(dns, flow6To('fd12:3456:789a:8::3', 53), question))).toBe(true);
    expect(passes(frames.tcp6(dns, { ...flow6To('fd12:3456:789a:8::3', 53), flags: syn }))).toBe(true);
    expect(passes(frames.udp6(dns, flow6To('fe80::3', 53), question))).toBe(false);
    expect(passes(frames.udp6(toRouter, flow6To('fd12:3456:789a:8::2', 53), question))).toBe(false);
    const to = (address: string, message: Buffer) => passes(frames.icmp6(toRouter, own6, address, message));
    expect(to('fd12:3456:789a:8::2', frames.ndp.echo())).toBe(true);
    expect(to('fd12:3456:789a:8::99', frames.ndp.echo())).toBe(false);
    expect(to('fe80::2', frames.ndp.solicitation('fe80::2', macA))).toBe(true);
    expect(to('fe80::2', frames.ndp.advertisement(own6, macA))).toBe(true);
    const everyRouter = { from: macA, to: '33:33:00:00:00:02' };
    expect(passes(frames.icmp6(everyRouter, 'fe80::a', 'ff02::2', frames.ndp.routerSolicitation()))).toBe(
      true,
    );
  });

  it('gets IPv6 for the gateway if guests may reach the loopback interface of the host, and still nothing for the rest', () => {
    const to = (address: string) =>
      passes(frames.tcp6(toRouter, { ...flow6To(address), flags: syn }), loopback);
    expect(['fd12:3456:789a:8::2', 'fd12:3456:789a:8::3', 'fe80::2', '::1'].map(to)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('gets no extension headers', () => {
    const payload = Buffer.concat([
      Buffer.from('1100010400000000', 'hex'),
      frames.udpDatagram(1, 2, Buffer.alloc(4)),
    ]);
    const frame = (destination: string) =>
      frames.ipv6(toRouter, { source: own6, destination, next: 0, payload });
    expect([passes(frame('2001:db8::9')), passes(frame('fd12:3456:789a:8::3'))]).toEqual([false, false]);
  });

  it('gets the answers of a forwarded TCP connection, but no new connections', () => {
    const flags = (bits: number) => frames.tcp(toGateway, { ...flowTo('192.168.77.2', 40_000), flags: bits });
    for (const config of [open, closed]) {
      expect([syn | ack, ack, psh | ack, rst].map((bits) => passes(flags(bits), config))).toEqual(
        Array(4).fill(true),
      );
      expect([syn, syn | psh, syn | rst].map((bits) => passes(flags(bits), config))).toEqual([
        false,
        false,
        false,
      ]);
      const cut = { ...flowTo('192.168.77.2'), protocol: 6, payload: Buffer.alloc(13), fragment: 0 };
      expect(passes(frames.ipv4(toGateway, cut), config)).toBe(false);
    }
  });
});

describe('a host-only network', () => {
  it('has no way out', () => {
    expect(passes(frames.tcp(toGateway, { ...flowTo('192.0.2.9'), flags: syn }), closed)).toBe(false);
    expect(passes(frames.udp(toGateway, flowTo('192.0.2.9')), closed)).toBe(false);
    expect(passes(frames.tcp6(toRouter, { ...flow6To('2001:db8::9'), flags: syn }), closed)).toBe(false);
    expect(
      passes(
        frames.udp(
          { from: macA, to: nameServerMac },
          flowTo('192.168.77.3', 53),
          frames.dnsQuestion({ name: 'example.com' }),
        ),
        closed,
      ),
    ).toBe(false);
  });
});

describe('what the NAT process sends', () => {
  const toA = { from: gatewayMac, to: macA };
  const at = (config: SwitchConfig, frame: Buffer) => {
    using network = new world.SwitchWorld(config);
    return network.whereTo('uplink', frame);
  };

  it('reaches the guest that it is addressed to, and all guests if it is a broadcast', () => {
    const answer = {
      source: '192.0.2.9',
      destination: '192.168.77.10',
      sourcePort: 80,
      destinationPort: 1000,
      flags: ack,
    };
    expect(at(open, frames.tcp(toA, answer))).toEqual(['a']);
    const search = { sender: '192.168.77.2', target: '192.168.77.10' };
    expect(at(open, frames.arp({ from: gatewayMac, to: world.everyone }, search))).toEqual(['a', 'b', 'c']);
    const advertisement = frames.icmp6(
      { from: routerMac6, to: '33:33:00:00:00:01' },
      'fe80::2',
      'ff02::1',
      frames.ndp.routerAdvertisement(),
    );
    expect([at(open, advertisement), at(closed, advertisement)]).toEqual([['a', 'b', 'c'], []]);
  });

  it('is dropped if it is DHCP, tagged, or neither IP nor ARP', () => {
    const offer = {
      source: '192.168.77.2',
      destination: '255.255.255.255',
      sourcePort: 67,
      destinationPort: 68,
    };
    expect(at(open, frames.udp({ from: gatewayMac, to: world.everyone }, offer))).toEqual([]);
    expect(at(open, frames.ethernet(toA, 0x88b5, Buffer.alloc(46)))).toEqual([]);
    expect(
      at(
        open,
        frames.ipv4(toA, { ...flowTo('192.168.77.10'), protocol: 6, payload: Buffer.alloc(20), tags: [1] }),
      ),
    ).toEqual([]);
    expect(at(open, Buffer.alloc(5))).toEqual([]);
  });
});
