import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cloneBody, revertBody, takeBody } from '../../../test/support/bodies.ts';
import { shownOn, writeDisk } from '../../../test/support/disk-content.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import type { WorldMachine } from '../../../test/support/world-machine.ts';
import { silentProgress, type Progress, type ProgressReport } from '../../core/progress.ts';
import { clone } from '../clone/clone.ts';
import { remove as deleteMachine } from '../library/delete.ts';
import { revertSnapshot } from './revert.ts';
import { deleteSnapshot, listSnapshots, takeSnapshot } from './snapshots.ts';

const world = useWorld();
const drive = 'drive-nvme0-0';
const take = async (label: string) =>
  await takeSnapshot(world().host, 'demo', takeBody({ label, diskOnly: true }), quiet);
const remove = async (label: string, children = false, progress: Progress = quiet) =>
  await deleteSnapshot(world().host, 'demo', label, { children }, progress);
const labels = async () => (await listSnapshots(world().host, 'demo')).map(({ label }) => label);

/** Snapshots `a`, `b`, `c`, with something written before each and after the last: 1 to 4, each at its place. */
async function three(runs: boolean): Promise<WorldMachine> {
  const demo = world().machine();
  writeDisk(demo.top(), 1, 1);
  if (runs) await world().start('demo', { wait: 'agent' });
  await take('a');
  writeDisk(demo.top(), 2, 2);
  await take('b');
  writeDisk(demo.top(), 3, 3);
  await take('c');
  writeDisk(demo.top(), 4, 4);
  return demo;
}

/** A running machine with the snapshots `a` and `c`, and something written after each. */
async function two(): Promise<WorldMachine> {
  const demo = world().machine();
  await world().start();
  await take('a');
  writeDisk(demo.top(), 1, 1);
  await take('c');
  writeDisk(demo.top(), 2, 2);
  return demo;
}

/** The writes that a layer shows. */
function shown(path: string): number[] {
  return shownOn(path, [1, 2, 3, 4]);
}

/** What the engine of the machine writes to, and what it still has to do. */
function engineNow(): object {
  const { state, blocks, jobs } = world().engines.of('demo');
  return { state, writable: blocks.writable, top: blocks.chainOf(drive)[0], jobs: jobs.describe() };
}

async function inSnapshot(demo: WorldMachine, label: string): Promise<number[]> {
  await revertSnapshot(world().host, 'demo', label, revertBody(), quiet);
  return shown(demo.top());
}

describe.each([true, false])('deleting while the machine runs: %j', (runs) => {
  it.each(['a', 'b', 'c'])('%s merges its layer, and all others stay what they were', async (label) => {
    const demo = await three(runs);
    expect(await remove(label)).toMatchObject({ deleted: [label], notes: [] });
    expect(demo.files().filter((name) => name.includes('qcow2'))).toHaveLength(3);
    expect(shown(demo.top())).toEqual([1, 2, 3, 4]);
    const engine = runs ? engineNow() : null;
    const [state, writable] = ['running', [demo.top()]];
    expect(engine).toEqual(runs ? { state, writable, top: demo.top(), jobs: [] } : null);
    const others = Object.entries({ a: [1], b: [1, 2], c: [1, 2, 3] }).filter(([each]) => each !== label);
    for (const [other, writes] of others) {
      expect([other, await inSnapshot(demo, other)]).toEqual([other, writes]);
    }
  });

  it('all of them leaves one disk', async () => {
    const demo = await three(runs);
    expect((await remove('a', true)).deleted).toEqual(['a', 'b', 'c']);
    expect(demo.files().filter((name) => name.includes('qcow2'))).toHaveLength(1);
    expect([shown(demo.top()), await labels()]).toEqual([[1, 2, 3, 4], []]);
  });
});

