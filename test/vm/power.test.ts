import { stat } from 'node:fs/promises';
import { expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import type { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';
import { bootOf, rebooted } from '../support/reboot.ts';
import { typeInGuest } from '../support/serial-console.ts';

const it = guestTest();

async function becomes(demo: Guest, state: string): Promise<boolean> {
  const look = async () => ((await demo.state()) === state ? true : undefined);
  return (await poll(look, { deadlineMs: 30_000 })) ?? false;
}

it('a restart keeps what the guest wrote; a reboot of the guest itself keeps the engine', async ({
  home,
  demo,
}) => {
  await demo.sh('echo kept >/root/note; sync');
  const boots = [await bootOf(demo)];
  expect(await home.json('restart', 'demo')).toMatchObject({ state: 'running' });
  expect(await demo.sh('cat /root/note')).toBe('kept\n');
  boots.push(await bootOf(demo));
  const { pid, timings } = await demo.details();
  await typeInGuest(demo, 'reboot');
  boots.push(await rebooted(demo, boots[1] ?? ''));
  expect(new Set(boots).size).toBe(3);
  expect(await demo.details()).toMatchObject({ pid, timings, agent: true });
});

it('a stop uses the power button when the agent is gone, and removes the run directory and lock', async ({
  home,
  demo,
}) => {
  // Stopped, not killed: nothing brings it back, so the button is what stops the guest.
  await typeInGuest(demo, 'kill -STOP $(pidof qemu-ga); echo frozen $((40 + 2))', 'frozen 42');
  const { code, stderr } = await home.kame(['stop', 'demo', '--timeout', '60']);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(await demo.details()).toMatchObject({ state: 'stopped', pid: null, sockets: null });
  expect(await home.engines()).toEqual([]);
  await expect(stat(demo.file('lock'))).rejects.toThrow('ENOENT');
  expect((await home.kame(['stop', 'demo'])).code).toBe(4);
  expect((await demo.exec('true')).code).toBe(4);
});

it('a hard stop loses nothing that was synced', async ({ home, demo }) => {
  await demo.sh('echo synced >/root/hard; sync');
  expect(await home.json('stop', 'demo', '--hard')).toMatchObject({ state: 'stopped' });
  await demo.start();
  expect(await demo.sh('cat /root/hard')).toBe('synced\n');
});

it('a killed engine is noticed, and can be started again', async ({ demo }) => {
  const { pid } = await demo.details();
  process.kill(pid ?? 0, 'SIGKILL');
  expect(await becomes(demo, 'stopped')).toBe(true);
  expect(await demo.start('--wait', 'boot')).toMatchObject({ state: 'running', waitedFor: 'boot' });
});

it('an engine that hangs is ended', async ({ home, demo }) => {
  const { pid } = await demo.details();
  process.kill(pid ?? 0, 'SIGSTOP');
  // A new daemon can't adopt what does not answer: it is unreachable until it answers, or is ended.
  await home.killDaemon();
  expect(await demo.details()).toMatchObject({ state: 'unreachable' });
  const soft = await home.kame(['stop', 'demo']);
  expect(soft.code).toBe(5);
  expect(soft.stderr).toContain('--hard');
  expect(await home.json('stop', 'demo', '--hard')).toMatchObject({ state: 'stopped' });
  expect(await home.engines()).toEqual([]);
});
