import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { body } from '../../../test/support/body.ts';
import { at, useLayers } from '../../../test/support/disk-layers.ts';
import { diskMachine, type DiskMachine } from '../../../test/support/disk-machine.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { machineNames } from '../../store/names.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import type { SnapshotTree } from '../../vmx/snapshots.ts';
import { clone } from '../clone/clone.ts';
import { findBundle } from '../host/find.ts';
import type { Running } from '../host/running.ts';
import { AutoProtectClock, startAutoProtect, tickMs } from './autoprotect-clock.ts';
import { deleteExpired, labelFor, saveTime, takeDue } from './autoprotect-run.ts';
import { autoProtectOf, setAutoProtect } from './autoprotect.ts';
import { editSnapshot, listSnapshots, takeSnapshot } from './snapshots.ts';

useLayers();

const quiet = silentProgress();
const minute = 60_000;
let demo: DiskMachine;
let now = 0;
const clock = { monotonic: () => now, date: () => new Date(2026, 2, 1, 14, 5, 9) };

beforeEach(() => {
  demo = diskMachine(at('home'));
  now = 1_000_000;
});

const names = () => machineNames(demo.vmx);
const tree = async (): Promise<SnapshotTree> => (await readSnapshotFile(names())).tree;
const clocks = async () => (await tree()).rollingTiers.map(({ timeSinceLast }) => timeSinceLast);
const labels = async () => (await listSnapshots(demo.host, 'demo')).map(({ label }) => label);
const set = async (body: Parameters<typeof setAutoProtect>[2]) =>
  await setAutoProtect(demo.host, 'demo', body);
const log = () => readFileSync(names().log, 'utf8');

/** A machine that runs as far as the clock can see; each use of its engine fails. */
function run(state: 'running' | 'paused' = 'running'): { state: Running['state'] } {
  const machine = { names: names(), name: 'demo', state } as unknown as Running;
  demo.host.running.add(machine);
  return machine;
}

function end(machine: { state: Running['state'] }): void {
  demo.host.running.remove(machine as Running);
}

describe('settings', () => {
  it('are off at first, and what is not given stays as it is', async () => {
    expect(await autoProtectOf(demo.host, 'demo')).toEqual({
      enabled: false,
      every: '1d',
      keep: 3,
      snapshots: 0,
      nextInMs: null,
    });
    expect(await set({ enabled: false })).toMatchObject({ enabled: false });
    expect(existsSync(names().snapshots)).toBe(false);
    expect(await set({ enabled: true })).toMatchObject({ every: '1d', keep: 3, nextInMs: 86_400_000 });
    expect(await set({ enabled: true, every: '30m' })).toMatchObject({ every: '30m', keep: 3 });
    expect(await set({ enabled: true, keep: 10 })).toMatchObject({
      every: '30m',
      keep: 10,
      nextInMs: 30 * minute,
    });
    expect(await autoProtectOf(demo.host, 'demo')).toMatchObject({ enabled: true, every: '30m', keep: 10 });
    expect(await set({ enabled: false })).toMatchObject({ enabled: false, nextInMs: null });
  });

  it('are not inherited by a clone', async () => {
    await set({ enabled: true, every: '1h' });
    for (const kind of ['linked', 'full'] as const) {
      await clone(demo.host, 'demo', body('machines.clone', { name: kind, kind }), quiet);
      expect(await autoProtectOf(demo.host, kind)).toMatchObject({ enabled: false, snapshots: 0 });
    }
    expect(await autoProtectOf(demo.host, 'demo')).toMatchObject({ enabled: true, every: '1h' });
  });

  it('with an interval of VMware’s own are shown as the nearest choice', async () => {
    await set({ enabled: true });
    const text = readFileSync(names().snapshots, 'utf8');
    writeFileSync(names().snapshots, text.replace('"86400"', '"7200"'));
    expect(await autoProtectOf(demo.host, 'demo')).toMatchObject({ every: '1h', nextInMs: 7_200_000 });
  });

  it('can’t be changed while the machine is held', async () => {
    const about = { key: demo.vmx, machine: 'demo', verb: 'start' as const };
    await demo.host.operations.exclusive(about, async () => {
      await expect(set({ enabled: true })).rejects.toMatchObject({ code: 'BUSY' });
    });
  });
});

