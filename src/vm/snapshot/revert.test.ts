import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { revertBody, takeBody } from '../../../test/support/bodies.ts';
import { diskHas, writeDisk } from '../../../test/support/disk-content.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { atEachCommand, cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import type { WorldMachine } from '../../../test/support/world-machine.ts';
import { silentProgress, type Progress } from '../../core/progress.ts';
import { pause } from '../power/pause.ts';
import { show } from '../running/describe.ts';
import { revertSnapshot } from './revert.ts';
import { listSnapshots, takeSnapshot } from './snapshots.ts';

const world = useWorld();
const take = async (label: string, body: Parameters<typeof takeBody>[0] = {}) =>
  await takeSnapshot(world().host, 'demo', takeBody({ ...body, label }), quiet);
const revert = async (
  label: string,
  body: Parameters<typeof revertBody>[0] = {},
  progress: Progress = quiet,
) => await revertSnapshot(world().host, 'demo', label, revertBody(body), progress);

/** A running machine with a snapshot `then`, which has changed since: on its disk and in its memory. */
async function changedSince(body: Parameters<typeof takeBody>[0] = {}): Promise<WorldMachine> {
  const demo = world().machine();
  const engine = await world().start('demo', { wait: 'agent' });
  engine.memory = 'then';
  await take('then', body);
  engine.memory = 'now';
  writeDisk(demo.top(), 8);
  return demo;
}

describe('a revert to a snapshot with memory', () => {
  it('resumes from its memory and its disks', async () => {
    const demo = await changedSince();
    const first = world().engines.of('demo');
    expect(await revert('then', { wait: 'agent' })).toMatchObject({
      state: 'running',
      snapshot: 'then',
      agent: true,
    });
    await first.ended;
    const engine = world().engines.of('demo');
    expect([engine.pid === first.pid, engine.memory, engine.state]).toEqual([false, 'then', 'running']);
    expect(diskHas(demo.top(), 7)).toBe(true);
    expect(demo.read('demo.vmx')).toContain('checkpoint.vmState = ""');
    // The layer that was written to since is no longer used.
    expect(demo.files()).not.toContain('disk0-000001.qcow2');
  });

  it('sets the clock of the guest', async () => {
    await changedSince();
    world().engines.guest = { ...world().engines.guest, clockAheadMs: -86_400_000 };
    await revert('then', { wait: 'agent' });
    await expect.poll(() => Math.abs(world().engines.of('demo').guest.clockAheadMs) < 1000).toBe(true);
  });

  it('leaves a paused guest paused', async () => {
    const demo = world().machine();
    const engine = await world().start();
    engine.memory = 'then';
    await pause(world().host, 'demo', quiet);
    await take('then');
    await engine.crash();
    await expect.poll(() => world().host.running.size).toBe(0);
    expect((await revert('then')).state).toBe('paused');
    expect([world().engines.of('demo').state, world().engines.of('demo').memory]).toEqual(['paused', 'then']);
    expect(demo.read('demo.vmx')).toContain('checkpoint.vmState = ""');
  });

  it('without a start leaves the machine suspended in the snapshot', async () => {
    await changedSince();
    expect((await revert('then', { start: false })).state).toBe('suspended');
    expect(world().host.running.size).toBe(0);
    await world().start();
    expect(world().engines.of('demo').memory).toBe('then');
    // It is a snapshot's: starting has not used it up.
    expect((await revert('then')).state).toBe('running');
  });

  it('goes through the engine if the RAM is not in a file', async () => {
    world().forbidRamFiles();
    await changedSince();
    await revert('then');
    expect(world().engines.of('demo').memory).toBe('then');
  });

  it.each([
    ['engine.json', 'nonsense', /engine\.json/],
    ['state', '', /state/],
    ['ram', 'short', /RAM/],
  ])('is refused when its %s is damaged, before anything is touched', async (name, content, message) => {
    const demo = await changedSince();
    writeFileSync(demo.file('checkpoints/1', name), content);
    const before = await world().look(demo);
    expect(await refused(revert('then'))).toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: like(message),
    });
    expect(await world().look(demo)).toEqual(before);
    // Its disks are as good as before.
    expect((await revert('then', { start: false })).state).toBe('suspended');
  });

  it('is refused when the engine would be a different one, and lists the alternatives', async () => {
    const demo = await changedSince();
    const record = demo.read('checkpoints/1/engine.json');
    writeFileSync(demo.file('checkpoints/1/engine.json'), record.replace('virt-7.2', 'virt-9.9'));
    const before = await world().look(demo);
    expect(await refused(revert('then'))).toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: like(/virt-9\.9.*virt-7\.2/),
      next: like(/--no-start/),
    });
    expect(await world().look(demo)).toEqual(before);
  });

  it('that the engine rejects leaves the machine suspended in the snapshot', async () => {
    const demo = await changedSince();
    const { length } = demo.read('checkpoints/1/state');
    writeFileSync(demo.file('checkpoints/1/state'), '!'.repeat(length));
    expect(await refused(revert('then'))).toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: like(/load of migration failed/),
    });
    expect((await show(world().host, 'demo')).state).toBe('suspended');
    expect((await world().start('demo', { discardState: true })).memory).toBe('');
    expect(diskHas(demo.top(), 7)).toBe(true);
  });

  it('does not begin when it is cancelled before', async () => {
    const demo = await changedSince();
    const before = await world().look(demo);
    expect((await refused(revert('then', {}, silentProgress(AbortSignal.abort())))).code).toBe('CANCELLED');
    expect(await world().look(demo)).toEqual(before);
  });

  it('is completed except for the start when it is cancelled later', async () => {
    const demo = await changedSince();
    const cuts: unknown[] = [];
    const stages = await cancelAtEachStage(
      async (progress) => await revert('then', {}, progress),
      async ({ code }) => {
        const { state } = await show(world().host, 'demo');
        cuts.push([code, state]);
        expect(diskHas(demo.top(), 7)).toBe(true);
      },
    );
    expect(cuts).toEqual(stages.map(() => ['CANCELLED', 'suspended']));
    expect(stages).toHaveLength(3);
    expect(world().engines.of('demo').memory).toBe('then');
  });
});

