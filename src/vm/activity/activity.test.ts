import { expect, it } from 'vitest';
import type { ActivitySample } from '../../api/activity.ts';
import { useWorld } from '../../../test/support/world.ts';
import { Activity } from './activity.ts';

const world = useWorld();

it('samples the engines that run, while somebody listens, and remembers for the next listener', async () => {
  world().machine();
  const engine = await world().start();
  using activity = new Activity(world().host, 5);
  const seen: ActivitySample[] = [];
  const listening = activity.listen((sample) => seen.push(sample));
  await expect.poll(() => seen.length).toBeGreaterThan(1);
  const [demo] = seen.at(-1)?.machines ?? [];
  expect(demo).toMatchObject({ name: 'demo', configuredBytes: 64 * 1024 * 1024 });
  expect(demo?.residentBytes).toBeGreaterThan(0);
  expect(seen[0]?.host.cpuCount).toBeGreaterThan(0);

  engine.guest.onPowerOff();
  await expect.poll(() => seen.at(-1)?.machines).toEqual([]);
  listening[Symbol.dispose]();
  const atEnd = seen.length;
  const later: ActivitySample[] = [];
  using _next = activity.listen((sample) => later.push(sample));
  expect(later[0]).toEqual(seen[0]);
  await expect.poll(() => later.length).toBeGreaterThan(1);
  expect(seen).toHaveLength(atEnd);
});

it('goes on when a listener fails', async () => {
  using activity = new Activity(world().host, 5);
  using _bad = activity.listen(() => {
    throw new Error('no');
  });
  const seen: ActivitySample[] = [];
  using _good = activity.listen((sample) => seen.push(sample));
  await expect.poll(() => seen.length).toBeGreaterThan(1);
});
