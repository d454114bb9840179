import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cloneBody, stopBody } from '../../../test/support/bodies.ts';
import { diskHas } from '../../../test/support/disk-content.ts';
import { base, held, linkedPair, machine } from '../../../test/support/linked-pair.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { clone } from '../clone/clone.ts';
import { checkDisks } from '../disk/check.ts';
import { compactDisk } from '../disk/compact.ts';
import { growDisk } from '../disk/grow.ts';
import { removeDisk } from '../disk/remove.ts';
import { remove } from '../library/delete.ts';
import { unregister } from '../library/register.ts';
import { rename } from '../library/rename.ts';
import { stop } from '../power/stop.ts';
import { deleteSnapshot } from '../snapshot/snapshots.ts';

const world = useWorld();
const { host, link, dropBase, clonesOf, pair, takings } = linkedPair(world);

describe('a linked clone that was moved within its home', () => {
  it('is found by its UUID, and its records go with it', async () => {
    const { demo, copy } = await pair();
    const other = machine(world().home, 'other');
    renameSync(copy.directory, other.directory);
    renameSync(other.file('copy.vmx'), other.file('other.vmx'));
    renameSync(other.file('copy.vmsd'), other.file('other.vmsd'));
    expect(await takings()).toEqual(held);
    expect(await clonesOf()).toEqual([other.vmx]);
    await remove(host(), other.vmx);
    expect(demo.read('demo.vmsd')).not.toContain('copy.vmx');
    await dropBase();
  });

  it('counts even if not all of its files can be read', async () => {
    const { copy } = await pair();
    const other = machine(world().home, 'other');
    renameSync(copy.directory, other.directory);
    rmSync(other.file('disk0.qcow2'));
    expect(await takings()).toEqual(held);
  });
});

describe('the disk commands on a parent that has lost its records', () => {
  it('keep the files that a clone reads', async () => {
    const { demo, copy } = await pair();
    rmSync(demo.file('demo.vmsd'));
    const work = [
      async () => await removeDisk(host(), 'demo', 'nvme0:0', { keepFile: false }),
      async () => {
        writeFileSync(demo.vmx, demo.read('demo.vmx').replace(/disk0-000001\.qcow2/, 'disk0.qcow2'));
        return await compactDisk(host(), 'demo', 'nvme0:0', quiet);
      },
      async () => await growDisk(host(), 'demo', 'nvme0:0', { sizeBytes: 2 ** 27 }, quiet),
    ];
    for (const use of work) {
      expect(await refused(use())).toMatchObject({ code: 'HAS_CLONES', message: like(/copy/) });
    }
    const { layers } = await checkDisks(host(), 'demo', null, { repair: true }, quiet);
    expect(layers).toMatchObject([{ ok: true, repaired: 0 }]);
    expect(diskHas(copy.top(), 7)).toBe(true);
  });
});

it('a clone of an instant clone does not depend on the source of that', async () => {
  world().machine();
  await world().start('demo', { wait: 'agent' });
  await clone(host(), 'demo', cloneBody({ name: 'twin', kind: 'instant' }), quiet);
  for (const name of ['twin', 'demo']) await stop(host(), name, stopBody({ hard: true }), quiet);
  await link('copy', 'twin');
  await remove(host(), 'demo');
  expect(diskHas(machine(world().home, 'copy').top(), 7)).toBe(true);
  expect((await refused(remove(host(), 'twin'))).code).toBe('HAS_CLONES');
});

describe('the records of a clone', () => {
  it('are removed when it is deleted', async () => {
    const { demo } = await pair();
    await remove(host(), 'copy');
    expect(demo.read('demo.vmsd')).not.toMatch(/copy|kame\.machine/);
    await dropBase();
  });

  it('follow it when it is renamed', async () => {
    const { demo } = await pair();
    await rename(host(), 'copy', 'renamed');
    expect(await clonesOf()).toEqual([machine(world().home, 'renamed').vmx]);
    expect(demo.read('demo.vmsd')).not.toContain('copy');
    await world().start('renamed');
    expect(await takings()).toEqual(held);
  });

  it('stay when it is unregistered: its disk still needs the base', async () => {
    const { copy } = await pair();
    await unregister(host(), 'copy');
    expect(await takings()).toEqual(held);
    expect(await clonesOf()).toEqual([copy.vmx]);
  });

  it('do not count if another machine is at that path', async () => {
    const { copy } = await pair();
    rmSync(copy.directory, { recursive: true });
    world().machine('copy');
    expect(await takings()).toEqual(held);
    expect((await refused(dropBase())).message).toContain(copy.vmx);
  });

  it('do not apply to a copy of the parent', async () => {
    const { demo } = await pair();
    const twin = join(world().home, 'elsewhere', 'twin.vmwarevm');
    cpSync(demo.directory, twin, { recursive: true });
    renameSync(join(twin, 'demo.vmx'), join(twin, 'twin.vmx'));
    renameSync(join(twin, 'demo.vmsd'), join(twin, 'twin.vmsd'));
    const text = demo.read('demo.vmx').replace('displayName = "demo"', 'displayName = "twin"');
    writeFileSync(join(twin, 'twin.vmx'), text);
    await host().inventory.register(join(twin, 'twin.vmx'));
    await deleteSnapshot(host(), 'twin', base, { children: false }, quiet);
    await remove(host(), 'twin');
    expect(await takings()).toEqual(held);
  });
});
