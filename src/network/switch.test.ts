import { describe, expect, it } from 'vitest';
import { noShape } from '../model/link-shape.ts';
import * as frames from '../../test/support/frames.ts';
import * as world from '../../test/support/switch-world.ts';

const { macA, macB, macC, everyone, portOf } = world;
const flow = {
  source: '192.168.77.10',
  destination: '192.168.77.11',
  sourcePort: 1000,
  destinationPort: 2000,
};
const between = (from: string, to: string, data?: Buffer) => frames.udp({ from, to }, flow, data);
const inner = '02:00:00:00:00:77';

describe('a switch', () => {
  it('delivers only to the port that has the address', () => {
    using network = new world.SwitchWorld();
    expect(network.whereTo('a', between(macA, macB))).toEqual(['b']);
    expect(network.whereTo('b', between(macB, macA))).toEqual(['a']);
    expect(network.whereTo('a', between(macA, macA))).toEqual([]);
  });

  it('delivers broadcasts and frames for unknown addresses to all guests, but not to the NAT process', () => {
    using network = new world.SwitchWorld();
    expect(network.whereTo('a', between(macA, everyone))).toEqual(['b', 'c']);
    expect(network.whereTo('a', between(macA, '01:00:5e:00:00:fb'))).toEqual(['b', 'c']);
    expect(network.whereTo('a', between(macA, inner))).toEqual(['b', 'c']);
  });

  it('learns the addresses behind a port', () => {
    using network = new world.SwitchWorld();
    network.send('c', between(inner, macA));
    expect(network.whereTo('a', between(macA, inner))).toEqual(['c']);
    // Another port cannot take it while it is in use.
    expect(network.whereTo('b', between(inner, macA))).toEqual([]);
    expect(network.dropped('b')).toEqual({ 'spoofed-mac': 1 });
    network.now += 300_001;
    expect(network.whereTo('a', between(macA, inner))).toEqual(['b', 'c']);
  });

  it('lets one port have 64 addresses besides its own', () => {
    using network = new world.SwitchWorld();
    for (let index = 0; index < 70; index += 1) {
      const from = `02:00:00:00:01:${index.toString(16).padStart(2, '0')}`;
      network.send('c', between(from, macA));
    }
    expect(network.take('a')).toHaveLength(64);
    expect(network.dropped('c')).toEqual({ exhaustion: 6 });
    expect(network.whereTo('c', between(macC, macA))).toEqual(['a']);
  });

  it('contains a storm of broadcasts without holding up the rest', () => {
    using network = new world.SwitchWorld();
    const storm = Array.from({ length: 5000 }, () => between(macA, everyone));
    network.send('a', ...storm);
    expect([network.take('b').length, network.take('c').length]).toEqual([4000, 4000]);
    expect(network.dropped('a')).toEqual({ storm: 1000 });
    expect(network.whereTo('a', between(macA, macB))).toEqual(['b']);
    expect(network.whereTo('b', between(macB, everyone))).toEqual(['a', 'c']);
    network.now += 1000;
    network.send('a', ...storm);
    expect(network.take('b')).toHaveLength(2000);
  });

  it('writes consecutive frames as one piece of the chunk that they came in', () => {
    using network = new world.SwitchWorld();
    const chunk = Buffer.concat([macB, macB, macC, macB].map((to) => frames.framed(between(macA, to))));
    network.receive('a', chunk);
    expect(network.runs('b').map(({ length }) => length)).toEqual([chunk.length / 2, chunk.length / 4]);
    expect(network.runs('c').map((run) => [run.buffer === chunk.buffer, run.length])).toEqual([
      [true, chunk.length / 4],
    ]);
  });

  it('counts from the side of the guest', () => {
    using network = new world.SwitchWorld();
    const frame = between(macA, macB);
    network.send('a', frame, frame);
    const [a, b] = network.switch.status().ports;
    expect(a).toEqual({
      id: 'a',
      connected: true,
      connections: 0,
      sentFrames: 2,
      sentBytes: 2 * frame.length,
      receivedFrames: 0,
      receivedBytes: 0,
      dropped: {},
    });
    expect(b).toMatchObject({ receivedFrames: 2, receivedBytes: 2 * frame.length, sentFrames: 0 });
  });

  it('counts frames for a port that is not connected as congestion', () => {
    using network = new world.SwitchWorld();
    network.switch.ports.get('b')?.plug(null);
    network.send('a', between(macA, macB));
    expect(network.dropped('a')).toEqual({ congestion: 1 });
    expect(network.switch.status().ports[1]).toMatchObject({ connected: false });
    network.switch.uplink.plug(null);
    network.send(
      'a',
      frames.udp({ from: macA, to: world.gatewayMac }, { ...flow, destination: '192.0.2.9' }),
    );
    expect(network.dropped('a')).toEqual({ congestion: 2 });
  });

  it('takes a longer frame after the MTU was raised', () => {
    const long = frames.ethernet({ from: macA, to: macB }, 0x88b5, Buffer.alloc(9000));
    using network = new world.SwitchWorld();
    expect(network.whereTo('a', long)).toEqual([]);
    network.configure(world.natConfig({ mtu: 9000 }));
    expect(network.whereTo('a', long)).toEqual(['b']);
  });

  it('can be reconfigured: ports come and go, and keep what was learned and counted', () => {
    using network = new world.SwitchWorld();
    network.send('c', between(inner, macA));
    network.send('a', between(macA, macB));
    const ports = [portOf('a', macA), portOf('c', macC), portOf('d', '52:54:00:00:00:0d')];
    network.configure(world.natConfig({ ports }));
    expect(network.whereTo('a', between(macA, inner))).toEqual(['c']);
    expect(network.whereTo('a', between(macA, macB))).toEqual(['c', 'd']);
    expect(network.switch.status().ports.map(({ id, sentFrames }) => [id, sentFrames])).toEqual([
      ['a', 3],
      ['c', 1],
      ['d', 0],
    ]);
    // A machine that starts has its own address, wherever it was seen before.
    network.configure(world.natConfig({ ports: [...ports, portOf('e', inner)] }));
    expect(network.whereTo('a', between(macA, inner))).toEqual(['e']);
    expect(network.whereTo('c', between(inner, macA))).toEqual([]);
  });

  it('gives the MAC of two adapters to the first one', () => {
    using network = new world.SwitchWorld(
      world.natConfig({ ports: [portOf('a', macA), portOf('b', macA), portOf('c', macC)] }),
    );
    expect(network.whereTo('c', between(macC, macA))).toEqual(['a']);
    expect(network.whereTo('b', between(macA, macC))).toEqual([]);
    expect(network.dropped('b')).toEqual({ 'spoofed-mac': 1 });
  });
});

