import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { silentProgress } from '../../src/core/progress.ts';
import { AutoProtectClock } from '../../src/vm/snapshot/autoprotect-clock.ts';
import { setAutoProtect } from '../../src/vm/snapshot/autoprotect.ts';
import { revertSnapshot } from '../../src/vm/snapshot/revert.ts';
import { listSnapshots } from '../../src/vm/snapshot/snapshots.ts';
import { checkDisks } from '../../src/vm/disk/check.ts';
import { runningMachine } from '../../src/vm/host/state.ts';
import { pause, unpause } from '../../src/vm/power/pause.ts';
import { start } from '../../src/vm/power/start.ts';
import { stop } from '../../src/vm/power/stop.ts';
import { hostOf } from '../support/disk-machine.ts';
import { execCapture } from '../support/exec-capture.ts';
import { tinyGuest } from '../support/guest-test.ts';
import { homeTest as it } from '../support/home-test.ts';
import { layOut } from '../support/template.ts';
import type { Host } from '../../src/vm/host/host.ts';
import { body } from '../support/body.ts';

// The use cases themselves on a real guest, with a clock of the test's own: no daemon, and nothing waits for real time.
const quiet = silentProgress();
const minute = 60_000;

async function sh(host: Host, line: string): Promise<string> {
  const { agent } = (await runningMachine(host, 'demo')).channels;
  const done = await execCapture(agent, { path: '/bin/sh', args: ['-c', line] });
  return done.stdout.toString('utf8');
}

it('a running machine gets snapshots with memory when they are due, and the oldest is deleted while it runs', async ({
  home,
  makeHome,
}) => {
  await layOut(tinyGuest, home, makeHome);
  const host = hostOf(
    home.path,
    async () => await Promise.reject(new Error('Nothing here builds an image.')),
  );
  await start(host, 'demo', body('machines.start', {}), quiet);
  let now = 0;
  const clock = { monotonic: () => now, date: () => new Date(2026, 2, 1, 14, 5, 9 + now / minute) };
  const auto = new AutoProtectClock(host, clock);
  await setAutoProtect(host, 'demo', { enabled: true, every: '30m', keep: 2 });
  const pass = async (minutes: number) => {
    for (let passed = 0; passed < minutes; passed += 1) {
      now += minute;
      await auto.tick();
    }
  };
  const list = async () =>
    (await listSnapshots(host, 'demo')).map(({ uid, memory, state, autoProtect }) => {
      return [uid, memory, state, autoProtect];
    });

  auto.account();
  await pass(29);
  expect(await list()).toEqual([]);
  await sh(host, 'echo first > /dev/shm/mark');
  // While it is paused, its clock is too.
  await pause(host, 'demo', quiet);
  await pass(40);
  await unpause(host, 'demo', quiet);
  auto.account();
  expect(await list()).toEqual([]);
  await pass(1);
  expect(await list()).toEqual([[1, true, 'running', true]]);
  await sh(host, 'echo second > /dev/shm/mark');
  await pass(60);
  // The half-hourly and the hourly one are held; the first is gone, while the guest ran.
  expect(await list()).toEqual([
    [2, true, 'running', true],
    [3, true, 'running', true],
  ]);
  expect((await checkDisks(host, 'demo', null, { repair: false }, quiet)).ok).toBe(true);
  await sh(host, 'echo third > /dev/shm/mark');

  const [oldest] = await listSnapshots(host, 'demo');
  await revertSnapshot(host, 'demo', `#${oldest?.uid ?? 0}`, body('snapshots.revert', {}), quiet);
  expect(await sh(host, 'cat /dev/shm/mark')).toBe('second\n');
  expect(await readFile((await runningMachine(host, 'demo')).names.log, 'utf8')).not.toContain('failed');

  await stop(host, 'demo', body('machines.stop', { hard: true }), quiet);
  const checked = await checkDisks(host, 'demo', null, { repair: false }, quiet);
  expect(checked.layers.map(({ message }) => message)).toEqual(checked.layers.map(() => 'clean'));
});
