import { existsSync } from 'node:fs';
import { describe, expect } from 'vitest';
import * as z from 'zod';
import { snapshot, snapshotDetails, takenSnapshot, type SnapshotDetails } from '../../src/api/checkpoint.ts';
import type { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';
import { become, diskLook, diskOf, look, memoryOf } from '../support/marks.ts';
import { snapshotOfEachKind } from '../support/recipes.ts';

const it = guestTest();
const itOfEachKind = guestTest(snapshotOfEachKind);

/** Seconds since the guest's boot, by its own clock. */
async function uptime(guest: Guest): Promise<number> {
  return Number(await guest.sh('cut -d" " -f1 /proc/uptime'));
}

describe('a snapshot', () => {
  it('of a running machine restores memory, disk and processes', async ({ home, demo }) => {
    const before = await become(demo, 'a');
    expect(before).toContain(memoryOf('a'));
    expect(before).toContain(diskOf('a'));
    const taken = await demo.take('a', '--description', 'the first\nof "all"');
    expect(takenSnapshot.parse(taken)).toEqual(taken);
    expect(taken).toMatchObject({
      uid: 1,
      label: 'a',
      description: 'the first\nof "all"',
      parent: null,
      path: '/a',
      depth: 0,
      current: true,
      state: 'running',
      memory: true,
      stoppedMs: expect.any(Number) as number,
      notes: [],
    });
    // It resumes at once, with what it had.
    expect(await demo.sh(look)).toBe(before);
    const early = await uptime(demo);
    await become(demo, 'what is lost');
    const reverting = performance.now();
    expect(await demo.revert('a')).toMatchObject({ state: 'running', snapshot: 'a', notes: [], agent: true });
    expect(await demo.sh(look)).toBe(before);
    // To the guest, nothing has passed since the snapshot but what the revert took, however slow this host is.
    const again = await uptime(demo);
    expect(again).toBeLessThanOrEqual(early + 0.01 + (performance.now() - reverting) / 1000);
    expect(await demo.state()).toBe('running');
    // Again, from the same snapshot.
    await become(demo, 'what is lost too');
    await demo.revert('/a');
    expect(await demo.sh(look)).toBe(before);
    const list = await home.json('snapshot', 'list', 'demo');
    expect(z.array(snapshot).parse(list)).toEqual(list);
    const details = await home.json<SnapshotDetails>('snapshot', 'show', 'demo', '#1');
    expect(snapshotDetails.parse(details)).toEqual(details);
    expect(details).toMatchObject({
      problems: [],
      engine: { accelerator: 'tcg' },
      disks: [{ slot: 'nvme0:0' }],
    });
    expect(details.bytes).toBeGreaterThan(30_000_000);
  });

  it('with --disk-only is like a power cut, and with --quiesce like a sync', async ({ home, demo }) => {
    await become(demo, 'd');
    const taken = await demo.take('d', '--disk-only', '--quiesce');
    expect(taken).toMatchObject({ memory: false, state: 'stopped', notes: [] });
    expect(existsSync(demo.file('checkpoints', String(taken.uid), 'ram'))).toBe(false);
    // The guest's file systems are not frozen any more.
    await become(demo, 'what is lost');
    expect(await demo.revert('d')).toMatchObject({ state: 'stopped', agent: false });
    expect(await home.engines()).toEqual([]);
    await demo.start();
    expect(await demo.sh(diskLook)).toBe(diskOf('d'));
    expect(await demo.sh('ls /dev/shm')).toBe('');
    const memoryToo = await demo.take('quiesced with memory', '--quiesce');
    expect(memoryToo).toMatchObject({ memory: true, notes: [expect.stringMatching(/[Mm]emory/) as string] });
  });

  it('of a stopped machine restores it stopped', async ({ home, demo }) => {
    await become(demo, 's');
    await demo.stop();
    expect(await demo.take('s')).toMatchObject({ memory: false, state: 'stopped', stoppedMs: null });
    await demo.start();
    await become(demo, 'what is lost');
    expect(await demo.revert('s')).toMatchObject({ state: 'stopped' });
    expect(await home.engines()).toEqual([]);
    await demo.start();
    expect(await demo.sh(diskLook)).toBe(diskOf('s'));
  });

  it('of a suspended machine has the saved memory', async ({ home, demo }) => {
    const before = await become(demo, 'u');
    await demo.suspend();
    expect(await demo.take('u')).toMatchObject({ memory: true, state: 'running', stoppedMs: null });
    expect(await demo.state()).toBe('suspended');
    await demo.start();
    expect(await demo.sh(look)).toBe(before);
    await become(demo, 'what is lost');
    // With --no-start it is suspended in the snapshot; a start resumes from there and the snapshot stays.
    for (let round = 0; round < 2; round += 1) {
      expect(await demo.revert('u', '--no-start')).toMatchObject({ state: 'suspended' });
      expect(await home.engines()).toEqual([]);
      await demo.start();
      expect(await demo.sh(look)).toBe(before);
      await become(demo, `what is lost in round ${round}`);
    }
  });

  itOfEachKind('can be reverted to in any order', async ({ demo }) => {
    expect(await demo.tree()).toEqual(['/a', '/a/p', '/a/p/d', '/a/p/d/s', '/a/p/d/s/u *']);
    expect(await demo.revert('p')).toMatchObject({ state: 'paused' });
    expect((await demo.exec('true')).code).toBe(4);
    await demo.unpause();
    await demo.answers();
    expect(await demo.sh(look)).toContain(memoryOf('p'));
    expect(await demo.revert('u')).toMatchObject({ state: 'running' });
    expect(await demo.sh(look)).toContain(memoryOf('u'));
    expect(await demo.revert('a')).toMatchObject({ state: 'running' });
    expect(await demo.sh(look)).toContain(memoryOf('a'));
    expect(await demo.tree()).toEqual(['/a *', '/a/p', '/a/p/d', '/a/p/d/s', '/a/p/d/s/u']);
  });
});
