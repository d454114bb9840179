import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as frames from '../../../test/support/frames.ts';
import { macA, natConfig, portOf, SwitchWorld, uplink } from '../../../test/support/switch-world.ts';
import { settle, TcpGuest, usualOptions, type TcpGuestOptions } from '../../../test/support/tcp-guest.ts';

const { syn, rst, ack } = frames.tcpFlags;

function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 31 + (at >>> 8)) & 255));
}

function opened(options: TcpGuestOptions = {}) {
  const openings: Buffer[] = [];
  const world = new SwitchWorld(natConfig(), null, undefined, {
    takeLeft: () => [],
    opened: (opening) => openings.push(opening),
    ended: (opening) => openings.splice(openings.indexOf(opening), 1),
  });
  const guest = new TcpGuest(world, options).connect();
  return { world, guest, openings, host: world.host.last, [Symbol.dispose]: () => world[Symbol.dispose]() };
}

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

describe('an open connection', () => {
  it('ends with a reset of either side', () => {
    using one = opened();
    one.guest.raw({ flags: rst, sequence: one.guest.next });
    expect(one.host.isReset).toBe(true);
    expect(one.world.switch.status().ports[0]?.connections).toBe(0);
    using other = opened();
    other.host.events.failed();
    other.guest.turn();
    expect(other.guest.state).toBe('reset');
    expect(other.guest.segments.at(-1)).toMatchObject({ sequence: other.guest.expected });
  });

  it('is not ended by an old reset', () => {
    using it = opened();
    it.guest.raw({ flags: rst, sequence: (it.guest.next - 5000) >>> 0 });
    expect(it.host.isReset).toBe(false);
  });

  it('acknowledges once what came at once', () => {
    using it = opened();
    it.guest.turn();
    const before = it.guest.segments.length;
    it.guest.write(pattern(20_000));
    it.guest.turn();
    it.guest.turn();
    expect(it.host.written).toHaveLength(20_000);
    // The guest of this test sends one segment a chunk.
    const all = it.guest.segments.slice(before);
    expect(all.every(({ flags, data }) => flags === ack && data.length === 0)).toBe(true);
    expect(all.at(-1)?.acknowledged).toBe(it.guest.next);
  });

  it('lets a guest send no more than the host takes', () => {
    using it = opened();
    it.host.waiting = 1024 * 1024;
    it.guest.write(pattern(1_600_000));
    settle(it.world, it.guest, () => it.world.now > 20_000);
    expect(it.host.written.length).toBeLessThan(1_100_000);
    expect(it.guest.segments.at(-1)?.window).toBe(0);
    it.host.waiting = 0;
    it.host.events.drained();
    it.guest.turn();
    expect(it.guest.segments.at(-1)?.window).toBe((1024 * 1024) / 32);
    settle(it.world, it.guest, () => it.host.written.length === 1_600_000);
    expect(it.host.written.equals(pattern(1_600_000))).toBe(true);
  });

  it('asks a guest without room now and then, and sends as soon as it has some', () => {
    using it = opened({ window: 0 });
    it.guest.raw({});
    it.host.send(pattern(5000));
    it.guest.turn();
    expect(it.guest.received).toHaveLength(0);
    const before = it.guest.segments.length;
    settle(it.world, it.guest, () => it.guest.segments.length > before + 2);
    expect(it.guest.segments.at(-1)).toMatchObject({
      data: Buffer.alloc(0),
      sequence: it.guest.expected - 1,
    });
    it.guest.window = 0xffff;
    settle(it.world, it.guest, () => it.guest.received.length === 5000);
    expect(it.guest.received.equals(pattern(5000))).toBe(true);
  });

  it('has the host wait while the guest takes nothing', () => {
    using it = opened({ window: 0 });
    it.guest.raw({});
    for (let count = 0; count < 1000 && !it.host.isPaused; count += 1) it.host.send(pattern(65_536));
    expect(it.host.isPaused).toBe(true);
    it.guest.window = 0xffff;
    it.guest.raw({});
    settle(it.world, it.guest, () => !it.host.isPaused);
    expect(it.host.isPaused).toBe(false);
  });

  it('waits for the link, and goes on when that has caught up', () => {
    using it = opened();
    const link = it.world.link('a');
    link.isBehind = true;
    it.host.send(pattern(5000));
    it.guest.turn();
    expect(it.guest.received).toHaveLength(0);
    link.isBehind = false;
    link.caughtUp();
    settle(it.world, it.guest, () => it.guest.received.length === 5000);
    expect(it.guest.received).toHaveLength(5000);
  });

  it('answers what keeps it alive', () => {
    using it = opened();
    it.guest.raw({});
    it.guest.turn();
    const before = it.guest.segments.length;
    it.guest.raw({ sequence: it.guest.next - 1 });
    it.guest.turn();
    expect(it.guest.segments.length).toBeGreaterThan(before);
    expect(it.guest.segments.at(-1)).toMatchObject({ flags: ack, acknowledged: it.guest.next });
  });

  it('is forgotten after two hours without a word, with a reset for the host', () => {
    using it = opened();
    it.world.now += 7_430_000;
    it.world.timetable.runDue();
    expect(it.host.isReset).toBe(false);
    it.world.now += 20_000;
    it.world.timetable.runDue();
    expect(it.host.isReset).toBe(true);
  });

  it('is reset for a guest that was set back to an earlier time', () => {
    using it = opened();
    it.guest.write(pattern(10_000));
    it.host.send(pattern(10_000));
    settle(
      it.world,
      it.guest,
      () => it.host.written.length === 10_000 && it.guest.received.length === 10_000,
    );
    it.guest.turn();
    const earlier = { sequence: 1001, acknowledged: it.guest.expected - 10_000, data: Buffer.from('x') };
    for (let count = 0; count < 3; count += 1) it.guest.raw(earlier);
    it.guest.turn();
    expect(it.guest.segments.at(-1)).toMatchObject({ flags: rst | ack, sequence: earlier.acknowledged });
    expect(it.host.isReset).toBe(true);
    // What it sends from then on is for slirp, which resets what it does not know.
    it.guest.raw({});
    expect(it.world.take('uplink')).toHaveLength(1);
  });

  it('is reset at once for an acknowledgement of what was never sent', () => {
    using it = opened();
    it.guest.raw({ acknowledged: it.guest.expected + 5000 });
    it.guest.turn();
    expect(it.guest.state).toBe('reset');
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
