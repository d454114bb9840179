import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { revertSnapshot } from '../../src/vm/snapshot/revert.ts';
import { takeSnapshot } from '../../src/vm/snapshot/snapshots.ts';
import { revertBody, takeBody } from '../support/bodies.ts';
import { like, refused } from '../support/refused.ts';
import type { WorldMachine } from '../support/world-machine.ts';
import { quiet, useWorld } from '../support/world.ts';

/** A snapshot has a configuration and EFI variables of its own, which nobody looks at when a machine is registered. */

const world = useWorld();
let demo: WorldMachine;
let secret = '';
const revert = async () => await revertSnapshot(world().host, 'demo', 'old', revertBody(), quiet);

beforeEach(async () => {
  demo = world().machine('demo', ['kame.boot.kernel = ""', 'nvram = "demo.nvram"']);
  secret = join(world().home, 'secret');
  writeFileSync(secret, 'mine');
  writeFileSync(demo.file('demo.nvram'), 'variables');
  await takeSnapshot(world().host, 'demo', takeBody({ label: 'old' }), quiet);
});

describe('a revert to a snapshot that somebody sent', () => {
  it.each([
    ['an absolute path', () => secret],
    ['a path out of the bundle', () => '../../secret'],
  ])('writes no EFI variables to %s', async (_what, named) => {
    const config = 'checkpoints/1/machine.vmx';
    const text = demo.read(config).replace('nvram = "demo.nvram"', `nvram = "${named()}"`);
    writeFileSync(demo.file(config), text);
    writeFileSync(demo.file('checkpoints/1/nvram'), 'theirs');
    const before = await world().look(demo);
    expect(await refused(revert())).toMatchObject({ code: 'OUTSIDE_FILES', message: like(/secret/) });
    expect([readFileSync(secret, 'utf8'), await world().look(demo)]).toEqual(['mine', before]);
  });

  it.each([
    ['a link to a file of the user', () => symlinkSync(secret, demo.file('checkpoints/1/nvram'))],
    ['a dangling link', () => symlinkSync(join(world().home, 'no'), demo.file('checkpoints/1/nvram'))],
    ['a named pipe', () => execFileSync('mkfifo', [demo.file('checkpoints/1/nvram')])],
  ])('gives the guest nothing through %s', async (_what, plant) => {
    rmSync(demo.file('checkpoints/1/nvram'));
    plant();
    const before = await world().look(demo);
    expect((await refused(revert())).code).toBe('FILE_ACCESS');
    expect([demo.read('demo.nvram'), await world().look(demo)]).toEqual(['variables', before]);
  });
});
