import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { clone, cloneSource, prepareCloneSource, remove } from '../support/clones.ts';
import { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';
import { refusal } from '../support/refusal.ts';
import { expectWholeLayers } from '../support/scratch.ts';

/** A stopped machine whose disk says `later`, with a snapshot `a` in which it says `common`. */
const it = guestTest({
  name: 'cold-clone-source',
  create: cloneSource.create,
  prepare: async (demo) => {
    await prepareCloneSource(demo);
    await demo.take('a', '--disk-only', '--quiesce');
    await demo.sh('echo later >/root/disk; sync');
  },
});

describe('a full clone', () => {
  it('has disks of its own, of the present state or of a snapshot', async ({ home, demo }) => {
    const of = await clone(home, 'demo', 'old', '--full', '--snapshot', 'a');
    expect(of).toMatchObject({ machines: [{ name: 'old', state: 'stopped' }], stoppedMs: null });
    await home.json('stop', 'demo', '--hard');
    expect(await clone(home, 'demo', 'new', '--full', '--start')).toMatchObject({
      machines: [{ name: 'new', state: 'running', agent: true }],
      agentMs: [expect.any(Number)] as number[],
    });
    const [old, fresh] = [new Guest(home, 'old'), new Guest(home, 'new')];
    expect(await fresh.sh('cat /root/disk; hostname')).toBe('later\nnew\n');
    expect(await fresh.layers()).toHaveLength(1);
    const all = await Promise.all([demo, old, fresh].map(async (machine) => await machine.details()));
    expect(new Set(all.map(({ id }) => id)).size).toBe(3);
    expect(new Set(all.map(({ nics }) => nics[0]?.mac)).size).toBe(3);
    await fresh.sh('echo new >/root/disk; sync');
    await remove(home, 'new');
    await expectWholeLayers(old);
    expect(await old.layers()).toHaveLength(1);
  });

  it('no longer needs its parent', async ({ home, demo }) => {
    await demo.stop();
    await home.json('snapshot', 'delete', 'demo', 'a');
    await home.json('rename', 'demo', 'parent');
    await clone(home, 'parent', 'orphan', '--full');
    await remove(home, 'parent');
    const orphan = new Guest(home, 'orphan');
    await orphan.start();
    expect(await orphan.sh('cat /root/disk; hostname')).toBe('later\norphan\n');
    expect(await readdir(join(home.path, 'machines'))).toEqual(['orphan.vmwarevm']);
  });
});

describe('a linked clone', () => {
  it('holds its parent and the snapshot until it is deleted', async ({ home, demo }) => {
    await demo.stop();
    await clone(home, 'demo', 'l', '--linked', '--snapshot', 'a', '--count', '2');
    const [one, two, three] = ['l-1', 'l-2', 'l-3'].map((name) => new Guest(home, name)) as [
      Guest,
      Guest,
      Guest,
    ];
    const vmx = one.file('l-1.vmx');
    for (const args of [
      ['delete', 'demo', '--yes'],
      ['unregister', 'demo'],
      ['rename', 'demo', 'other'],
      ['snapshot', 'delete', 'demo', 'a'],
    ]) {
      expect({ args, ...(await home.kame(args)) }).toEqual({ args, ...refusal(4, vmx) });
    }
    expect(await demo.snapshots()).toMatchObject([{ label: 'a', clones: [vmx, two.file('l-2.vmx')] }]);
    expect(await demo.vmsd()).toMatchObject({ 'snapshot0.numClones': '2', 'snapshot0.clone0': vmx });
    expect(await one.vmsd()).toMatchObject({ cloneOf0: demo.file('demo.vmx') });
    await one.start();
    expect(await one.sh('cat /root/disk; hostname')).toBe('common\nl-1\n');
    await one.sh('echo linked >/root/disk; sync');
    // A snapshot and an instant clone of a linked clone; the parent is held by the clone's clone too.
    await one.take('b');
    await clone(home, 'l-1', 'l-3', '--instant');
    expect(await three.sh('cat /root/disk')).toBe('linked\n');
    await one.revert('b');
    expect(await one.sh('cat /root/disk')).toBe('linked\n');
    await remove(home, 'l-1', 'l-2');
    expect(await home.kame(['delete', 'demo', '--yes'])).toEqual(refusal(4, three.file('l-3.vmx')));
    await three.sh('sync');
    await three.stop();
    await three.start();
    expect(await three.sh('cat /root/disk')).toBe('linked\n');
    await remove(home, 'l-3');
    // The parent is what it was.
    await home.json('snapshot', 'delete', 'demo', 'a');
    await expectWholeLayers(demo);
    expect(await demo.layers()).toHaveLength(1);
  });
});
