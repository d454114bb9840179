import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cloneBody, revertBody, stopBody, takeBody } from '../../../test/support/bodies.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import type { WorldMachine } from '../../../test/support/world-machine.ts';
import type { FakeEngine } from '../../../test/support/fake-engine/engine.ts';
import { machineNames, runNames } from '../../store/names.ts';
import { readRunRecord, writeRunRecord } from '../../store/run-record.ts';
import { lockHolder } from '../../sys/lock.ts';
import { clone } from '../clone/clone.ts';
import { addDisk } from '../disk/add.ts';
import { checkDisks } from '../disk/check.ts';
import { screenshot } from '../guest/screenshot.ts';
import { remove } from '../library/delete.ts';
import { register, unregister } from '../library/register.ts';
import { rename } from '../library/rename.ts';
import { changeSettings } from '../library/settings.ts';
import { pause } from '../power/pause.ts';
import { stop } from '../power/stop.ts';
import { suspend } from '../power/suspend.ts';
import { list, show } from '../running/describe.ts';
import { setAutoProtect } from '../snapshot/autoprotect.ts';
import { revertSnapshot } from '../snapshot/revert.ts';
import { deleteSnapshot, editSnapshot, takeSnapshot } from '../snapshot/snapshots.ts';
import { adoptAll } from './adopt.ts';
import { AdoptionRetry } from './adoption-retry.ts';

const world = useWorld();
let now = 0;
beforeEach(() => void (now = 0));
const often = { times: 1000 };
const host = () => world().host;

/** A machine with a snapshot whose engine answers nothing to the daemon that would adopt it. */
async function unreachable(): Promise<{ demo: WorldMachine; engine: FakeEngine }> {
  const demo = world().machine();
  await takeSnapshot(host(), 'demo', takeBody({ label: 'then' }), quiet);
  const engine = await world().start();
  await world().replaceHost();
  world().events.length = 0;
  world().engines.troubles.refuse('query-status', 'stuck', often);
  await adoptAll(host());
  return { demo, engine };
}

const states = async () => (await list(host())).map(({ state }) => state);
const eventStates = () =>
  world().events.flatMap(({ type, state }) => (type === 'machine.state' ? [state] : []));

const writes: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['start', async () => await world().start()],
  ['snapshot take', async () => await takeSnapshot(host(), 'demo', takeBody({ label: 'x' }), quiet)],
  ['snapshot revert', async () => await revertSnapshot(host(), 'demo', 'then', revertBody(), quiet)],
  ['snapshot delete', async () => await deleteSnapshot(host(), 'demo', 'then', { children: false }, quiet)],
  ['snapshot rename', async () => await editSnapshot(host(), 'demo', 'then', { label: 'x' })],
  ['autoprotect', async () => await setAutoProtect(host(), 'demo', { enabled: true })],
  [
    'clone --linked',
    async () => await clone(host(), 'demo', cloneBody({ name: 'x', kind: 'linked' }), quiet),
  ],
  ['clone --full', async () => await clone(host(), 'demo', cloneBody({ name: 'x', kind: 'full' }), quiet)],
  [
    'clone --instant',
    async () => await clone(host(), 'demo', cloneBody({ name: 'x', kind: 'instant' }), quiet),
  ],
  ['set', async () => await changeSettings(host(), 'demo', [{ key: 'cpus', value: '2' }])],
  ['rename', async () => await rename(host(), 'demo', 'x')],
  ['delete', async () => await remove(host(), 'demo')],
  ['unregister', async () => await unregister(host(), 'demo')],
  ['disk add', async () => await addDisk(host(), 'demo', { sizeBytes: 2 ** 20 }, quiet)],
  ['disk check', async () => await checkDisks(host(), 'demo', null, { repair: false }, quiet)],
  ['suspend', async () => await suspend(host(), 'demo', quiet)],
  ['pause', async () => await pause(host(), 'demo', quiet)],
  ['screenshot', async () => await screenshot(host(), 'demo', quiet.signal)],
  ['stop', async () => await stop(host(), 'demo', stopBody(), quiet)],
];

