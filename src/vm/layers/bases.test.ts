import { cpSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diskHas, writeDisk } from '../../../test/support/disk-content.ts';
import { linkedPair, machine, nothing } from '../../../test/support/linked-pair.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { repair } from '../library/repair.ts';
import { deleteSnapshot } from '../snapshot/snapshots.ts';

const world = useWorld();
const { host, take, pair } = linkedPair(world);
const accept = { forget: [], acceptBase: true };

describe('a base that has changed', () => {
  it('keeps its clone from starting until the change is accepted', async () => {
    const { demo, copy } = await pair();
    writeDisk(demo.file('disk0.qcow2'), 8, 8);
    utimesSync(demo.file('disk0.qcow2'), new Date(), new Date(Date.now() + 5000));
    expect(await refused(world().start('copy'))).toMatchObject({
      code: 'BROKEN_MACHINE',
      message: like(/disk0\.qcow2 has changed.*copy/),
      next: like(/backup.*kame repair copy --accept-base/),
    });
    expect((await repair(host(), 'copy', nothing)).problems).toHaveLength(1);
    expect((await repair(host(), 'copy', accept)).problems).toEqual([]);
    await world().start('copy');
    expect(copy.read('copy.vmsd')).toContain('kame.base0.path');
  });

  it('is not reported for a copy that kept its modification time', async () => {
    const { demo } = await pair();
    const path = demo.file('disk0.qcow2');
    const { atime, mtime } = statSync(path);
    cpSync(path, `${path}.copy`);
    // Copies may keep whole seconds only.
    utimesSync(`${path}.copy`, atime, Math.floor(mtime.getTime() / 1000));
    renameSync(`${path}.copy`, path);
    expect((await world().start('copy')).state).toBe('running');
  });

  it('is not reported when the parent itself changed it', async () => {
    const { demo } = await pair();
    await take('later');
    writeDisk(demo.top(), 3, 3);
    await deleteSnapshot(host(), 'demo', 'later', { children: false }, quiet);
    await world().start('demo');
    expect((await world().start('copy')).state).toBe('running');
  });
});

it('refuses to start a machine whose .vmx names the base of its clones', async () => {
  const { demo } = await pair();
  writeFileSync(demo.vmx, demo.read('demo.vmx').replace(/disk0-000001\.qcow2/, 'disk0.qcow2'));
  expect(await refused(world().start('demo'))).toMatchObject({
    code: 'HAS_CLONES',
    message: like(/copy/),
    next: like(/snapshot/),
  });
  await take('new');
  await world().start('demo');
  expect(diskHas(machine(world().home, 'copy').top(), 7)).toBe(true);
});
