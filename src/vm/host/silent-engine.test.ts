import { describe, expect, it } from 'vitest';
import { cloneBody, revertBody, startBody, stopBody, takeBody } from '../../../test/support/bodies.ts';
import type { FakeHandler } from '../../../test/support/fake-agent.ts';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { hurry, standStill, type Standstill } from '../../../test/support/standstill.ts';
import { atEachCommand } from '../../../test/support/sweep.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import type { WorldMachine } from '../../../test/support/world-machine.ts';
import { deferred } from '../../core/deferred.ts';
import type { Progress } from '../../core/progress.ts';
import { readJournal } from '../../store/journal.ts';
import { machineNames } from '../../store/names.ts';
import { clone } from '../clone/clone.ts';
import { screenshot } from '../guest/screenshot.ts';
import { pause, unpause } from '../power/pause.ts';
import { start } from '../power/start.ts';
import { stop } from '../power/stop.ts';
import { suspend } from '../power/suspend.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { revertSnapshot } from '../snapshot/revert.ts';
import { deleteSnapshot, listSnapshots, takeSnapshot } from '../snapshot/snapshots.ts';

const world = useWorld();

type Work = (progress: Progress) => Promise<unknown>;

const take: Work = async (progress) =>
  await takeSnapshot(world().host, 'demo', takeBody({ label: 'new' }), progress);
const takeDisks: Work = async (progress) =>
  await takeSnapshot(world().host, 'demo', takeBody({ label: 'new', diskOnly: true }), progress);
const remove: Work = async (progress) =>
  await deleteSnapshot(world().host, 'demo', 'old', { children: false }, progress);
const instant: Work = async (progress) =>
  await clone(world().host, 'demo', cloneBody({ name: 'new', kind: 'instant' }), progress);

/** A running machine without an agent, with a snapshot. */
async function running(): Promise<WorldMachine> {
  const demo = world().machine(undefined, ['svga.present = "TRUE"']);
  world().engines.guest = { ...usualGuest, agent: 'none' };
  await world().start();
  await takeSnapshot(world().host, 'demo', takeBody({ label: 'old', diskOnly: true }), quiet);
  return demo;
}

/** Begins the work, and cancels it when the engine hangs. */
async function cancelled({ planned }: Standstill, work: Work): Promise<unknown> {
  const cancel = new AbortController();
  const begun = work({ signal: cancel.signal, report: () => undefined });
  begun.catch(() => undefined);
  await Promise.race([planned.reached, begun.catch(() => undefined)]);
  return await hurry(2000, async () => {
    cancel.abort();
    return await begun;
  });
}

describe('an engine that hangs', () => {
  it.each([
    ['pause', async (progress: Progress) => await pause(world().host, 'demo', progress)],
    ['suspend', async (progress: Progress) => await suspend(world().host, 'demo', progress)],
    ['snapshot take', take],
    ['snapshot delete', remove],
    ['clone', instant],
    ['stop', async (progress: Progress) => await stop(world().host, 'demo', stopBody(), progress)],
  ])('is reported as the reason why %s fails before anything changes', async (_verb, work: Work) => {
    const demo = await running();
    const before = await world().look(demo);
    const { planned, letGo } = standStill(world().engines.troubles);
    const reports: string[] = [];
    const failed = hurry(
      5000,
      async () => {
        return await refused(work({ ...quiet, report: ({ stage }) => void reports.push(stage) }));
      },
      planned.reached,
    );
    expect(await failed).toMatchObject({
      code: 'ENGINE_TIMEOUT',
      message: like(/^The engine of demo \(process \d+\) does not answer/),
      next: like(/kame stop demo --hard/),
    });
    expect(planned.met).toBe('query-status');
    expect(reports).toContain('Waiting for the engine of demo');
    expect(await readJournal(world().host.names, machineNames(demo.vmx))).toBeUndefined();
    letGo();
    expect(await world().look(demo)).toEqual(before);
  });

  it('fails a screenshot, or lets it be cancelled', async () => {
    await running();
    const { planned, letGo } = standStill(world().engines.troubles);
    const { signal } = new AbortController();
    const ask = async () => await refused(screenshot(world().host, 'demo', signal));
    const late = hurry(5000, ask, planned.reached);
    expect((await late).code).toBe('ENGINE_TIMEOUT');
    letGo();
    const still = standStill(world().engines.troubles, { except: ['query-status'] });
    const cut = cancelled(still, async (progress) => {
      await screenshot(world().host, 'demo', progress.signal);
    });
    expect((await refused(cut)).code).toBe('CANCELLED');
    still.letGo();
  });

  it('makes stop end at its own time limit', async () => {
    await running();
    const { letGo } = standStill(world().engines.troubles);
    const stopping = stop(world().host, 'demo', stopBody({ timeoutMs: 30 }), quiet);
    expect((await refused(stopping)).code).toBe('ENGINE_TIMEOUT');
    letGo();
  });

  it('is killed by stop --hard and by a revert', async () => {
    await running();
    const first = world().engines.of('demo');
    const { troubles } = world().engines;
    const stopHard = async () => await stop(world().host, 'demo', stopBody({ hard: true }), quiet);
    await hurry(5000, stopHard, troubles.hang('quit').reached);
    expect(first.alive).toBe(false);
    const second = await world().start();
    const revert = async () => await revertSnapshot(world().host, 'demo', 'old', revertBody(), quiet);
    await hurry(10_000, revert, troubles.hang('quit').reached);
    expect(second.alive).toBe(false);
  });
});

