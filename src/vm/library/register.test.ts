import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { revertBody, takeBody } from '../../../test/support/bodies.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { writeJournal } from '../../store/journal.ts';
import { machineNames } from '../../store/names.ts';
import { list } from '../running/describe.ts';
import { revertSnapshot } from '../snapshot/revert.ts';
import { takeSnapshot } from '../snapshot/snapshots.ts';
import { register } from './register.ts';

const world = useWorld();
const deadLock = '{"pid":4194303,"birth":"1@none","purpose":"engine"}';

it('registering a machine that was moved after a kill finishes what the kill left', async () => {
  const demo = world().machine();
  const { host } = world();
  const before = readdirSync(demo.directory);
  await writeJournal(host.names, machineNames(demo.vmx), { kind: 'tidy', paused: false });
  writeFileSync(demo.file('lock'), deadLock);
  writeFileSync(demo.file('.demo.vmx.0123456789ab.tmp'), 'half');
  mkdirSync(demo.file('checkpoints/s-0badcafe'), { recursive: true });
  const moved = join(world().home, 'elsewhere', 'demo.vmwarevm');
  mkdirSync(join(world().home, 'elsewhere'));
  renameSync(demo.directory, moved);
  await register(host, { path: moved });
  expect((await list(host)).map(({ state }) => state)).toEqual(['stopped']);
  const left = readdirSync(moved).filter((name) => name !== 'checkpoints' && name !== 'demo.log');
  expect([left, readdirSync(host.names.operations)]).toEqual([before, []]);
  expect(readdirSync(moved)).toContain('checkpoints');
  expect(readdirSync(join(moved, 'checkpoints'))).toEqual([]);
});

it('a machine that was reverted to a snapshot of its former place is followed when it moves on', async () => {
  world().machine();
  const { host } = world();
  const places = ['machines', 'one', 'two'].map((name) => join(world().home, name, 'demo.vmwarevm'));
  for (const name of ['one', 'two']) mkdirSync(join(world().home, name));
  const [first, second, third] = places as [string, string, string];
  await register(host, { path: first });
  await takeSnapshot(host, 'demo', takeBody({ label: 'then' }), quiet);
  renameSync(first, second);
  await register(host, { path: second });
  await revertSnapshot(host, 'demo', 'then', revertBody(), quiet);
  renameSync(second, third);
  await register(host, { path: third });
  expect((await list(host)).map(({ name, path }) => [name, path])).toEqual([
    ['demo', join(third, 'demo.vmx')],
  ]);
});

it('registering a copy with the journal of its original does not follow it', async () => {
  const demo = world().machine();
  const { host } = world();
  const foreign = '{"kind":"tidy","paused":false,"nonce":"0123456789abcdef0123456789abcdef"}';
  const moved = join(world().home, 'elsewhere', 'demo.vmwarevm');
  mkdirSync(join(world().home, 'elsewhere'));
  renameSync(demo.directory, moved);
  writeFileSync(join(moved, 'operation.json'), foreign);
  await register(host, { path: moved });
  expect(readdirSync(moved)).toContain('operation.json');
});
