import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startBody } from '../../../test/support/bodies.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import type { WorldMachine } from '../../../test/support/world-machine.ts';
import { clone } from '../clone/clone.ts';
import { remove } from '../library/delete.ts';
import { register } from '../library/register.ts';
import { rename } from '../library/rename.ts';
import { start } from '../power/start.ts';
import { suspend } from '../power/suspend.ts';
import { list, show } from './describe.ts';

const world = useWorld();
const names = async () => (await list(world().host)).map(({ name }) => name);
const bundleOf = (name: string) => join(world().home, 'machines', `${name}.vmwarevm`);
const startAs = async (name: string, movedOrCopied: 'moved' | 'copied', discardState = false) =>
  await start(world().host, name, { ...startBody({ discardState }), movedOrCopied }, quiet);

/** `cp -r` of a bundle, which a person does. */
function copyOf(machine: WorldMachine, bundle = bundleOf('copy')): string {
  cpSync(machine.directory, bundle, { recursive: true });
  rmSync(join(bundle, 'lock'), { force: true });
  return join(bundle, `${machine.name}.vmx`);
}

/** Starts it once, so that its place is recorded, and ends it. */
async function placed(name = 'demo', more: readonly string[] = []): Promise<WorldMachine> {
  const machine = world().machine(name, more);
  const engine = await world().start(name);
  await engine.crash();
  await expect.poll(() => world().host.running.size).toBe(0);
  return machine;
}