describe('the clock', () => {
  it('counts only the time that the machine runs, and writes it seldom', async () => {
    await set({ enabled: true, every: '1h' });
    const auto = new AutoProtectClock(demo.host, clock);
    const machine = run();
    auto.account();
    for (let minutes = 1; minutes <= 4; minutes += 1) {
      now += minute;
      await auto.tick();
    }
    expect([await clocks(), auto.unsavedMs(demo.vmx)]).toEqual([[0, 0], 4 * minute]);
    // Paused in the middle of a minute: half of it counts.
    now += minute / 2;
    machine.state = 'paused';
    auto.account();
    now += minute / 2;
    await auto.tick();
    now += minute;
    await auto.tick();
    expect(auto.unsavedMs(demo.vmx)).toBe(4.5 * minute);
    machine.state = 'running';
    auto.account();
    now += minute;
    await auto.tick();
    expect([await clocks(), auto.unsavedMs(demo.vmx)]).toEqual([[330, 330], 0]);
  });

  it('does not count the sleep of the host', async () => {
    await set({ enabled: true, every: '1h' });
    const auto = new AutoProtectClock(demo.host, clock);
    run();
    auto.account();
    now += 8 * 60 * minute;
    await auto.tick();
    expect(auto.unsavedMs(demo.vmx)).toBeLessThanOrEqual(2 * tickMs);
  });

  it('writes the rest when the machine has ended, and forgets it', async () => {
    await set({ enabled: true, every: '1h' });
    const auto = new AutoProtectClock(demo.host, clock);
    const machine = run();
    auto.account();
    now += 90_500;
    auto.account();
    end(machine);
    now += minute;
    await auto.tick();
    // What ran until the end was last seen is counted too.
    expect(await clocks()).toEqual([150, 150]);
    expect(auto.unsavedMs(demo.vmx)).toBe(0);
  });

  it('counts nothing for a machine without AutoProtect, and makes no file', async () => {
    const auto = new AutoProtectClock(demo.host, clock);
    run();
    auto.account();
    now += minute;
    await auto.tick();
    expect([auto.unsavedMs(demo.vmx), existsSync(names().snapshots)]).toEqual([0, false]);
  });

  it('waits for its turn while another operation holds the machine', async () => {
    await set({ enabled: true, every: '30m' });
    await saveTime(await findBundle(demo.host, 'demo'), 1800);
    const auto = new AutoProtectClock(demo.host, clock);
    run();
    auto.account();
    now += minute;
    const about = { key: demo.vmx, machine: 'demo', verb: 'clone' as const };
    await demo.host.operations.exclusive(about, async () => await auto.tick());
    expect([await clocks(), auto.unsavedMs(demo.vmx), log().includes('failed')]).toEqual([
      [1800, 1800, 1800],
      minute,
      false,
    ]);
  });

  it('reports a failure in the log and as an event, and retries at growing intervals', async () => {
    await set({ enabled: true, every: '30m' });
    await saveTime(await findBundle(demo.host, 'demo'), 1800);
    const events: string[] = [];
    using _listener = demo.host.events.listen(({ message }) => void events.push(message));
    const auto = new AutoProtectClock(demo.host, clock);
    run();
    auto.account();
    const failures = () => log().split('AutoProtect: failed').length - 1;
    const seen: number[] = [];
    for (let minutes = 1; minutes <= 16; minutes += 1) {
      now += minute;
      await auto.tick();
      seen.push(failures());
    }
    expect(seen).toEqual([1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]);
    expect(events.filter((message) => message.startsWith('AutoProtect of demo: failed'))).toHaveLength(5);
    // The time is written all the same.
    expect((await clocks())[0]).toBeGreaterThanOrEqual(1800 + 11 * 60);
  });

  it('is shown with what is not written yet, as long as the machine runs', async () => {
    using _running = startAutoProtect(demo.host, clock);
    await set({ enabled: true, every: '1h' });
    run();
    const event = {
      type: 'machine.state',
      machine: 'demo',
      id: null,
      state: 'running',
      message: '',
    } as const;
    demo.host.events.emit(event);
    now += minute;
    expect(await autoProtectOf(demo.host, 'demo')).toMatchObject({ nextInMs: 59 * minute });
  });
});