describe('a revert to a snapshot of disks alone', () => {
  it('leaves the machine stopped', async () => {
    const demo = await changedSince({ diskOnly: true });
    expect((await revert('then')).state).toBe('stopped');
    expect([world().host.running.size, diskHas(demo.top(), 7)]).toEqual([0, true]);
  });

  it('restores its configuration, under the present name of the machine', async () => {
    const demo = world().machine();
    await take('then');
    writeFileSync(demo.vmx, demo.read('demo.vmx').replace('memsize = "64"', 'memsize = "128"'));
    await revert('then');
    expect(demo.read('demo.vmx')).toContain('memsize = "64"');
  });

  it('begins a branch of the tree', async () => {
    world().machine();
    await take('a');
    await take('b');
    await revert('a');
    await take('c');
    const tree = (await listSnapshots(world().host, 'demo')).map(({ path, current }) => [path, current]);
    expect(tree).toEqual([
      ['/a', false],
      ['/a/b', false],
      ['/a/c', true],
    ]);
  });

  it('is refused for a snapshot that does not exist, and for a layer that is missing', async () => {
    const demo = world().machine();
    await take('then');
    expect(await refused(revert('than'))).toMatchObject({ code: 'NO_SUCH_SNAPSHOT', message: like(/then/) });
    writeFileSync(demo.file('disk0.qcow2'), 'no disk');
    const before = await world().look(demo);
    expect((await refused(revert('then'))).code).toBe('BAD_IMAGE');
    expect(await world().look(demo)).toEqual(before);
  });
});

describe('a revert whose engine fails', () => {
  it('at any command leaves the machine in the snapshot or as it was', async () => {
    const demo = world().machine();
    const engine = await world().start();
    engine.memory = 'then';
    await take('then');
    const seen = await atEachCommand(
      async (except) => {
        if (world().host.running.size === 0) await world().start();
        return world().engines.troubles.die('*', { except });
      },
      async () => await revert('then'),
      async () => {
        world().engines.troubles.clear();
        expect(demo.files().includes('operation.json')).toBe(false);
        expect(diskHas(demo.top(), 7)).toBe(true);
        // Whatever has happened, the snapshot is whole.
        await revert('then');
        expect(world().engines.of('demo').memory).toBe('then');
      },
    );
    expect(seen).toEqual(expect.arrayContaining(['quit', 'migrate-incoming', 'cont']));
  });
});
