import { renameSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cloneBody, takeBody } from '../../../test/support/bodies.ts';
import { writeDisk } from '../../../test/support/disk-content.ts';
import { fingerprints } from '../../../test/support/foreign-bundle.ts';
import { importInPlace, shownIn, type InPlace } from '../../../test/support/in-place.ts';
import { refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import { clone } from '../clone/clone.ts';
import { stop } from '../power/stop.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { deleteSnapshot, listSnapshots, takeSnapshot } from '../snapshot/snapshots.ts';

// Layers over a disk in place, merged while the machine runs. Whatever happens, the original is not written.

const world = useWorld();
const drive = 'drive-nvme0-0';
let imported: InPlace;
const web = () => imported.web;
const engine = () => world().engines.of('web');
const take = async (label: string) =>
  await takeSnapshot(world().host, 'web', takeBody({ label, diskOnly: true }), quiet);
const remove = async (label: string) =>
  await deleteSnapshot(world().host, 'web', label, { children: false }, quiet);
const layers = () =>
  web()
    .files()
    .filter((name) => name.startsWith('disk0'));

/** Everything is merged: what is left is the disk on its map. */
const merged = ['disk0-original.map', 'disk0.qcow2'];

beforeEach(async () => {
  imported = await importInPlace(world());
});
afterEach(() => {
  if (!isDeepStrictEqual(fingerprints(imported.original), imported.before))
    throw new Error('The original was written.');
});

/** Starts the machine, with a snapshot before each of the writes. */
async function withSnapshots(...numbers: number[]): Promise<void> {
  await world().start('web');
  for (const number of numbers) {
    await take(`before ${number}`);
    writeDisk(web().top(), number, number);
  }
}

/** Deletes all snapshots that are left. */
async function removeAll(): Promise<void> {
  for (const { label } of await listSnapshots(world().host, 'web')) await remove(label);
}

describe('while a machine with a disk in place runs', () => {
  it('its layers are merged down to the disk', async () => {
    await withSnapshots(2, 3, 4);
    for (const number of [3, 2, 4]) {
      expect((await remove(`before ${number}`)).notes).toEqual([]);
      expect([await shownIn(web().top()), engine().blocks.chainOf(drive)[0]]).toEqual([
        '7 2 3 4',
        web().top(),
      ]);
      expect([engine().state, engine().blocks.writable]).toEqual(['running', [web().top()]]);
    }
    expect(layers()).toEqual(merged);
  });

  it('an instant clone shares its original, and both keep merging', async () => {
    await withSnapshots(2, 3, 4);
    await clone(world().host, 'web', cloneBody({ name: 'copy', kind: 'instant' }), quiet);
    const copy = new WorldMachine(world().home, 'copy');
    writeDisk(copy.top(), 5, 4);
    for (const number of [2, 3, 4]) await remove(`before ${number}`);
    expect([await shownIn(web().top()), await shownIn(copy.top())]).toEqual(['7 2 3 4', '7 2 3 5']);
    for (const name of ['web', 'copy']) {
      await stop(world().host, name, { hard: true, timeoutMs: 1000 }, quiet);
      await world().start(name);
    }
    expect([await shownIn(web().top()), await shownIn(copy.top())]).toEqual(['7 2 3 4', '7 2 3 5']);
  });

  it('its original can be away, as long as it is back for the next start', async () => {
    await withSnapshots(2, 3, 4);
    renameSync(imported.original, `${imported.original}.away`);
    expect(engine().state).toBe('running');
    expect((await refused(take('now'))).message).toMatch(/Virtual Disk\.vmdk does not exist/);
    expect((await refused(remove('before 3'))).message).toMatch(/Virtual Disk\.vmdk does not exist/);
    await stop(world().host, 'web', { hard: true, timeoutMs: 1000 }, quiet);
    expect(await refused(world().start('web'))).toMatchObject({ code: 'FILE_ACCESS' });
    renameSync(`${imported.original}.away`, imported.original);
    await world().start('web');
    await removeAll();
    expect([await shownIn(web().top()), layers()]).toEqual(['7 2 3 4', merged]);
  });
});

const commands = [
  ...['query-named-block-nodes', 'blockdev-reopen', 'block-commit', 'query-jobs'],
  ...['job-complete', 'job-finalize', 'job-dismiss', 'blockdev-del', 'cont'],
];

describe.each(commands)('a merge over a disk in place, at %s', (command) => {
  const finish = async () => {
    await removeAll();
    expect([await shownIn(web().top()), layers()]).toEqual(['7 2 3 0', merged]);
  };

  it('where the daemon is killed, is done by the next one', async () => {
    await withSnapshots(2, 3);
    await world().killDaemonAt(command, async () => await remove('before 3'));
    await adoptAll(world().host);
    expect(await shownIn(web().top())).toBe('7 2 3 0');
    expect([engine().state, engine().blocks.chainOf(drive)[0]]).toEqual(['running', web().top()]);
    await finish();
  });

  it('where the engine dies, is done in the end', async () => {
    await withSnapshots(2, 3);
    const died = world().engines.troubles.die(command);
    await remove('before 3').catch(() => undefined);
    expect(died.met).toBe(command);
    await expect.poll(() => world().host.running.size).toBe(0);
    expect(await shownIn(web().top())).toBe('7 2 3 0');
    await finish();
  });
});
