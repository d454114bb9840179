import { describe, expect, it } from 'vitest';
import * as frames from '../../../test/support/frames.ts';
import { opened, pattern, settle } from '../../../test/support/tcp-guest.ts';

const { rst, ack } = frames.tcpFlags;

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