describe('a machine whose engine does not answer', () => {
  it('is shown as such, with the reason', async () => {
    const { engine } = await unreachable();
    expect(await states()).toEqual(['unreachable']);
    const { problems } = await show(host(), 'demo');
    expect(problems).toMatchObject([{ severity: 'warning', message: like(/stuck.*--hard/s) }]);
    expect(eventStates()).toEqual(['unreachable']);
    expect(engine.alive).toBe(true);
  });

  it('is refused to every verb that needs it, and nothing of it changes', async () => {
    const { demo, engine } = await unreachable();
    const before = demo
      .files()
      .map((name) => [name, name.endsWith('.vmx') || name.endsWith('.vmsd') ? demo.read(name) : '']);
    const answers = new Map<string, string>();
    for (const [verb, use] of writes) {
      const { code, message } = await refused(use());
      answers.set(verb, `${code} ${message.includes(String(engine.pid))}`);
    }
    expect(answers).toEqual(new Map(writes.map(([verb]) => [verb, 'ENGINE_TIMEOUT true'])));
    const after = demo
      .files()
      .map((name) => [name, name.endsWith('.vmx') || name.endsWith('.vmsd') ? demo.read(name) : '']);
    expect(after).toEqual(before);
    expect(engine.alive).toBe(true);
  });

  it('does not have an unfinished operation settled as if it were stopped', async () => {
    const demo = world().machine();
    const engine = await world().start();
    const take = async () =>
      await takeSnapshot(host(), 'demo', takeBody({ label: 'one', diskOnly: true }), quiet);
    await world().killDaemonAt('cont', take);
    world().engines.troubles.refuse('query-status', 'stuck', often);
    await adoptAll(host());
    expect((await refused(take())).code).toBe('ENGINE_TIMEOUT');
    expect([demo.files().includes('operation.json'), engine.alive]).toEqual([true, true]);
    world().engines.troubles.clear();
    now = 1e6;
    const retry = new AdoptionRetry(host(), () => now);
    await retry.tick();
    now = 2e6;
    await retry.tick();
    expect([await states(), demo.files().includes('operation.json')]).toEqual([['running'], false]);
    expect(engine.blocks.chainOf('drive-nvme0-0')[0]).toBe(demo.top());
  });

  it('is never killed because its monitor accepts no connection', async () => {
    const demo = world().machine();
    const engine = await world().start();
    await world().replaceHost();
    // A stopped engine accepts none once the queue of its socket is full.
    const socket = join(runNames(host().names, demo.vmx).directory, 'qmp');
    rmSync(socket);
    writeFileSync(socket, '');
    await adoptAll(host());
    expect([engine.alive, await states()]).toEqual([true, ['unreachable']]);
  });

  it('has its lock in the name of its engine, even if the daemon died before writing it', async () => {
    const demo = world().machine();
    const engine = await world().start();
    const { run, record } = world().running();
    await world().replaceHost();
    await writeRunRecord(run, { ...record, engine: null });
    const { lock } = machineNames(demo.vmx);
    writeFileSync(lock, JSON.stringify({ pid: engine.pid, birth: 'another', purpose: 'kamed' }));
    world().engines.troubles.refuse('query-status', 'stuck', often);
    world().engines.troubles.refuse('set_link', 'stuck', often);
    await adoptAll(host());
    expect(await lockHolder(lock)).toMatchObject({ pid: engine.pid, purpose: 'qemu' });
    expect(await states()).toEqual(['unreachable']);
  });
});

describe('adoption', () => {
  it('is retried, less and less often, until the engine answers', async () => {
    const { engine } = await unreachable();
    const retry = new AdoptionRetry(host(), () => now);
    const asked = () => engine.received.filter((name) => name === 'query-status').length;
    const at: number[] = [];
    let before = asked();
    for (now = 0; now <= 200_000; now += 1000) {
      await retry.tick();
      if (asked() > before) at.push(now / 1000);
      before = asked();
    }
    expect(at).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
    world().engines.troubles.clear();
    now += 60_000;
    await retry.tick();
    expect([world().running().engine.process.pid, await states()]).toEqual([engine.pid, ['running']]);
    expect([eventStates(), host().unreachable.size]).toEqual([['unreachable', 'running'], 0]);
    await takeSnapshot(host(), 'demo', takeBody({ label: 'x', diskOnly: true }), quiet);
  });

  it('ends with the engine', async () => {
    const { engine } = await unreachable();
    await engine.crash();
    const retry = new AdoptionRetry(host(), () => now);
    await retry.tick();
    now = 2000;
    await retry.tick();
    expect([await states(), eventStates().at(-1), host().unreachable.size]).toEqual([
      ['stopped'],
      'stopped',
      0,
    ]);
    expect(readdirSync(host().names.run)).toEqual([]);
  });

  it('ends with the daemon: an attempt in progress is abandoned, and no other begins', async () => {
    const { engine } = await unreachable();
    world().engines.troubles.clear();
    const retry = new AdoptionRetry(host(), () => now);
    await retry.tick();
    await retry.stop();
    now = 1e6;
    await retry.tick();
    expect([host().running.size, engine.alive]).toEqual([0, true]);
  });

  it('does not keep a person from ending the engine by force', async () => {
    const { demo, engine } = await unreachable();
    expect((await stop(host(), 'demo', stopBody({ hard: true }), quiet)).state).toBe('stopped');
    expect([engine.alive, host().unreachable.size, eventStates().at(-1)]).toEqual([false, 0, 'stopped']);
    expect(existsSync(machineNames(demo.vmx).lock)).toBe(false);
    await world().start();
  });

  it('begins for a machine that is registered while it runs', async () => {
    const demo = world().machine();
    const engine = await world().start();
    await world().replaceHost();
    await host().inventory.unregister(demo.vmx);
    await adoptAll(host());
    await register(host(), { path: demo.vmx });
    expect([await states(), host().unreachable.size]).toEqual([['unreachable'], 1]);
    const retry = new AdoptionRetry(host(), () => now);
    await retry.tick();
    now = 1e6;
    await retry.tick();
    expect(world().running().engine.process.pid).toBe(engine.pid);
    expect((await readRunRecord(runNames(host().names, demo.vmx)))?.engine?.pid).toBe(engine.pid);
  });
});
