import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { homeNames } from '../../src/store/names.ts';
import { kameHome } from '../../src/sys/home.ts';
import { remove } from '../../src/vm/library/delete.ts';
import { unregister } from '../../src/vm/library/register.ts';
import { stop } from '../../src/vm/power/stop.ts';
import { suspend } from '../../src/vm/power/suspend.ts';
import { adoptAll } from '../../src/vm/recovery/adopt.ts';
import { list, show } from '../../src/vm/running/describe.ts';
import { stopBody } from '../support/bodies.ts';
import { quiet, useWorld } from '../support/world.ts';
import type { WorldMachine } from '../support/world-machine.ts';
import { refused } from '../support/refused.ts';

const world = useWorld();
let demo: WorldMachine;

beforeEach(() => (demo = world().machine()));

describe('a link in KAME_HOME', () => {
  let place = '';
  beforeEach(() => (place = mkdtempSync(join(tmpdir(), 'kh-'))));
  afterEach(() => rmSync(place, { recursive: true }));

  it('is resolved once: the home has one path, whether or not it exists', () => {
    mkdirSync(join(place, 'real'));
    symlinkSync(join(place, 'real'), join(place, 'link'));
    const homes = ['real', 'link', 'link/new', 'real/new'].map((name) =>
      kameHome({ KAME_HOME: join(place, name) }),
    );
    expect(homes).toEqual(['real', 'real', 'real/new', 'real/new'].map((name) => join(place, name)));
  });

  it('stays where the real path is too long for a socket', () => {
    const long = join(place, 'x'.repeat(100));
    mkdirSync(long);
    symlinkSync(long, join(place, 'short'));
    expect(kameHome({ KAME_HOME: join(place, 'short') })).toBe(join(place, 'short'));
  });
});

describe.runIf(process.platform === 'linux')('a home that is renamed', () => {
  it('finds the RAM of its guests again, and a copy of it does not', () => {
    const place = mkdtempSync(join(tmpdir(), 'kh-'));
    const [home, renamed] = [join(place, 'home'), join(place, 'renamed')];
    mkdirSync(home);
    const { ram } = homeNames(home);
    renameSync(home, renamed);
    mkdirSync(home);
    expect([homeNames(renamed).ram === ram, homeNames(home).ram === ram]).toEqual([true, false]);
    rmSync(place, { recursive: true });
  });
});

describe('a directory of machines that is a link', () => {
  beforeEach(async () => {
    const { machines } = world().host.names;
    renameSync(machines, join(world().home, 'disk2'));
    symlinkSync('disk2', machines);
    await world().replaceHost();
  });

  it('makes no difference to what is done with a machine', async () => {
    await world().start();
    const { path } = await show(world().host, 'demo');
    expect((await show(world().host, path)).state).toBe('running');
    expect((await show(world().host, demo.vmx)).state).toBe('running');
    await suspend(world().host, 'demo', quiet);
    await world().start();
    await stop(world().host, 'demo', stopBody({ hard: true }), quiet);
    expect((await list(world().host)).map(({ state }) => state)).toEqual(['stopped']);
    await remove(world().host, 'demo');
    expect([await list(world().host), readdirSync(join(world().home, 'disk2'))]).toEqual([[], []]);
  });

  it('does not hide a running machine from the next daemon', async () => {
    const engine = await world().start();
    await adoptAll(await world().replaceHost());
    expect([engine.alive, (await show(world().host, 'demo')).state]).toEqual([true, 'running']);
  });
});

describe('a bundle that is a link', () => {
  beforeEach(() => {
    mkdirSync(join(world().home, 'disk2'));
    renameSync(demo.directory, join(world().home, 'disk2', 'demo.vmwarevm'));
    symlinkSync(join(world().home, 'disk2', 'demo.vmwarevm'), demo.directory);
  });

  it('is that machine, by its real path', async () => {
    await world().start();
    const machine = await show(world().host, 'demo');
    expect([machine.state, machine.path]).toEqual([
      'running',
      join(world().home, 'disk2', 'demo.vmwarevm', 'demo.vmx'),
    ]);
    await stop(world().host, demo.vmx, stopBody({ hard: true }), quiet);
    expect((await show(world().host, 'demo')).state).toBe('stopped');
  });

  it('can be unregistered', async () => {
    await unregister(world().host, 'demo');
    expect(await list(world().host)).toEqual([]);
    expect((await refused(show(world().host, 'demo'))).code).toBe('NO_SUCH_MACHINE');
  });

  it('is deleted with its link', async () => {
    await remove(world().host, 'demo');
    const left = [join(world().home, 'disk2'), world().host.names.machines].map((path) => readdirSync(path));
    expect([left, await list(world().host)]).toEqual([[[], []], []]);
  });

  it('whose target is gone is one broken machine, which can be unregistered', async () => {
    rmSync(join(world().home, 'disk2'), { recursive: true });
    expect((await list(world().host)).map(({ name, state }) => [name, state])).toEqual([['demo', 'broken']]);
    await remove(world().host, 'demo');
    expect(await list(world().host)).toEqual([]);
  });
});

describe('the run directory of a running machine', () => {
  it('is kept by a daemon that knows the machine by another path', async () => {
    const engine = await world().start();
    await unregister(world().host, 'demo').catch(() => undefined);
    writeFileSync(world().host.names.inventory, JSON.stringify({ unregistered: [demo.vmx] }));
    const runs = readdirSync(world().host.names.run);
    await adoptAll(await world().replaceHost());
    expect([engine.alive, readdirSync(world().host.names.run)]).toEqual([true, runs]);
  });
});
