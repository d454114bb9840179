import { beforeEach, describe, expect, it } from 'vitest';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { findBundle } from '../host/find.ts';
import { pause } from '../power/pause.ts';
import { setAutoProtect } from './autoprotect.ts';
import { AutoProtectClock } from './autoprotect-clock.ts';
import { saveTime } from './autoprotect-run.ts';
import { deleteSnapshot, listSnapshots } from './snapshots.ts';

const world = useWorld();
const minute = 60_000;
let now = 0;
const clock = { monotonic: () => now, date: () => new Date(2026, 2, 1, 14, 5, 9) };

beforeEach(() => {
  now = 1_000_000;
});

/** A minute passes with a machine for which a snapshot every half an hour is due. */
async function tickWhenDue(): Promise<void> {
  await setAutoProtect(world().host, 'demo', { enabled: true, every: '30m', keep: 2 });
  await saveTime(await findBundle(world().host, 'demo'), 1800);
  const auto = new AutoProtectClock(world().host, clock);
  auto.account();
  now += minute;
  await auto.tick();
}

const taken = async () =>
  (await listSnapshots(world().host, 'demo')).map(({ memory, autoProtect }) => ({ memory, autoProtect }));

describe('AutoProtect of a machine that runs', () => {
  it('saves the memory too, and the guest keeps running', async () => {
    world().machine();
    const engine = await world().start();
    await tickWhenDue();
    expect([await taken(), engine.state]).toEqual([[{ memory: true, autoProtect: true }], 'running']);
  });

  it('saves only the disks where a device blocks a checkpoint, and the log says so', async () => {
    const demo = world().machine();
    world().engines.blockedReasons = ['blocked by 9p'];
    await world().start();
    await tickWhenDue();
    expect(await taken()).toEqual([{ memory: false, autoProtect: true }]);
    expect(demo.read('demo.log')).toContain('9p');
  });

  it('leaves a paused guest alone', async () => {
    world().machine();
    await world().start();
    await pause(world().host, 'demo', quiet);
    await tickWhenDue();
    expect(await taken()).toEqual([]);
  });

  it('tries again after a failure, and its snapshots can be deleted like any other', async () => {
    world().machine();
    const engine = await world().start();
    world().engines.troubles.refuse('transaction', 'Not this time');
    await tickWhenDue();
    expect([await taken(), engine.state]).toEqual([[], 'running']);
    await tickWhenDue();
    const [snapshot] = await listSnapshots(world().host, 'demo');
    await deleteSnapshot(world().host, 'demo', snapshot?.label ?? '', { children: false }, quiet);
    expect(engine.blocks.chainOf('drive-nvme0-0')).toHaveLength(1);
  });
});
