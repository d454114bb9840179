import { existsSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { useWorld } from '../../../test/support/world.ts';
import { capSerialLog, lastConsoleLines, maxSerialLogBytes } from '../engine/serial-log.ts';
import { createNetwork } from '../network/config.ts';
import { writeCompatFiles } from '../network/compat-files.ts';
import { startMaintenance } from './maintenance.ts';

const world = useWorld();
afterEach(() => vi.useRealTimers());

it('truncates the console log of a guest that writes endlessly', async () => {
  const demo = world().machine();
  await world().start();
  const log = demo.file('demo-serial.log');
  truncateSync(log, maxSerialLogBytes + 1);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const maintenance = startMaintenance(world().host);
  vi.advanceTimersByTime(15_000);
  vi.useRealTimers();
  await expect.poll(() => statSync(log).size).toBe(0);
  maintenance[Symbol.dispose]();
});

it('leaves alone a log that is small or missing', async () => {
  const demo = world().machine();
  await world().start();
  const { size } = statSync(demo.file('demo-serial.log'));
  await capSerialLog(demo.file('demo-serial.log'));
  await capSerialLog(demo.file('none.log'));
  expect(statSync(demo.file('demo-serial.log')).size).toBe(size);
});

it('shows the last lines of a console without terminal control sequences', async () => {
  const demo = world().machine();
  const engine = await world().start();
  engine.guest.print('one\r\n\u001b[2Jtwo\n\n');
  expect(await lastConsoleLines(demo.file('demo-serial.log'), 2)).toBe('one\n\uFFFD[2Jtwo');
  expect(await lastConsoleLines(demo.file('none.log'))).toBe('');
});

it('keeps the files about the networks right while no machine runs, without a timer of its own', async () => {
  const { host } = world();
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  using _maintenance = startMaintenance(host);
  // AutoProtect has one, of a minute.
  expect(vi.getTimerCount()).toBe(1);
  vi.useRealTimers();
  const { path } = await writeCompatFiles(host);
  rmSync(join(path, 'vmnet8'), { recursive: true });
  await createNetwork(host, { name: 'lab', type: 'hostonly' });
  await expect.poll(() => existsSync(join(path, 'lab/dhcpd/dhcpd.conf'))).toBe(true);
  await expect.poll(() => existsSync(join(path, 'vmnet8/dhcpd/dhcpd.conf'))).toBe(true);
});
