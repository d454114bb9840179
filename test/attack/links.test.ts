import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { takeSnapshot } from '../../src/vm/snapshot/snapshots.ts';
import { suspend } from '../../src/vm/power/suspend.ts';
import { adoptAll } from '../../src/vm/recovery/adopt.ts';
import { list } from '../../src/vm/running/describe.ts';
import { takeBody } from '../support/bodies.ts';
import { quiet, useWorld } from '../support/world.ts';
import type { WorldMachine } from '../support/world-machine.ts';

const world = useWorld();
let demo: WorldMachine;
let profile = '';
let photos = '';

beforeEach(() => {
  demo = world().machine();
  profile = join(world().home, 'profile');
  writeFileSync(profile, 'export A=1\n');
  photos = join(world().home, 'photos');
  for (const year of ['2024', '2025']) {
    mkdirSync(join(photos, year), { recursive: true });
    writeFileSync(join(photos, year, 'ram'), 'mine');
  }
});

/** What the attack was for: files of the user. */
function expectUnharmed(): void {
  expect(readFileSync(profile, 'utf8')).toBe('export A=1\n');
  expect(readdirSync(photos, { recursive: true }).map(String).sort()).toEqual([
    '2024',
    '2024/ram',
    '2025',
    '2025/ram',
  ]);
}

/** Everything that a person does with a machine; some of it may be refused. */
async function useMachine(): Promise<void> {
  const { host } = world();
  const refusals: unknown[] = [];
  const attempt = async (work: Promise<unknown>) =>
    await work.catch((error: unknown) => refusals.push(error));
  await attempt(takeSnapshot(host, 'demo', takeBody({ label: 'one' }), quiet));
  await attempt(world().start());
  await attempt(takeSnapshot(host, 'demo', takeBody({ label: 'two' }), quiet));
  await attempt(suspend(host, 'demo', quiet));
  await adoptAll(await world().replaceHost());
  for (const error of refusals) expect(error).toHaveProperty('code');
  expect((await list(world().host)).map(({ name }) => name)).toEqual(['demo']);
}

const plants: Readonly<Record<string, (path: string) => void>> = {
  'a link to a file': (path) => symlinkSync(profile, path),
  'a link to a directory': (path) => symlinkSync(photos, path),
  'a dangling link': (path) => symlinkSync(join(world().home, 'nothing', 'there'), path),
  'a named pipe': (path) => execFileSync('mkfifo', [path]),
};

describe.each(['demo.log', 'demo-serial.log', 'lock', 'operation.json', 'demo.vmsd', 'checkpoints'])(
  'in the place of %s',
  (name) => {
    it.each(Object.entries(plants))('%s is neither followed nor waited for', async (_what, plant) => {
      plant(demo.file(name));
      await useMachine();
      expectUnharmed();
      expect(existsSync(join(world().home, 'nothing'))).toBe(false);
    });
  },
);

describe('a directory in the place of a checkpoint', () => {
  it('keeps what is not part of a checkpoint', async () => {
    const file = demo.file('checkpoints', '7', 'letter.txt');
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, 'mine');
    await adoptAll(await world().replaceHost());
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});

describe('the RAM of guests on a memory file system', () => {
  beforeEach(() => rmSync(world().host.names.ram, { recursive: true, force: true }));

  it('is not looked for behind a link', async () => {
    symlinkSync(photos, world().host.names.ram);
    for (const year of ['2024', '2025']) writeFileSync(join(photos, `${year}.ram`), 'mine');
    await adoptAll(await world().replaceHost());
    await world().start();
    expect(readdirSync(photos).sort()).toEqual(['2024', '2024.ram', '2025', '2025.ram']);
  });

  // Only root can give a directory to another user.
  it.runIf(process.geteuid?.() === 0)('is not kept in the directory of another user', async () => {
    const { ram } = world().host.names;
    mkdirSync(ram, { mode: 0o700 });
    writeFileSync(join(ram, '01234567.ram'), 'theirs');
    chownSync(ram, 12345, 12345);
    await adoptAll(await world().replaceHost());
    await world().start();
    expect(readdirSync(ram)).toEqual(['01234567.ram']);
  });
});
