import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cloneBody, stopBody, takeBody } from '../../../test/support/bodies.ts';
import { diskHas } from '../../../test/support/disk-content.ts';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { atEachCommand, cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import type { WorldMachine } from '../../../test/support/world-machine.ts';
import { clone } from '../clone/clone.ts';
import { remove } from '../library/delete.ts';
import { changeSettings } from '../library/settings.ts';
import { show } from '../running/describe.ts';
import { showSnapshot, takeSnapshot } from '../snapshot/snapshots.ts';
import { pause } from './pause.ts';
import { startAfterReset } from './reset.ts';
import { stop } from './stop.ts';
import { suspend } from './suspend.ts';

const world = useWorld();
const state = async () => (await show(world().host, 'demo')).state;

/** A machine that runs, with something in its memory. */
async function running(): Promise<WorldMachine> {
  const demo = world().machine();
  const engine = await world().start('demo', { wait: 'agent' });
  engine.memory = 'a thought';
  return demo;
}

describe('suspend', () => {
  it('saves the memory and ends the engine; start resumes it and uses up the saved state', async () => {
    const demo = await running();
    const first = world().engines.of('demo');
    const suspended = await suspend(world().host, 'demo', quiet);
    expect(suspended).toMatchObject({ state: 'suspended' });
    expect(suspended.stateBytes).toBeGreaterThan(0);
    await first.ended;
    await world().start('demo', { wait: 'agent' });
    const resumed = world().engines.of('demo');
    expect([await state(), resumed.memory]).toEqual(['running', 'a thought']);
    // Switches may have forgotten where it is.
    expect(resumed.migration.announceRounds).toBeGreaterThan(0);
    expect(demo.files().filter((name) => name.startsWith('checkpoints/'))).toEqual([]);
  });

  it('keeps a paused machine paused', async () => {
    await running();
    await pause(world().host, 'demo', quiet);
    await suspend(world().host, 'demo', quiet);
    const engine = await world().start('demo', { wait: 'agent' });
    expect([await state(), engine.state, engine.memory]).toEqual(['paused', 'paused', 'a thought']);
  });

  it('goes through the engine if the RAM is not in a file', async () => {
    world().forbidRamFiles();
    await running();
    await suspend(world().host, 'demo', quiet);
    await world().start();
    expect(world().engines.of('demo').memory).toBe('a thought');
  });

  it('needs a running machine whose devices can be saved', async () => {
    const demo = world().machine();
    expect((await refused(suspend(world().host, 'demo', quiet))).code).toBe('WRONG_STATE');
    world().engines.blockedReasons = ['blocked by 9p'];
    await world().start();
    const before = await world().look(demo);
    expect(await refused(suspend(world().host, 'demo', quiet))).toMatchObject({ code: 'CHECKPOINT_BLOCKED' });
    expect(await world().look(demo)).toEqual(before);
  });

  it('leaves the machine running when it fails at any command', async () => {
    const demo = await running();
    const before = await world().look(demo);
    const seen = await atEachCommand(
      // An engine that refuses to quit is given time, and then killed: see stop.
      (except) => world().engines.troubles.refuse('*', 'Not this time', { except: [...except, 'quit'] }),
      async () => await suspend(world().host, 'demo', quiet),
      async ({ command, code }) => {
        world().engines.troubles.clear();
        expect([command, await state()]).toEqual([command, code === null ? 'suspended' : 'running']);
        // Where what was refused did not matter, another engine takes the place of the first.
        if (code === null) {
          await world().start();
          Object.assign(before, await world().look(demo));
        }
        expect({ command, ...(await world().look(demo)) }).toEqual({ command, ...before });
      },
    );
    expect(seen).toEqual(expect.arrayContaining(['migrate', 'stop']));
  });

  it('leaves the machine running when it is cancelled', async () => {
    const demo = await running();
    const before = await world().look(demo);
    const stages = await cancelAtEachStage(
      async (progress) => await suspend(world().host, 'demo', progress),
      async ({ code }) => expect([code, await world().look(demo)]).toEqual(['CANCELLED', before]),
    );
    expect(stages).toHaveLength(2);
  });

  it('leaves the machine suspended or stopped, never in between, when the engine dies', async () => {
    const demo = world().machine();
    const states: string[] = [];
    const seen = await atEachCommand(
      async (except) => {
        const engine = await world().start('demo', { discardState: true });
        engine.memory = 'a thought';
        return world().engines.troubles.die('*', { except });
      },
      async () => await suspend(world().host, 'demo', quiet),
      async () => {
        await expect.poll(() => world().host.running.size).toBe(0);
        states.push(await state());
        const saved = demo.files().some((name) => name.startsWith('checkpoints/'));
        expect(saved).toBe(states.at(-1) === 'suspended');
        expect([demo.files().includes('operation.json'), diskHas(demo.top(), 7)]).toEqual([false, true]);
      },
    );
    // From one command on it is suspended, even if its engine dies.
    expect(states.join(' ')).toMatch(/^(stopped )+suspended( suspended)*$/);
    expect(seen).toEqual(expect.arrayContaining(['migrate', 'stop', 'quit']));
  });
});

describe('a suspended machine', () => {
  it('can be started from its disks only', async () => {
    const demo = await running();
    await suspend(world().host, 'demo', quiet);
    const engine = await world().start('demo', { discardState: true });
    expect([engine.memory, existsSync(demo.file('checkpoints'))]).toEqual(['', true]);
    expect(demo.files().filter((name) => name.startsWith('checkpoints/'))).toEqual([]);
  });

  it('keeps its settings, except that its state can be discarded', async () => {
    const demo = await running();
    await suspend(world().host, 'demo', quiet);
    expect((await refused(changeSettings(world().host, 'demo', [{ key: 'cpus', value: '2' }]))).code).toBe(
      'WRONG_STATE',
    );
    await changeSettings(world().host, 'demo', [{ key: 'checkpoint.vmState', value: '' }]);
    expect([await state(), demo.files().filter((name) => name.startsWith('checkpoints/'))]).toEqual([
      'stopped',
      [],
    ]);
  });

  it('refuses what needs a running machine', async () => {
    await running();
    await suspend(world().host, 'demo', quiet);
    const before = await show(world().host, 'demo');
    for (const work of [
      async () => await suspend(world().host, 'demo', quiet),
      async () => await pause(world().host, 'demo', quiet),
      async () => await stop(world().host, 'demo', stopBody({ hard: true }), quiet),
      async () => await clone(world().host, 'demo', cloneBody({ name: 'copy', kind: 'instant' }), quiet),
    ])
      expect(await refused(work())).toMatchObject({
        code: 'WRONG_STATE',
        message: like(/demo is not running/),
      });
    expect(await show(world().host, 'demo')).toEqual(before);
  });

  it('is deleted with all its files', async () => {
    await running();
    await suspend(world().host, 'demo', quiet);
    await remove(world().host, 'demo');
    const { machines, ram } = world().host.names;
    expect([readdirSync(machines), existsSync(ram) ? readdirSync(ram) : []]).toEqual([[], []]);
  });

  it('can have a snapshot with its memory', async () => {
    const demo = await running();
    await suspend(world().host, 'demo', quiet);
    const taken = await takeSnapshot(world().host, 'demo', takeBody({ label: 'asleep' }), quiet);
    expect([taken.memory, taken.state]).toEqual([true, 'running']);
    expect((await showSnapshot(world().host, 'demo', 'asleep')).problems).toEqual([]);
    await world().start();
    expect([world().engines.of('demo').memory, demo.files().includes('checkpoints/1/ram')]).toEqual([
      'a thought',
      true,
    ]);
  });

  it('stays suspended when the engine rejects its state', async () => {
    await running();
    await suspend(world().host, 'demo', quiet);
    world().engines.troubles.refuse('migrate-incoming', 'error while loading state for instance 0x0');
    expect((await refused(world().start())).code).toBe('CHECKPOINT_MISMATCH');
    await world().engines.of('demo').ended;
    expect(await state()).toBe('suspended');
    await world().start();
    expect(world().engines.of('demo').memory).toBe('a thought');
  });

  it('says how its engine ended when that dies before the guest runs', async () => {
    await running();
    await suspend(world().host, 'demo', quiet);
    world().engines.troubles.die('cont');
    expect(await refused(world().start())).toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'QEMU ended before demo was running (killed by SIGKILL). It printed nothing.',
    });
  });

  it('is refused by a different engine, which says what to do', async () => {
    const demo = await running();
    await suspend(world().host, 'demo', quiet);
    writeFileSync(demo.vmx, demo.read('demo.vmx').replace('numvcpus = "1"', 'numvcpus = "2"'));
    expect(await refused(world().start())).toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      next: like(/cpus=1/),
    });
    expect(await state()).toBe('suspended');
  });

  it('that dies at any command of its start is still suspended, or its state has been used', async () => {
    const demo = await running();
    await suspend(world().host, 'demo', quiet);
    const seen = await atEachCommand(
      async (except) => {
        if ((await state()) === 'suspended') return world().engines.troubles.die('*', { except });
        const engine = await world().start();
        engine.memory = 'a thought';
        await suspend(world().host, 'demo', quiet);
        return world().engines.troubles.die('*', { except });
      },
      async () => void (await world().start()),
      async ({ command }) => {
        world().engines.troubles.clear();
        await expect.poll(() => world().host.running.size).toBe(0);
        const left = demo.files().filter((name) => name.startsWith('checkpoints/s-')).length > 0;
        expect([command, await state(), left]).toEqual(
          ['cont', 'query-chardev'].includes(command)
            ? [command, 'stopped', false]
            : [command, 'suspended', true],
        );
      },
    );
    expect(seen).toEqual(expect.arrayContaining(['migrate-incoming', 'query-migrate', 'cont']));
  });
});

