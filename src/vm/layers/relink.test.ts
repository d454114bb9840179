import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startBody, takeBody } from '../../../test/support/bodies.ts';
import { diskHas, writeDisk } from '../../../test/support/disk-content.ts';
import { backingOf, held, linkedPair, machine, nothing } from '../../../test/support/linked-pair.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { testHost } from '../../../test/support/test-host.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import type { Host } from '../host/host.ts';
import { remove } from '../library/delete.ts';
import { register } from '../library/register.ts';
import { repair } from '../library/repair.ts';
import { start } from '../power/start.ts';
import { deleteSnapshot, takeSnapshot } from '../snapshot/snapshots.ts';

const world = useWorld();
const { host, link, take, dropBase, clonesOf, move, pair, takings } = linkedPair(world);

describe('a linked clone that was moved by hand', () => {
  it('keeps its base when it is registered again, runs, and is recorded in its new place', async () => {
    await pair();
    const moved = move('copy');
    expect((await register(host(), { path: moved.vmx })).problems).toEqual([]);
    expect(await takings()).toEqual(held);
    expect(await clonesOf()).toEqual([moved.vmx]);
    expect(diskHas(join(moved.directory, 'disk0.qcow2'), 7)).toBe(true);
    expect((await world().start('copy')).state).toBe('running');
  });

  it('is recorded once if a link is in its old place, and no longer when it is deleted', async () => {
    const { copy } = await pair();
    const moved = move('copy');
    symlinkSync(moved.directory, copy.directory);
    expect(await clonesOf()).toEqual([copy.vmx]);
    // Deleted without having been registered again: the path that the parent has recorded leads to it.
    await remove(host(), 'copy');
    expect(await clonesOf()).toEqual([]);
    await remove(host(), 'demo');
  });

  it('keeps its base even if its parent has lost all records of it', async () => {
    const { demo, copy } = await pair();
    rmSync(demo.file('demo.vmsd'));
    await take('then');
    // The snapshot of the clone is no longer listed: only the clone itself shows what it needs.
    await deleteSnapshot(host(), 'demo', 'then', { children: false }, quiet);
    expect(demo.files()).toContain('disk0.qcow2');
    expect(await refused(remove(host(), 'demo'))).toMatchObject({
      code: 'HAS_CLONES',
      message: like(/copy/),
    });
    expect(diskHas(copy.top(), 7)).toBe(true);
  });

  it('counts even if it is not registered, until it is forgotten', async () => {
    await pair();
    const old = machine(world().home, 'copy').vmx;
    move('copy');
    expect(await takings()).toEqual(held);
    const refusal = await refused(dropBase());
    expect(refusal.next).toMatch(/kame register.*kame repair demo --forget/);
    expect((await refused(repair(host(), 'demo', { ...nothing, forget: ['/no/such.vmx'] }))).code).toBe(
      'INVALID_VALUE',
    );
    expect((await repair(host(), 'demo', nothing)).problems).toEqual([like(/is not there/)]);
    expect(await repair(host(), 'demo', { ...nothing, forget: [old] })).toMatchObject({ problems: [] });
    await dropBase();
    await remove(host(), 'demo');
  });

  it('into a home with another machine of its parent’s name is not started on that machine', async () => {
    await pair();
    const other = join(world().home, 'other');
    const strange = machine(other, 'demo');
    mkdirSync(strange.directory, { recursive: true });
    cpSync(machine(world().home, 'demo').directory, strange.directory, { recursive: true });
    writeDisk(strange.file('disk0.qcow2'), 8, 8);
    renameSync(machine(world().home, 'copy').directory, machine(other, 'copy').directory);
    await host().inventory.register(strange.vmx);
    await host().inventory.register(machine(other, 'copy').vmx);
    const { vmx } = machine(other, 'copy');
    expect(await refused(start(host(), vmx, startBody(), quiet))).toMatchObject({
      code: 'BAD_IMAGE',
      next: like(/kame repair copy/),
    });
    // Its own parent is on the list: there it finds the base again.
    expect((await repair(host(), vmx, nothing)).problems).toEqual([]);
    expect(await backingOf(machine(other, 'copy').top())).toBe(
      machine(world().home, 'demo').file('disk0.qcow2'),
    );
  });

  it('into another home is not started when its parent’s bundle was replaced by a changed copy', async () => {
    const { demo, copy } = await pair();
    const other = join(world().home, 'away');
    mkdirSync(other);
    cpSync(demo.directory, join(other, 'demo.vmwarevm'), { recursive: true });
    renameSync(copy.directory, join(other, 'copy.vmwarevm'));
    rmSync(demo.directory, { recursive: true });
    writeDisk(join(other, 'demo.vmwarevm', 'disk0.qcow2'), 8, 8);
    for (const name of ['demo', 'copy'])
      await host().inventory.register(join(other, `${name}.vmwarevm`, `${name}.vmx`));
    expect(await refused(world().start('copy'))).toMatchObject({
      code: 'BROKEN_MACHINE',
      message: like(/has changed/),
    });
  });

  it('is not forgotten as long as it exists', async () => {
    const { copy } = await pair();
    const error = await refused(repair(host(), 'demo', { ...nothing, forget: [copy.vmx] }));
    expect(error).toMatchObject({ code: 'INVALID_VALUE', message: like(/exists/) });
  });
});