describe('cancelling, when the engine hangs at any command,', () => {
  it.each([
    ['pause', async (progress: Progress) => await pause(world().host, 'demo', progress), 2],
    ['snapshot take', take, 10],
    ['snapshot take of the disks', takeDisks, 5],
    ['suspend', async (progress: Progress) => await suspend(world().host, 'demo', progress), 6],
    ['clone', instant, 10],
  ] as const)('ends %s, and all is as before once it continues', async (_verb, work, atLeast) => {
    const demo = await running();
    const before = await world().look(demo);
    let still: Standstill | undefined;
    const commands = await atEachCommand(
      (met) => {
        still = standStill(world().engines.troubles, { machine: 'demo', except: [...met, 'quit'] });
        return still.planned;
      },
      async () => await cancelled(still as Standstill, work),
      async ({ command, code }) => {
        expect({ command, code }).toEqual({ command, code: 'CANCELLED' });
        still?.letGo();
        await expect
          .poll(async () => ({ command, ...(await world().look(demo)) }))
          .toEqual({ command, ...before });
        await expect
          .poll(async () => await readJournal(world().host.names, machineNames(demo.vmx)))
          .toBeUndefined();
      },
    );
    expect(commands.length).toBeGreaterThanOrEqual(atLeast);
  });

  it('ends a snapshot of the disks for good: the next daemon, too, undoes what is complete', async () => {
    const demo = await running();
    const gate = deferred();
    const planned = world().engines.troubles.before('cont', async () => await gate.promise);
    const taking = cancelled({ planned, letGo: gate.resolve }, takeDisks);
    expect((await refused(taking)).code).toBe('CANCELLED');
    expect(await readJournal(world().host.names, machineNames(demo.vmx))).toMatchObject({ failed: true });
    world().abandonHost(Promise.resolve());
    gate.resolve();
    await adoptAll(world().host);
    expect((await listSnapshots(world().host, 'demo')).map(({ label }) => label)).toEqual(['old']);
    expect(await readJournal(world().host.names, machineNames(demo.vmx))).toBeUndefined();
    expect(world().engines.of('demo').state).toBe('running');
  });

  it('ends a resume; the machine is still suspended', async () => {
    const demo = await running();
    await suspend(world().host, 'demo', quiet);
    const before = await world().look(demo);
    let still: Standstill | undefined;
    const commands = await atEachCommand(
      (met) => {
        still = standStill(world().engines.troubles, { except: [...met, 'cont', 'query-chardev'] });
        return still.planned;
      },
      async () =>
        await cancelled(still as Standstill, async (progress) => {
          await start(world().host, 'demo', startBody(), progress);
        }),
      async ({ command, code }) => {
        expect({ command, code }).toEqual({ command, code: 'CANCELLED' });
        expect(await world().look(demo)).toEqual(before);
      },
    );
    expect(commands.length).toBeGreaterThanOrEqual(4);
  });

  it('ends unpause, and the guest stays paused', async () => {
    await running();
    await pause(world().host, 'demo', quiet);
    const still = standStill(world().engines.troubles, { except: ['query-status'] });
    const unpausing = cancelled(still, async (progress) => await unpause(world().host, 'demo', progress));
    expect((await refused(unpausing)).code).toBe('CANCELLED');
    still.letGo();
    const engine = world().engines.of('demo');
    await expect.poll(() => engine.received.at(-1)).toBe('stop');
    await expect.poll(() => [engine.state, world().running().state]).toEqual(['paused', 'paused']);
  });
});

describe('a guest agent that falls silent', () => {
  const silence: FakeHandler = () => 'silence';
  const silent = { 'guest-ping': silence };

  it('does not keep stop beyond its time limit', async () => {
    world().machine();
    world().engines.guest = { ...usualGuest, hearsPowerButton: false, handlers: silent };
    await world().start('demo', { wait: 'agent' });
    const stopping = stop(world().host, 'demo', stopBody({ timeoutMs: 50 }), quiet);
    expect(await refused(stopping)).toMatchObject({ code: 'GUEST_TIMEOUT', next: like(/--hard/) });
  });

  it.each([
    ['the ping', silent, 'guest-ping'],
    ['the freeze', { 'guest-fsfreeze-freeze': silence }, 'guest-fsfreeze-freeze'],
    ['the thaw', { 'guest-fsfreeze-thaw': silence }, 'guest-fsfreeze-thaw'],
  ])(
    'at %s is reported by snapshot take --quiesce, which can be cancelled',
    async (_name, handlers, call) => {
      const demo = world().machine();
      world().engines.guest = { ...usualGuest, handlers };
      const engine = await world().start('demo', { wait: 'agent' });
      const before = await world().look(demo);
      const cancel = new AbortController();
      const body = takeBody({ label: 'new', diskOnly: true, quiesce: true });
      const progress = { signal: cancel.signal, report: () => undefined };
      const ended = refused(takeSnapshot(world().host, 'demo', body, progress));
      await until(() => engine.guest.calls.includes(call));
      cancel.abort();
      expect((await ended).code).toBe('CANCELLED');
      // Whether its file systems are frozen only the agent knows.
      const frozen = engine.guest.frozen;
      expect(await world().look(demo)).toEqual({ ...before, frozen });
    },
  );

  it('fails snapshot take --quiesce in time', async () => {
    world().machine();
    world().engines.guest = { ...usualGuest, handlers: silent };
    const engine = await world().start('demo', { wait: 'agent' });
    const body = takeBody({ label: 'new', diskOnly: true, quiesce: true });
    const code = await hurry(
      5000,
      async () => (await refused(takeSnapshot(world().host, 'demo', body, quiet))).code,
    );
    expect(code).toBe('GUEST_TIMEOUT');
    expect(engine.guest.frozen).toBe(false);
  });
});
