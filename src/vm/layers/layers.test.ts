import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cloneBody, takeBody } from '../../../test/support/bodies.ts';
import { diskHas } from '../../../test/support/disk-content.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { createOverlay } from '../../disk/overlay.ts';
import { clone } from '../clone/clone.ts';
import { findBundle } from '../host/find.ts';
import { pause } from '../power/pause.ts';
import { deleteSnapshot, takeSnapshot } from '../snapshot/snapshots.ts';
import { parentNameFor } from './layers.ts';
import { consolidate } from './recover-tidy.ts';

const world = useWorld();
const drive = 'drive-nvme0-0';
const images = (files: string[]) => files.filter((name) => name.endsWith('.qcow2'));

describe('layers that are no longer needed', () => {
  it('are merged before the next instant clone when there are many; a failed merge does not prevent the clone', async () => {
    const demo = world().machine();
    let below = 'disk0.qcow2';
    for (let number = 1; number < 32; number += 1) {
      const name = `disk0-${String(number).padStart(6, '0')}.qcow2`;
      const layer = { path: demo.file(name), backing: below, backingFormat: 'qcow2' as const };
      await createOverlay({ ...layer, virtualSize: 64 * 1024 * 1024, sync: false });
      below = name;
    }
    writeFileSync(demo.vmx, demo.read('demo.vmx').replace('"disk0.qcow2"', `"${below}"`));
    const engine = await world().start();
    for (const job of ['block-commit', 'block-stream']) world().engines.troubles.refuse(job, 'No room');
    await clone(world().host, 'demo', cloneBody({ name: 'copy', kind: 'instant', wait: 'none' }), quiet);
    expect(engine.received.filter((name) => /^block-(commit|stream)$/.test(name))).toHaveLength(1);
    expect(world().logged.join()).toContain('No room');
    expect(demo.read('demo.vmsd')).toContain('needConsolidate = "TRUE"');
    expect(world().engines.of('copy').blocks.chainOf(drive)).toHaveLength(33);
  });

  it('of a paused machine are merged while it stays paused', async () => {
    const demo = world().machine();
    const engine = await world().start();
    await takeSnapshot(world().host, 'demo', takeBody({ label: 'x', diskOnly: true }), quiet);
    await pause(world().host, 'demo', quiet);
    await deleteSnapshot(world().host, 'demo', 'x', { children: false }, quiet);
    await consolidate(world().host, await findBundle(world().host, 'demo'));
    expect([engine.state, images(demo.files()).length, diskHas(demo.top(), 7)]).toEqual(['paused', 1, true]);
  });
});

describe('parentNameFor', () => {
  const home = { machines: '/home/me/.kame/machines' };
  const clone = '/home/me/.kame/machines/copy.vmwarevm';

  it.each([
    ['/home/me/.kame/machines/demo.vmwarevm/disk0.qcow2', '../demo.vmwarevm/disk0.qcow2'],
    ['/home/me/.kame/machines/disk0.qcow2', '/home/me/.kame/machines/disk0.qcow2'],
    ['/srv/demo.vmwarevm/disk0.qcow2', '/srv/demo.vmwarevm/disk0.qcow2'],
  ])('%s is %s', (path, name) => {
    expect(parentNameFor(home, clone, path)).toBe(name);
  });

  it('is absolute for a clone that is not in the home', () => {
    const path = '/srv/demo.vmwarevm/disk0.qcow2';
    expect(parentNameFor(home, '/srv/copy.vmwarevm', path)).toBe(path);
  });
});
