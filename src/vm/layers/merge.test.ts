import { describe, expect, it } from 'vitest';
import { takeBody } from '../../../test/support/bodies.ts';
import { shownOn, writeDisk } from '../../../test/support/disk-content.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import type { WorldMachine } from '../../../test/support/world-machine.ts';
import { pause, unpause } from '../power/pause.ts';
import { deleteSnapshot, listSnapshots, takeSnapshot } from '../snapshot/snapshots.ts';

const world = useWorld();
const drive = 'drive-nvme0-0';
const take = async (label: string) =>
  await takeSnapshot(world().host, 'demo', takeBody({ label, diskOnly: true }), quiet);
const remove = async (label: string) =>
  await deleteSnapshot(world().host, 'demo', label, { children: false }, quiet);
const engine = () => world().engines.of('demo');
const disks = (demo: WorldMachine) => demo.files().filter((name) => name.includes('qcow2'));

/** A running machine with the snapshots `a` and `c`, and something written after each: 1 and 2. */
async function two(): Promise<WorldMachine> {
  const demo = world().machine();
  await world().start();
  await take('a');
  writeDisk(demo.top(), 1, 1);
  await take('c');
  writeDisk(demo.top(), 2, 2);
  return demo;
}

describe('an engine that refuses to resume its guest after a merge', () => {
  it('is asked again', async () => {
    await two();
    world().engines.troubles.refuse('cont', 'Not this time');
    expect((await remove('c')).notes).toEqual([]);
    expect(engine().state).toBe('running');
  });

  it('and never does: the error says so, and the next command on the machine resumes it', async () => {
    const demo = await two();
    world().engines.troubles.refuse('cont', 'Never', { times: 1000 });
    expect(await refused(remove('c'))).toMatchObject({
      code: 'ENGINE_FAILED',
      message: like(/demo is paused.*Never/),
      next: like(/kame unpause demo/),
    });
    expect([engine().state, engine().blocks.chainOf(drive)[0]]).toEqual(['paused', demo.top()]);
    expect((await listSnapshots(world().host, 'demo')).map(({ label }) => label)).toEqual(['a']);
    expect([disks(demo).length, shownOn(demo.top(), [1, 2])]).toEqual([2, [1, 2]]);
    world().engines.troubles.clear();
    expect((await unpause(world().host, 'demo', quiet)).state).toBe('running');
    expect([engine().state, demo.files().includes('operation.json')]).toEqual(['running', false]);
  });

  it('is not asked when a person had paused it', async () => {
    await two();
    await pause(world().host, 'demo', quiet);
    const asked = () => engine().received.filter((name) => name === 'cont').length;
    const before = asked();
    await remove('c');
    expect([engine().state, asked()]).toEqual(['paused', before]);
  });
});

describe('an engine that refuses to close a merged layer', () => {
  it.each([1, 2])('once or twice (%j) can still take the next snapshot', async (times) => {
    const demo = await two();
    world().engines.troubles.refuse('blockdev-del', 'Node is in use', { times });
    await remove('c');
    const open = engine().blocks.describeNodes().length;
    await take('d');
    writeDisk(demo.top(), 3, 3);
    expect(shownOn(demo.top(), [1, 2, 3])).toEqual([1, 2, 3]);
    expect(engine().blocks.chainOf(drive)[0]).toBe(demo.top());
    // Then the engine does close it.
    await remove('d');
    expect(engine().blocks.describeNodes().length).toBeLessThan(open);
    expect(shownOn(demo.top(), [1, 2, 3])).toEqual([1, 2, 3]);
  });
});
