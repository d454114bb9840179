import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as frames from '../../../test/support/frames.ts';
import { macA, natConfig, portOf, SwitchWorld, uplink } from '../../../test/support/switch-world.ts';
import { opened, pattern, settle, TcpGuest, usualOptions } from '../../../test/support/tcp-guest.ts';

const { syn, rst, ack } = frames.tcpFlags;

describe('a connection to the outside', () => {
  it.each([false, true])('is opened on the host first, and accepted then (IPv6: %s)', (isIpv6) => {
    using world = new SwitchWorld();
    const guest = new TcpGuest(world, { isIpv6 });
    guest.open();
    guest.open();
    expect(world.host.connections).toHaveLength(1);
    expect(world.host.last).toMatchObject(
      isIpv6 ? { address: '2001:db8:0:0:0:0:0:7', port: 443 } : { address: '198.51.100.7', port: 443 },
    );
    guest.turn();
    expect(guest.segments).toEqual([]);
    world.host.last.events.connected();
    guest.turn();
    expect(guest.segments).toMatchObject([{ flags: syn | ack, acknowledged: 1001, window: 0xffff }]);
    // An MSS for the MTU of 1500, and a scale.
    expect(guest.segments[0]?.options.toString('hex')).toBe(isIpv6 ? '020405a001030305' : '020405b401030305');
    expect(world.switch.status().ports[0]?.connections).toBe(1);
    expect(world.take('uplink')).toEqual([]);
  });

  it('carries bytes both ways, and ends of both sides', () => {
    using it = opened();
    const [up, down] = [pattern(300_001), pattern(200_003)];
    it.guest.write(up);
    it.host.send(down);
    it.guest.end();
    settle(it.world, it.guest, () => it.host.isEnded);
    expect(it.host.written.equals(up)).toBe(true);
    expect(it.guest.hasEnd).toBe(false);
    it.host.events.ended();
    settle(it.world, it.guest, () => it.guest.hasEnd);
    expect(it.guest.received.equals(down)).toBe(true);
    expect(it.guest.isAllAcknowledged).toBe(true);
    it.world.now += 3000;
    it.world.timetable.runDue();
    expect(it.world.switch.status().ports[0]?.connections).toBe(0);
    expect(it.host.isReset).toBe(false);
  });

  it('survives losses, doubles and numbers that begin again, in both directions', () => {
    const fates = fc.array(fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 1, 1, 1, 1, 2), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(
        fates,
        fc.record({
          first: fc.constantFrom(0, 1000, 0xffff_ffff, 0xffff_f000),
          mss: fc.integer({ min: 300, max: 1440 }),
          window: fc.constantFrom(3, 20, 0xffff),
          options: fc.constantFrom(usualOptions, Buffer.alloc(0), Buffer.from('02040219', 'hex')),
          isIpv6: fc.boolean(),
        }),
        fc.integer({ min: 0, max: 40_000 }),
        fc.integer({ min: 0, max: 40_000 }),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (drawn, settings, upBytes, downBytes, random) => {
          using world = new SwitchWorld();
          world.random = random;
          const fate = () => drawn.shift() ?? 1;
          // A window that is not scaled would be tiny.
          const window = settings.options === usualOptions ? settings.window : 0xffff;
          const guest = new TcpGuest(world, { ...settings, window, fate });
          guest.open();
          settle(world, guest, () => world.host.connections.length > 0);
          const host = world.host.last;
          host.events.connected();
          const [up, down] = [pattern(upBytes), pattern(downBytes)];
          guest.write(up);
          guest.end();
          host.send(down);
          host.events.ended();
          settle(world, guest, () => host.isEnded && guest.hasEnd && guest.isAllAcknowledged);
          expect(host.written.equals(up)).toBe(true);
          expect(guest.received.equals(down)).toBe(true);
          expect(guest.state).toBe('open');
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('opening', () => {
  it('is refused where the host is refused', () => {
    using world = new SwitchWorld();
    const guest = new TcpGuest(world);
    guest.open();
    world.host.last.events.failed();
    guest.turn();
    expect(guest.segments).toMatchObject([{ flags: rst | ack, acknowledged: 1001 }]);
    expect(world.switch.status().ports[0]?.connections).toBe(0);
  });

  it('is answered again until the guest has heard it, and is given up then', () => {
    using world = new SwitchWorld();
    const guest = new TcpGuest(world, { fate: () => 1 });
    guest.open();
    world.host.last.events.connected();
    const seen = world.take('a').length;
    for (let second = 0; second < 100; second += 1) {
      world.now += 1000;
      world.timetable.runDue();
    }
    expect(seen + world.take('a').length).toBeGreaterThan(5);
    expect(world.host.last.isReset).toBe(true);
    expect(world.switch.status().ports[0]?.connections).toBe(0);
  });

  it('is forgotten in silence when the host has no answer either', () => {
    using world = new SwitchWorld();
    new TcpGuest(world).open();
    for (let second = 0; second < 300; second += 1) {
      world.now += 1000;
      world.timetable.runDue();
    }
    expect(world.take('a')).toEqual([]);
    expect(world.host.last.isReset).toBe(true);
  });

  it('of too many at once is dropped, and counted', () => {
    using world = new SwitchWorld();
    for (let port = 1; port <= 300; port += 1) new TcpGuest(world, { port }).open();
    expect(world.host.connections).toHaveLength(256);
    expect(world.dropped('a')).toEqual({ exhaustion: 44 });
    for (const connection of world.host.connections) connection.events.failed();
    new TcpGuest(world, { port: 9999 }).open();
    expect(world.host.connections).toHaveLength(257);
  });

  it('between the same ports replaces a connection that the guest has forgotten', () => {
    using it = opened();
    it.guest.open();
    it.guest.turn();
    // The same SYN again: nothing new.
    expect(it.world.host.connections).toHaveLength(1);
    expect(it.guest.segments.at(-1)?.flags).toBe(ack);
    const again = new TcpGuest(it.world, { first: 77_000 });
    again.open();
    expect(it.host.isReset).toBe(true);
    expect(it.world.host.connections).toHaveLength(2);
    it.world.host.last.events.connected();
    again.turn();
    expect(again.segments.at(-1)).toMatchObject({ flags: syn | ack, acknowledged: 77_001 });
  });
});

describe('the connections of an adapter', () => {
  it('end with the connection to it', () => {
    using it = opened();
    const port = it.world.switch.ports.get('a');
    port?.plug(null);
    expect(it.host.isReset).toBe(true);
    expect(port?.status().connections).toBe(0);
  });

  it('end when they are not allowed any more, and others go on', () => {
    using it = opened();
    it.world.configure(natConfig({ mtu: 9000 }));
    expect(it.host.isReset).toBe(false);
    it.world.configure(natConfig({ uplink: { ...uplink, forbidden: ['198.51.100.0/24'] } }));
    it.guest.turn();
    expect([it.host.isReset, it.guest.state]).toEqual([true, 'reset']);
  });

  it('are shaped like everything else', () => {
    using it = opened();
    const none = { bitsPerSecond: null, lossPerMille: 0, latencyMs: 0 };
    const shape = { transmit: none, receive: { ...none, lossPerMille: 1000 } };
    it.world.configure(natConfig({ ports: [portOf('a', macA, { shape })] }));
    it.host.send(pattern(5000));
    it.guest.turn();
    expect(it.guest.received).toHaveLength(0);
    it.world.configure(natConfig());
    settle(it.world, it.guest, () => it.guest.received.length === 5000);
    expect(it.guest.received.equals(pattern(5000))).toBe(true);
  });
});

describe('connections of a switch that was killed', () => {
  it('are reset, also if the guest only waits for more', () => {
    using it = opened();
    const left = [...it.openings];
    expect(left).toHaveLength(1);
    using next = new SwitchWorld(natConfig(), null, undefined, {
      takeLeft: (mac) => (mac === frames.macNumber(macA) ? left : []),
      opened: () => undefined,
      ended: () => undefined,
    });
    it.guest.moveTo(next);
    it.guest.turn();
    expect(it.guest.segments.at(-1)).toMatchObject({ flags: ack, sequence: 0 });
    it.guest.turn();
    expect(it.guest.segments.at(-1)).toMatchObject({ flags: rst, sequence: it.guest.expected });
    expect(it.guest.state).toBe('reset');
    expect(next.take('uplink')).toEqual([]);
  });
});