describe('snapshots', () => {
  /** As if the machine had run for so long: what is due is taken, what is too much goes. */
  const pass = async (seconds: number) => {
    await saveTime(await findBundle(demo.host, 'demo'), seconds);
    await takeDue(demo.host, await findBundle(demo.host, 'demo'), clock.date(), quiet);
    await deleteExpired(demo.host, await findBundle(demo.host, 'demo'), quiet);
  };
  const label = 'AutoProtect Snapshot 2026-03-01 14:05:09';

  it('are taken when due, with unique labels, and the oldest is deleted', async () => {
    await set({ enabled: true, every: '1d', keep: 2 });
    await pass(86_399);
    expect(await labels()).toEqual([]);
    await pass(1);
    await pass(0);
    expect([await labels(), await clocks()]).toEqual([[label], [0]]);
    await pass(86_400);
    await pass(86_400);
    expect(await labels()).toEqual([`${label} (2)`, `${label} (3)`]);
    expect(
      (await listSnapshots(demo.host, 'demo')).map(({ uid, autoProtect }) => [uid, autoProtect]),
    ).toEqual([
      [2, true],
      [3, true],
    ]);
    expect(await autoProtectOf(demo.host, 'demo')).toMatchObject({ snapshots: 2, nextInMs: 86_400_000 });
    expect(log()).toContain(`${label} was taken`);
    expect(log()).toContain(`${label} was deleted`);
  });

  it('serve several tiers at once', async () => {
    await set({ enabled: true, every: '30m', keep: 10 });
    await pass(1800);
    expect(await clocks()).toEqual([0, 1800, 1800]);
    await pass(1800);
    expect([await clocks(), (await tree()).snapshots.map(({ tiers }) => tiers)]).toEqual([
      [0, 0, 3600],
      [[1], [1, 2]],
    ]);
  });

  it('that a person took or named, or that a clone is based on, are never removed', async () => {
    await set({ enabled: true, every: '1d', keep: 1 });
    await takeSnapshot(demo.host, 'demo', body('snapshots.take', { label: 'mine' }), quiet);
    await pass(86_400);
    await editSnapshot(demo.host, 'demo', label, { label: 'kept' });
    await pass(86_400);
    await clone(
      demo.host,
      'demo',
      body('machines.clone', { name: 'copy', kind: 'linked', snapshot: label }),
      quiet,
    );
    await pass(86_400);
    await pass(86_400);
    expect(await labels()).toEqual(['mine', 'kept', label, `${label} (3)`]);
    const left = await tree();
    expect(left.snapshots.filter(({ tiers }) => tiers.length > 0)).toHaveLength(2);
    expect(left.snapshots.find(({ displayName }) => displayName === label)?.clones).toHaveLength(1);
  });

  it('all stay when AutoProtect is switched off', async () => {
    await set({ enabled: true, every: '1d', keep: 2 });
    await pass(86_400);
    await pass(86_400);
    await set({ enabled: false });
    await pass(86_400);
    expect(await labels()).toHaveLength(2);
  });

  it('are numbered where the label is taken', () => {
    const snapshots = [label, `${label} (2)`].map((displayName) => ({ displayName }));
    const taken = { snapshots } as unknown as SnapshotTree;
    expect(labelFor(taken, clock.date())).toBe(`${label} (3)`);
  });

  it('that cannot be taken leave the clock as it is', async () => {
    await set({ enabled: true, every: '1d' });
    const found = await readSnapshotFile(names());
    await writeSnapshotTree(names(), found, {
      ...found.tree,
      rollingTiers: found.tree.rollingTiers.map((tier) => ({ ...tier, timeSinceLast: 90_000 })),
    });
    writeFileSync(demo.file('disk0.qcow2'), 'no disk');
    const error: unknown = await pass(0).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KameError);
    expect([await labels(), await clocks()]).toEqual([[], [90_000]]);
  });
});
