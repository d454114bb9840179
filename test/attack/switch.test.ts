import { expect, it } from 'vitest';
import type { SwitchConfig } from '../../src/network/switch-config.ts';
import * as frames from '../support/frames.ts';
import * as world from '../support/switch-world.ts';
import { usualOptions } from '../support/tcp-guest.ts';
import { fuzz } from './fuzz.ts';
import type { Corpus } from './mutation.ts';

const { macA, macB, everyone, gatewayMac, nameServerMac, nameServerMac6, routerMac6, serverMac } = world;
const toAll = { from: macA, to: everyone };
const toGateway = { from: macA, to: gatewayMac };
const flow = { source: '192.168.77.10', destination: '192.0.2.9', sourcePort: 1000, destinationPort: 80 };
const flow6 = {
  source: 'fd12:3456:789a:8::a',
  destination: '2001:db8::9',
  sourcePort: 1000,
  destinationPort: 80,
};
const dns = (destination: string) => ({ ...flow, destination, destinationPort: 53 });
const question = frames.dnsQuestion({ name: 'b.kame', edns: true });
const extension = Buffer.concat([
  Buffer.from('2c00010400000000', 'hex'),
  Buffer.from('1100000100000001', 'hex'),
]);

/** Of connections that were opened with the sequence numbers of these tests. */
const opened = { flags: frames.tcpFlags.ack, sequence: 2, acknowledged: 0x8000_0001 };
const segments: readonly Partial<frames.TcpFields>[] = [
  { flags: frames.tcpFlags.syn, sequence: 1, acknowledged: 0, options: usualOptions },
  { data: Buffer.from('hello') },
  { sequence: 9, data: Buffer.from('hello'), window: 0 },
  { flags: frames.tcpFlags.ack | frames.tcpFlags.fin, acknowledged: 0x8000_0006 },
  { flags: frames.tcpFlags.rst },
];

/** One frame of each kind that the switch looks into. */
const corpus: Corpus = {
  samples: [
    frames.arp(toAll, { sender: '192.168.77.10', target: '192.168.77.2' }),
    frames.arp(toAll, { sender: '192.168.77.10', target: '192.168.77.254' }),
    frames.dhcp({ type: 1, client: macA, hostName: 'guest' }),
    frames.dhcp({ type: 3, client: macA, requested: '192.168.77.10', server: '192.168.77.254' }),
    frames.dhcp({ type: 4, client: macA, requested: '192.168.77.10' }),
    frames.udp({ from: macA, to: nameServerMac }, dns('192.168.77.3'), question),
    frames.udp(
      { from: macA, to: serverMac },
      dns('192.168.77.254'),
      frames.dnsQuestion({ name: '10.77.168.192.in-addr.arpa', type: 12 }),
    ),
    frames.udp6(
      { from: macA, to: nameServerMac6 },
      { ...flow6, destination: 'fd12:3456:789a:8::3', destinationPort: 53 },
      question,
    ),
    frames.echo({ from: macA, to: serverMac }, '192.168.77.10', '192.168.77.254'),
    frames.tcp(toGateway, { ...flow, flags: frames.tcpFlags.syn }),
    frames.tcp6({ from: macA, to: routerMac6 }, { ...flow6, flags: frames.tcpFlags.syn }),
    ...segments.map((fields) => frames.tcp(toGateway, { ...flow, ...opened, ...fields })),
    ...segments.map((fields) =>
      frames.tcp6({ from: macA, to: routerMac6 }, { ...flow6, ...opened, ...fields }),
    ),
    frames.icmp6(
      { from: macA, to: '33:33:00:00:00:01' },
      '::',
      'ff02::1',
      frames.ndp.solicitation('fd12:3456:789a:8::a'),
    ),
    frames.icmp6(
      { from: macA, to: '33:33:00:00:00:01' },
      'fe80::a',
      'ff02::1',
      frames.ndp.routerAdvertisement(),
    ),
    frames.ipv6(
      { from: macA, to: macB },
      {
        source: 'fe80::a',
        destination: 'fe80::b',
        next: 0,
        payload: Buffer.concat([extension, frames.udpDatagram(547, 546, Buffer.alloc(8))]),
      },
    ),
    frames.ipv4(
      { from: macA, to: macB },
      { ...flow, protocol: 17, payload: frames.udpDatagram(67, 68, Buffer.alloc(8)), tags: [0] },
    ),
    frames.udp(
      { from: gatewayMac, to: macA },
      { source: '192.168.77.2', destination: '192.168.77.10', sourcePort: 4000, destinationPort: 53 },
    ),
  ],
  pieces: [
    '0800',
    '0806',
    '86dd',
    '81000000',
    '63825363',
    '3501',
    'c00c',
    '4500',
    '6000',
    'c0a84d02',
    'fe80',
    'ff02',
    '80000001',
    '5010ffff',
    '0303',
  ].map((hex) => Buffer.from(hex, 'hex')),
};