describe('deleting', () => {
  it('is refused for a snapshot that does not exist, that clones are based on, or that the machine is suspended in', async () => {
    world().machine();
    await take('a');
    expect((await refused(remove('b'))).code).toBe('NO_SUCH_SNAPSHOT');
    await clone(world().host, 'demo', cloneBody({ name: 'copy', kind: 'linked', snapshot: 'a' }), quiet);
    expect(await refused(remove('a'))).toMatchObject({ code: 'HAS_CLONES', message: like(/copy/) });
    await deleteMachine(world().host, 'copy');
    // A clone that was deleted holds nothing.
    await remove('a');
    const engine = await world().start();
    engine.memory = 'asleep';
    await takeSnapshot(world().host, 'demo', takeBody({ label: 'm' }), quiet);
    await revertSnapshot(world().host, 'demo', 'm', revertBody({ start: false }), quiet);
    expect(await refused(remove('m'))).toMatchObject({ code: 'WRONG_STATE', next: like(/--discard-state/) });
  });

  it('does nothing when it is cancelled before it begins', async () => {
    await three(false);
    expect((await refused(remove('a', true, silentProgress(AbortSignal.abort())))).code).toBe('CANCELLED');
    expect(await labels()).toEqual(['a', 'b', 'c']);
  });

  it('leaves the merge to the next deletion when it is cancelled while layers are merged', async () => {
    const demo = await two();
    const cancel = new AbortController();
    const report = ({ stage }: ProgressReport) => {
      if (stage.startsWith('Merging') || stage.startsWith('Copying')) cancel.abort();
    };
    const { notes } = await remove('c', false, { signal: cancel.signal, report });
    expect(notes).toEqual([like(/has not been merged .* was cancelled/)]);
    expect([await labels(), engineNow()]).toMatchObject([['a'], { state: 'running', jobs: [] }]);
    expect(shown(demo.top())).toEqual([1, 2]);
    await remove('a');
    expect(demo.files().filter((name) => name.includes('qcow2'))).toHaveLength(1);
    expect(shown(demo.top())).toEqual([1, 2]);
  });

  it('leaves layers alone while one cannot be read, and says so', async () => {
    const demo = await three(false);
    writeFileSync(demo.file('disk0-000001.qcow2'), 'no disk');
    const { notes } = await remove('a');
    expect(notes).toEqual([like(/disk0-000001/)]);
    expect([await labels(), demo.files().includes('disk0.qcow2')]).toEqual([['b', 'c'], true]);
  });

  it('leaves a failed merge to the next deletion', async () => {
    const demo = await three(true);
    world().engines.troubles.refuse('block-commit', 'No space left on device');
    world().engines.troubles.refuse('block-stream', 'No space left on device');
    const { notes } = await remove('b');
    expect(notes).toEqual([like(/No space left/)]);
    expect([world().engines.of('demo').state, shown(demo.top())]).toEqual(['running', [1, 2, 3, 4]]);
    expect(demo.read('demo.vmsd')).toContain('needConsolidate = "TRUE"');
    world().engines.troubles.clear();
    await remove('c');
    expect(demo.read('demo.vmsd')).not.toContain('needConsolidate = "TRUE"');
    expect(demo.files().filter((name) => name.includes('qcow2'))).toHaveLength(2);
    expect(shown(demo.top())).toEqual([1, 2, 3, 4]);
  });

  it.each(['block-commit', 'job-complete', 'job-finalize', 'query-jobs', 'stop'])(
    'is done in the end when the engine refuses %s',
    async (command) => {
      const demo = await two();
      const refused = world().engines.troubles.refuse(command, 'Not this time');
      await remove('c').catch(() => undefined);
      expect(refused.met).toBe(command);
      for (const left of await labels()) await remove(left);
      const engine = world().engines.of('demo');
      expect([engine.state, engine.blocks.chainOf(drive)]).toEqual(['running', [demo.top()]]);
      expect(shown(demo.top())).toEqual([1, 2]);
      expect(demo.files().filter((name) => name.includes('qcow2'))).toHaveLength(1);
    },
  );

  it.each(['query-jobs', 'block-commit', 'job-complete', 'job-finalize', 'blockdev-del', 'cont'])(
    'is done in the end when the engine dies at %s',
    async (command) => {
      const demo = await two();
      const died = world().engines.troubles.die(command);
      await remove('c').catch(() => undefined);
      expect(died.met).toBe(command);
      await expect.poll(() => world().host.running.size).toBe(0);
      expect(shown(demo.top())).toEqual([1, 2]);
      for (const left of await labels()) await remove(left);
      expect(shown(demo.top())).toEqual([1, 2]);
      expect(demo.files().filter((name) => name.includes('qcow2'))).toHaveLength(1);
    },
  );
});