describe('a shaped adapter', () => {
  const slow = { bitsPerSecond: null, lossPerMille: 0, latencyMs: 20 };

  it.each([
    ['sends', 'a', 'b', { ...noShape, transmit: slow }],
    ['receives', 'b', 'a', { ...noShape, receive: slow }],
  ] as const)('%s later, and the other direction is as fast as before', (_what, from, to, shape) => {
    const ports = [portOf('a', macA, { shape }), portOf('b', macB)];
    using network = new world.SwitchWorld(world.natConfig({ ports }));
    const macs = { a: macA, b: macB };
    network.send(from, between(macs[from], macs[to]));
    expect(network.take(to)).toHaveLength(0);
    network.send(to, between(macs[to], macs[from]));
    expect(network.take(from)).toHaveLength(1);
    network.now += 20;
    network.timetable.runDue();
    expect(network.take(to)).toHaveLength(1);
  });

  it('loses frames in both directions, and counts them for the sender', () => {
    const lossy = { ...slow, latencyMs: 0, lossPerMille: 1000 };
    const ports = [portOf('a', macA, { shape: { receive: lossy, transmit: lossy } }), portOf('b', macB)];
    using network = new world.SwitchWorld(world.natConfig({ ports }));
    expect(network.whereTo('a', between(macA, macB))).toEqual([]);
    expect(network.whereTo('b', between(macB, macA))).toEqual([]);
    expect([network.dropped('a'), network.dropped('b')]).toEqual([{ shaped: 1 }, { shaped: 1 }]);
    network.configure(world.natConfig());
    expect(network.whereTo('a', between(macA, macB))).toEqual(['b']);
  });

  it('keeps waiting frames intact when their buffer is reused', () => {
    const ports = [
      portOf('a', macA, { shape: { receive: slow, transmit: slow } }),
      portOf('b', macB, { shape: { receive: slow, transmit: slow } }),
    ];
    using network = new world.SwitchWorld(world.natConfig({ ports }));
    const chunk = frames.framed(between(macA, macB));
    const sent = Buffer.from(chunk.subarray(4));
    network.receive('a', chunk);
    chunk.fill(0xff);
    for (let step = 0; step < 2; step += 1) {
      network.now += 20;
      network.timetable.runDue();
    }
    expect(network.take('b')).toEqual([sent]);
  });
});