describe('a guest that resets itself', () => {
  it('after a boot keeps its engine', async () => {
    await running();
    const engine = world().engines.of('demo');
    engine.reset();
    expect(engine.state).toBe('running');
  });

  it('after a resume is booted again, since its engine had no kernel', async () => {
    const demo = await running();
    const { hooks } = world().host;
    await suspend(world().host, 'demo', quiet);
    await world().start();
    const resumed = world().engines.of('demo');
    const reset = new Promise<void>((resolve) => {
      hooks.onReset = (machine) => void startAfterReset(world().host, machine).then(resolve);
    });
    resumed.reset();
    await reset;
    const booted = world().engines.of('demo');
    expect([booted.pid === resumed.pid, booted.options.given.all.includes('-kernel')]).toEqual([false, true]);
    expect(demo.read('demo.log')).toContain('reset');
  });

  it('stays stopped when it cannot be booted, and the log says so', async () => {
    const demo = await running();
    await suspend(world().host, 'demo', quiet);
    world().engines.guest = usualGuest;
    await world().start();
    const machine = world().running();
    await world().engines.of('demo').crash();
    await machine.ended;
    world().engines.begin = 'echo no luck >&2; exit 1';
    await startAfterReset(world().host, machine);
    expect(demo.read('demo.log')).toContain('no luck');
    expect(await state()).toBe('stopped');
  });
});
