import { describe, expect, it } from 'vitest';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { show } from '../running/describe.ts';
import { pause, unpause } from './pause.ts';

const world = useWorld();

describe('pause', () => {
  it('stops the guest, and unpause lets it run again', async () => {
    world().machine();
    const engine = await world().start();
    expect((await pause(world().host, 'demo', quiet)).state).toBe('paused');
    expect(engine.state).toBe('paused');
    expect((await unpause(world().host, 'demo', quiet)).state).toBe('running');
    expect(engine.state).toBe('running');
  });

  it('is refused for a machine that is paused or stopped', async () => {
    world().machine();
    expect((await refused(pause(world().host, 'demo', quiet))).code).toBe('WRONG_STATE');
    await world().start();
    await pause(world().host, 'demo', quiet);
    expect((await refused(pause(world().host, 'demo', quiet))).code).toBe('WRONG_STATE');
  });

  it('is refused while the machine is being changed', async () => {
    const { vmx } = world().machine();
    await world().start();
    const about = { key: vmx, machine: 'demo', verb: 'suspend' } as const;
    await world().host.operations.exclusive(about, async () => {
      expect((await refused(pause(world().host, 'demo', quiet))).code).toBe('BUSY');
    });
  });
});

describe('unpause', () => {
  it('is refused for a running machine', async () => {
    world().machine();
    await world().start();
    expect((await refused(unpause(world().host, 'demo', quiet))).code).toBe('WRONG_STATE');
  });

  it('sets the clock of the guest', async () => {
    world().machine();
    const engine = await world().start('demo', { wait: 'agent' });
    await pause(world().host, 'demo', quiet);
    engine.guest.clockAheadMs = -3_600_000;
    await unpause(world().host, 'demo', quiet);
    await expect.poll(() => Math.abs(engine.guest.clockAheadMs) < 1000).toBe(true);
  });

  it('succeeds when the clock cannot be set, and the log says so', async () => {
    const demo = world().machine();
    const handlers = { 'guest-get-time': () => ({ end: '' }) };
    world().engines.guest = { ...usualGuest, handlers };
    await world().start('demo', { wait: 'agent' });
    await pause(world().host, 'demo', quiet);
    expect((await unpause(world().host, 'demo', quiet)).state).toBe('running');
    await expect.poll(() => demo.read('demo.log')).toContain('clock');
  });
});

describe('unpause after a disk error', () => {
  it.each([
    [true, 'DISK_FULL', 'The disk of the host is still full, so demo is paused again.'],
    [false, 'FILE_ACCESS', 'A disk of demo still fails, so it is paused again: Input/output error'],
  ])('says that it occurred again (full: %s), and the machine is paused', async (full, code, message) => {
    world().machine();
    const engine = await world().start();
    engine.ioError(full);
    await expect.poll(() => world().running().state).toBe('paused');
    engine.ioFails = { nospace: full };
    expect(await refused(unpause(world().host, 'demo', quiet))).toMatchObject({
      code,
      message,
      next: like(/kame unpause demo/),
    });
    expect([world().running().state, engine.state]).toEqual(['paused', 'io-error']);
    engine.ioFails = null;
    expect((await unpause(world().host, 'demo', quiet)).state).toBe('running');
  });
});

describe('what the engine reports', () => {
  it('a full disk, which pauses the machine with the reason until it resumes', async () => {
    const demo = world().machine();
    const engine = await world().start();
    engine.ioError(true);
    await expect.poll(() => world().running().state).toBe('paused');
    expect((await show(world().host, 'demo')).problems).toMatchObject([{ severity: 'warning' }]);
    expect(world().events.at(-1)).toMatchObject({ type: 'machine.state', state: 'paused' });
    await unpause(world().host, 'demo', quiet);
    await expect.poll(async () => (await show(world().host, 'demo')).problems).toEqual([]);
    expect(demo.read('demo.log')).toContain('full');
  });

  it('an error that only the guest sees, which stops nothing', async () => {
    const demo = world().machine();
    const engine = await world().start();
    engine.ioError(false, 'report');
    await expect.poll(() => demo.read('demo.log')).toContain('Input/output error');
    expect(world().running().state).toBe('running');
  });

  it('a panic, which becomes an event and a log entry', async () => {
    const demo = world().machine();
    const engine = await world().start();
    engine.panic();
    await expect.poll(() => world().events.at(-1)?.type).toBe('machine.panicked');
    await expect.poll(() => demo.read('demo.log')).toContain('panicked');
  });

  it('the end of the agent, which becomes an event', async () => {
    world().machine();
    const engine = await world().start('demo', { wait: 'agent' });
    engine.openPort(false);
    await expect.poll(() => world().running().agentAnswers).toBe(false);
    expect(world().events.at(-1)).toMatchObject({ type: 'machine.agent', machine: 'demo' });
  });
});
