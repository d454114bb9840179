import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { listImages } from '../../src/vm/library/images.ts';
import { register } from '../../src/vm/library/register.ts';
import { adoptAll } from '../../src/vm/recovery/adopt.ts';
import { list, show } from '../../src/vm/running/describe.ts';
import { codeOf, refused } from '../support/refused.ts';
import { canBeAnother, secondUser, withRightsOfSecondUser } from '../support/second-user.ts';
import { useWorld } from '../support/world.ts';

/** Root reads everything, so the daemon is another user here, and root has taken something away from it. */
describe.runIf(canBeAnother)('what belongs to root', () => {
  const world = useWorld();

  beforeEach(async () => {
    const { host, home } = world();
    world().machine('inside');
    const moved = world().machine('outside');
    mkdirSync(join(home, 'elsewhere'));
    renameSync(moved.directory, join(home, 'elsewhere', 'outside.vmwarevm'));
    await register(host, { path: join(home, 'elsewhere', 'outside.vmwarevm') });
    mkdirSync(host.names.images);
  });

  /** All of the home is the second user's, except one path. */
  function takeAway(path: string): void {
    execFileSync('chown', ['-R', `${secondUser.uid}:${secondUser.gid}`, world().home]);
    chownSync(path, 0, 0);
    chmodSync(path, 0o000);
  }

  const rows = async () =>
    (await withRightsOfSecondUser(async () => await list(world().host))).map(({ name, state }) => [
      name,
      state,
    ]);

  it('as the directory of machines is one row of the list, beside the machines elsewhere', async () => {
    const { machines } = world().host.names;
    takeAway(machines);
    expect(await rows()).toEqual([
      ['outside', 'stopped'],
      [machines, 'broken'],
    ]);
    const found = await withRightsOfSecondUser(async () => await show(world().host, 'outside'));
    expect(found.name).toBe('outside');
    const missing = await withRightsOfSecondUser(async () => await refused(show(world().host, 'inside')));
    expect(missing).toMatchObject({
      code: 'FILE_ACCESS',
      message: expect.stringContaining(machines) as string,
    });
    // No verb takes the row for a machine.
    expect(await withRightsOfSecondUser(async () => await codeOf(show(world().host, machines)))).toBe(
      'FILE_ACCESS',
    );
  });

  it('as the inventory is one row of the list, beside the machines in the home', async () => {
    takeAway(world().host.names.inventory);
    expect(await rows()).toEqual([
      ['inside', 'stopped'],
      [world().host.names.inventory, 'broken'],
    ]);
  });

  it('does not make the next daemon take what runs for garbage', async () => {
    await world().start('inside');
    const { host } = world();
    const kept = () => [readdirSync(host.names.run), readdirSync(host.names.ram)];
    const before = kept();
    takeAway(host.names.machines);
    await host.running.detachAll();
    await withRightsOfSecondUser(async () => await adoptAll(host));
    expect([kept(), world().engines.of('inside').alive]).toEqual([before, true]);
  });

  it('as the cache of images leaves the catalogue, and says why nobody knows what is cached', async () => {
    const { images } = world().host.names;
    takeAway(images);
    const listed = await withRightsOfSecondUser(async () => await listImages(world().host));
    expect(listed.length).toBeGreaterThan(1);
    expect(listed.every(({ problem }) => problem?.includes(images))).toBe(true);
  });

  it('as the description of an image does not make the image garbage', async () => {
    const { images } = world().host.names;
    const name = (extension: string) => join(images, `${'a'.repeat(64)}.${extension}`);
    for (const extension of ['img', 'json']) writeFileSync(name(extension), '{}');
    takeAway(name('json'));
    await withRightsOfSecondUser(async () => await world().host.images.collectGarbage());
    expect(readdirSync(images)).toHaveLength(2);
  });
});