describe('a copy of a bundle', () => {
  it('has the name of its bundle, and the original keeps its own', async () => {
    const demo = await placed();
    // Copied under a name that comes first: the order does not decide, the place does.
    copyOf(demo, bundleOf('a'));
    expect(await names()).toEqual(['a', 'demo']);
    expect((await show(world().host, 'a')).path).toContain('a.vmwarevm/demo.vmx');
    expect((await show(world().host, 'demo')).path).toBe(demo.vmx);
  });

  it('made while the machine was running is not running', async () => {
    const demo = world().machine();
    await world().start();
    cpSync(demo.directory, bundleOf('copy'), { recursive: true });
    expect((await list(world().host)).map(({ name, state }) => [name, state])).toEqual([
      ['copy', 'stopped'],
      ['demo', 'running'],
    ]);
    await remove(world().host, 'copy');
    expect([await names(), (await show(world().host, 'demo')).state]).toEqual([['demo'], 'running']);
  });

  it('is asked about when it starts, and nothing is changed before the answer', async () => {
    const demo = await placed();
    const vmx = copyOf(demo);
    const before = readFileSync(vmx, 'utf8');
    expect(await refused(world().start('copy'))).toMatchObject({
      code: 'MOVED_OR_COPIED',
      message: `${vmx} and ${demo.vmx} have the same UUID: one is a copy.`,
      next: like(/--copied.*--moved/),
    });
    expect([readFileSync(vmx, 'utf8'), existsSync(join(bundleOf('copy'), 'lock'))]).toEqual([before, false]);
    // The original is in its place, so there is no question.
    expect((await world().start()).state).toBe('running');
  });

  it('gets a UUID, MAC addresses and a name of its own, and both run', async () => {
    const demo = await placed();
    copyOf(demo);
    await world().start();
    await startAs('copy', 'copied');
    const [one, other] = [await show(world().host, 'demo'), await show(world().host, 'copy')];
    expect(one.id).not.toBe(other.id);
    expect(one.nics[0]?.mac).not.toBe(other.nics[0]?.mac);
    expect([one.state, other.state]).toEqual(['running', 'running']);
    expect(readFileSync(other.path, 'utf8')).toContain('displayName = "copy"');
    expect(readFileSync(other.path, 'utf8')).toContain('kame.hostname=copy');
  });

  it('never runs with the UUID of the original while that runs, whatever the answer was', async () => {
    const demo = await placed();
    copyOf(demo);
    await world().start();
    expect(await refused(startAs('copy', 'moved'))).toMatchObject({
      code: 'WRONG_STATE',
      message: like(/^Cannot start copy: demo has the UUID .* too, and is running\.$/),
      next: like(/--copied/),
    });
  });

  it('never runs with a MAC address of another machine', async () => {
    const mac = ['ethernet0.addressType = "static"', 'ethernet0.address = "00:50:56:00:00:07"'];
    world().machine('demo', mac);
    world().machine('other', mac);
    await world().start();
    expect((await refused(world().start('other'))).message).toBe(
      'Cannot start other: demo has the MAC address 00:50:56:00:00:07 too, and is running.',
    );
  });

  it('does not start with the original at the same moment', async () => {
    const keep = ['uuid.action = "keep"'];
    const demo = world().machine('demo', keep);
    copyOf(demo);
    const results = await Promise.allSettled([world().start('demo'), world().start('copy')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(world().host.running.size).toBe(1);
  });

  it('that is suspended is not resumed with the addresses of the original', async () => {
    const demo = await placed();
    await world().start();
    await suspend(world().host, 'demo', quiet);
    copyOf(demo);
    expect(await refused(startAs('copy', 'copied'))).toMatchObject({
      code: 'WRONG_STATE',
      next: like(/--copied --discard-state/),
    });
    expect(await startAs('copy', 'copied', true)).toMatchObject({ name: 'copy', state: 'running' });
  });

  it('that says so itself needs no answer: uuid.action', async () => {
    const demo = await placed('demo', ['uuid.action = "create"']);
    const id = (await show(world().host, 'demo')).id;
    copyOf(demo);
    await world().start('copy');
    expect((await show(world().host, 'copy')).id).not.toBe(id);
  });
});

describe('register', () => {
  it('asks about a copy, and gives it the name of its bundle', async () => {
    const demo = await placed();
    const vmx = copyOf(demo, join(world().home, 'far', 'second.vmwarevm'));
    expect((await refused(register(world().host, { path: vmx }))).code).toBe('MOVED_OR_COPIED');
    expect(await names()).toEqual(['demo']);
    expect(await register(world().host, { path: vmx, movedOrCopied: 'copied' })).toMatchObject({
      name: 'second',
    });
    expect(await names()).toEqual(['demo', 'second']);
    const [one, other] = await list(world().host);
    expect(one?.id).not.toBe(other?.id);
  });

  it('gives a copy whose bundle has the name of the original a number', async () => {
    const demo = await placed();
    for (const place of ['far', 'further']) {
      const vmx = copyOf(demo, join(world().home, place, 'demo.vmwarevm'));
      await register(world().host, { path: vmx, movedOrCopied: 'copied' });
    }
    expect(await names()).toEqual(['demo', 'demo-2', 'demo-3']);
  });

  it('does not ask about a machine that was moved, since no other has its UUID', async () => {
    const demo = await placed();
    const id = (await show(world().host, 'demo')).id;
    const place = join(world().home, 'far', 'demo.vmwarevm');
    mkdirSync(join(place, '..'), { recursive: true });
    renameSync(demo.directory, place);
    expect(await register(world().host, { path: place })).toMatchObject({ name: 'demo', id });
    // It is in its place now: a copy of it is the copy.
    copyOf({ ...demo, directory: place } as WorldMachine);
    expect((await world().start('demo')).state).toBe('running');
    expect((await refused(world().start('copy'))).code).toBe('MOVED_OR_COPIED');
  });
});

describe('there is no question', () => {
  it('after kame rename, which moves the bundle', async () => {
    const demo = await placed();
    await rename(world().host, 'demo', 'front');
    cpSync(bundleOf('front'), demo.directory, { recursive: true });
    expect((await world().start('front')).state).toBe('running');
  });

  it('about a clone that keeps the identity of its source', async () => {
    await placed();
    const body = { name: 'twin', kind: 'full', count: 1, start: false, keepIdentity: true } as const;
    await clone(world().host, 'demo', { ...body, wait: 'none', timeoutMs: 1000 }, quiet);
    expect((await world().start('twin')).state).toBe('running');
    expect((await refused(world().start('demo'))).code).toBe('WRONG_STATE');
  });

  it('about a machine of VMware either: the place that VMware recorded is kept', async () => {
    const location = 'uuid.location = "56 4d 7b fc 21 5e 2e 04-0d d4 2b 46 76 ee 1c 8f"';
    const demo = world().machine('demo', [location]);
    await world().start();
    expect(demo.read('demo.vmx')).toContain(location);
  });
});
