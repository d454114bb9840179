import { describe, expect, it } from 'vitest';
import type { FakeEngine } from '../../../test/support/fake-engine/engine.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import { pause, unpause } from '../power/pause.ts';
import { show } from './describe.ts';
import { HostTime } from './guest-time.ts';

const world = useWorld();
const hourMs = 3_600_000;

async function started(...more: string[]): Promise<FakeEngine> {
  world().machine('demo', more);
  const engine = await world().start('demo', { wait: 'agent' });
  await until(() => world().running().agentAnswers);
  return engine;
}

function isRight({ guest }: FakeEngine): boolean {
  return Math.abs(guest.clockAheadMs) < 1000;
}

/** The clocks of a host, and its time as it goes by. */
function clocked(): {
  readonly time: HostTime;
  pass: (wallMs: number, monotonicMs?: number) => Promise<void>;
} {
  let [wall, monotonic] = [1e12, 0];
  const time = new HostTime(world().host, { wall: () => wall, monotonic: () => monotonic });
  const pass = async (wallMs: number, monotonicMs = wallMs) => {
    wall += wallMs;
    monotonic += monotonicMs;
    await time.tick();
  };
  return { time, pass };
}

describe('the clock of a guest', () => {
  it('is set after the host has slept, in which its monotonic clock stood still', async () => {
    const engine = await started();
    const { pass } = clocked();
    engine.guest.clockAheadMs = -hourMs;
    await pass(2000);
    expect(isRight(engine)).toBe(false);
    await pass(hourMs + 2000, 2000);
    expect(isRight(engine)).toBe(true);
  });

  it('is set after the host has slept, if no clock stood still', async () => {
    const engine = await started();
    engine.guest.clockAheadMs = -hourMs;
    await clocked().pass(hourMs);
    expect(isRight(engine)).toBe(true);
  });

  it('is set after somebody has set the clock of the host back', async () => {
    const engine = await started();
    engine.guest.clockAheadMs = hourMs;
    await clocked().pass(2000 - hourMs, 2000);
    expect(isRight(engine)).toBe(true);
  });

  it('is checked once a minute, and not between', async () => {
    const engine = await started();
    const { pass } = clocked();
    const asked = () => engine.guest.calls.filter((call) => call === 'guest-get-time').length;
    const before = asked();
    for (let tick = 1; tick < 30; tick += 1) await pass(2000);
    expect(asked()).toBe(before);
    engine.guest.clockAheadMs = -hourMs;
    await pass(2000);
    expect(isRight(engine)).toBe(true);
  });

  it('is not asked for while the guest is paused', async () => {
    const engine = await started();
    await pause(world().host, 'demo', quiet);
    const before = engine.guest.calls.length;
    await clocked().pass(hourMs);
    expect(engine.guest.calls.length).toBe(before);
  });

  it('is set when the guest runs again after its file systems were frozen, which makes its agent refuse', async () => {
    const engine = await started();
    const { host } = world();
    const about = { key: world().running().names.vmx, machine: 'demo', verb: 'snapshot' } as const;
    await host.operations.exclusive(about, async () => {
      engine.guest.clockAheadMs = -hourMs;
      engine.guest.frozen = true;
      engine.event('RESUME');
      await until(() => engine.guest.calls.includes('guest-get-time'));
      engine.guest.frozen = false;
    });
    await expect.poll(() => isRight(engine)).toBe(true);
  });

  it('stays as it is if tools.syncTime is FALSE, and show tells what it is off by', async () => {
    const engine = await started('tools.syncTime = "FALSE"');
    engine.guest.clockAheadMs = -hourMs;
    await clocked().pass(2 * hourMs, 2000);
    await pause(world().host, 'demo', quiet);
    await unpause(world().host, 'demo', quiet);
    const { clock, syncTime } = await show(world().host, 'demo');
    expect([isRight(engine), syncTime]).toEqual([false, false]);
    expect(Math.abs((clock?.offsetMs ?? 0) + hourMs)).toBeLessThan(1000);
  });

  it('is unknown where the guest does not tell it', async () => {
    world().machine();
    expect((await show(world().host, 'demo')).clock).toBeNull();
    await world().start('demo', { wait: 'none' });
    world().running().agentAnswers = false;
    expect((await show(world().host, 'demo')).clock).toBeNull();
  });

  it('is in the log when it was set', async () => {
    const demo = world().machine();
    const engine = await world().start('demo', { wait: 'agent' });
    engine.guest.clockAheadMs = -hourMs;
    await clocked().pass(hourMs);
    expect(demo.read('demo.log')).toContain("set the guest's clock, which was 3600.0 s behind");
  });
});