describe('a parent that was moved by hand', () => {
  it('is found by its clones when it is registered again, and they run', async () => {
    await pair();
    const moved = move('demo');
    expect((await register(host(), { path: moved.vmx })).problems).toEqual([]);
    expect(await takings()).toEqual(held);
    expect(diskHas(machine(world().home, 'copy').top(), 7)).toBe(true);
    expect((await world().start('copy')).state).toBe('running');
  });

  it('is found by a clone of a clone too', async () => {
    await pair();
    await link('third', 'copy');
    const moved = move('demo');
    expect((await register(host(), { path: moved.vmx })).problems).toEqual([]);
    expect(diskHas(machine(world().home, 'third').top(), 7)).toBe(true);
    expect((await world().start('third')).state).toBe('running');
    expect(await takings()).toEqual(held);
  });

  it('while a clone is running is repaired once the clone is stopped', async () => {
    await pair();
    const engine = await world().start('copy');
    const moved = move('demo');
    expect((await register(host(), { path: moved.vmx })).problems).toMatchObject([
      { message: like(/stop copy, then run kame repair copy/) },
    ]);
    expect(await takings()).toEqual(held);
    engine.guest.onPowerOff();
    await expect.poll(() => host().running.size).toBe(0);
    expect((await repair(host(), 'copy', nothing)).problems).toEqual([]);
    expect(diskHas(machine(world().home, 'copy').top(), 7)).toBe(true);
  });

  it('and not registered is named when the start of the clone is refused', async () => {
    await pair();
    move('demo');
    expect((await refused(world().start('copy'))).message).toMatch(/demo.*disk0\.qcow2/);
    expect((await repair(host(), 'copy', nothing)).problems).toEqual([like(/Register the machine/)]);
  });
});

describe('a repair never guesses', () => {
  it('the base of a clone of a clone is not the grandparent’s disk of the same name', async () => {
    await pair();
    await link('third', 'copy');
    const third = machine(world().home, 'third');
    const moved = move('copy');
    const { changes, problems } = await repair(host(), 'third', { forget: [], acceptBase: true });
    expect([changes, problems]).toEqual([[], [like(/was not found/)]]);
    expect((await register(host(), { path: moved.vmx })).problems).toEqual([]);
    expect(await backingOf(third.top())).toBe(join(moved.directory, 'disk0.qcow2'));
    expect((await world().start('third')).state).toBe('running');
  });

  it('a lost layer of the clone itself is not replaced by the base of that name', async () => {
    const { copy } = await pair();
    await takeSnapshot(host(), 'copy', takeBody({ label: 'x' }), quiet);
    const lost = copy.file('disk0.qcow2');
    renameSync(lost, `${lost}.lost`);
    expect(await repair(host(), 'copy', nothing)).toMatchObject({
      changes: [],
      problems: [like(/disk0\.qcow2 is missing.*backup/)],
    });
    renameSync(`${lost}.lost`, lost);
    expect((await world().start('copy')).state).toBe('running');
  });

  it('what the parent records stays while the base of a moved clone cannot be found', async () => {
    const { demo } = await pair();
    const moved = move('copy');
    const lost = demo.file('disk0.qcow2');
    renameSync(lost, `${lost}.lost`);
    const { problems } = await register(host(), { path: moved.vmx });
    expect(problems.at(-1)).toMatchObject({ message: like(/was not found/) });
    expect(demo.read('demo.vmsd')).toContain(`clone0 = "${moved.vmx}"`);
    renameSync(`${lost}.lost`, lost);
    expect((await repair(host(), 'copy', nothing)).problems).toEqual([]);
    expect(await takings()).toEqual(held);
  });
});

describe('a home that was renamed', () => {
  /** A host on the home after its machines were moved there. */
  async function renamedHome(): Promise<Host> {
    const home = join(world().home, 'renamed');
    mkdirSync(home);
    renameSync(join(world().home, 'machines'), join(home, 'machines'));
    await world().engines.fillCache(join(home, 'cache'));
    return testHost({ home, env: host().env, ram: join(home, 'ram') });
  }

  it('keeps its clones and parents', async () => {
    const { copy } = await pair();
    expect(await backingOf(copy.top())).toBe('../demo.vmwarevm/disk0.qcow2');
    const renamed = await renamedHome();
    expect(await takings(renamed)).toEqual(held);
    const { home } = renamed.names;
    expect(diskHas(machine(home, 'copy').top(), 7)).toBe(true);
    await start(renamed, 'copy', startBody(), quiet);
    expect(renamed.running.size).toBe(1);
    await renamed.running.detachAll();
  });

  it('is recorded after a repair', async () => {
    await pair();
    const renamed = await renamedHome();
    const { home } = renamed.names;
    expect((await repair(renamed, 'demo', nothing)).problems).toEqual([]);
    expect(await clonesOf(renamed)).toEqual([machine(home, 'copy').vmx]);
    expect(machine(home, 'copy').read('copy.vmsd')).toContain(`cloneOf0 = "${machine(home, 'demo').vmx}"`);
    expect((await repair(renamed, 'demo', nothing)).changes).toEqual([]);
  });
});