const all = ['a', 'b', 'c', 'uplink'];

/** Sends frames from a guest and from the NAT process, and looks at everything that comes out. */
/** Where no guest may get, as text that `dial` is given. */
const inside =
  /^(0|127|169\.254|2(2[4-9]|[345]\d)|192\.168\.7[78])\.|^(0:0:0:0:0:(0|ffff):|fe[89a-f]|ff|fd12:3456:789a:8:)/;

/** Plays the host: accepts what is dialled, says something, and ends it if the port is even. */
function answerAll({ host }: world.SwitchWorld): void {
  for (const { address, port, events } of host.connections.splice(0)) {
    expect(address).not.toMatch(inside);
    if (port === 0) events.failed();
    events.connected();
    events.received(Buffer.from('hello'));
    if (port % 2 === 0) events.ended();
  }
}

async function attack(
  config: SwitchConfig,
): Promise<{ readonly answers: number; readonly forwarded: number }> {
  using network = new world.SwitchWorld(config);
  let [answers, forwarded] = [0, 0];
  const { read, refused } = await fuzz(corpus, (input) => {
    network.now += 1;
    network.wallClock += 1000;
    network.timetable.runDue();
    const frame = input.subarray(0, 1518);
    network.send('a', frame);
    network.send('uplink', frame);
    answerAll(network);
    for (const id of all) {
      for (const each of network.take(id)) {
        if (each.equals(frame)) forwarded += 1;
        else answers += 1;
      }
      network.runs(id);
    }
  });
  expect(refused.size).toBe(0);
  expect(read).toBeGreaterThan(0);
  const { leases, ports } = network.switch.status();
  expect(leases.length).toBeLessThanOrEqual(8 + 2);
  expect(ports).toHaveLength(3);
  // It still works.
  expect(network.whereTo('b', frames.udp({ from: macB, to: world.macC }, flow))).toEqual(['c']);
  return { answers, forwarded };
}

it('any frame is switched, answered or dropped', async () => {
  const { answers, forwarded } = await attack(world.natConfig());
  expect([answers > 1000, forwarded > 1000]).toEqual([true, true]);
});

it('any frame is switched, answered or dropped without a way out, and over a link that is shaped', async () => {
  const direction = { bitsPerSecond: 1_000_000, lossPerMille: 100, latencyMs: 5 };
  const shape = { receive: direction, transmit: direction };
  const ports = [world.portOf('a', macA, { shape }), world.portOf('b', macB), world.portOf('c', world.macC)];
  const { answers, forwarded } = await attack(
    world.natConfig({ uplink: { ...world.uplink, outbound: false }, ports }),
  );
  expect([answers > 100, forwarded > 1000]).toEqual([true, true]);
});

it('any stream of bytes is read, or ends the connection', async () => {
  using network = new world.SwitchWorld();
  const receipts = new Set<string | undefined>();
  const streams = {
    ...corpus,
    samples: corpus.samples.map((frame) => Buffer.concat([frames.framed(frame), frames.framed(frame)])),
  };
  await fuzz(streams, (input) => {
    network.now += 1;
    const half = Math.floor(input.length / 2);
    for (const chunk of [input.subarray(0, half), input.subarray(half)]) {
      const receipt = network.receive('a', chunk);
      receipts.add(receipt);
      if (receipt === 'broken') network.switch.ports.get('a')?.decoder.reset();
    }
    for (const id of all) {
      network.take(id);
      network.runs(id);
    }
  });
  expect(receipts).toEqual(new Set(['broken', 'done']));
});
