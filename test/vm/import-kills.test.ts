import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import type { KameClient } from '../../src/client/node/client.ts';
import { FileEvents } from '../faults/moment.ts';
import { writeDisk } from '../support/disk-content.ts';
import { engineTest as it } from '../support/engine-test.ts';
import { Guest } from '../support/guest.ts';
import { waitForExit, type TestHome } from '../support/home.ts';
import { shownIn } from '../support/in-place.ts';
import { qemuImg } from '../support/qemu-img.ts';

/** All files below a directory, each with its hash. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(
    files.sort().map(async (path) => {
      return `${path} ${createHash('sha256')
        .update(await readFile(path))
        .digest('hex')}`;
    }),
  );
}

/** Has the daemon do something, and kills it at that change of files. @returns whether it was killed before it was done */
async function isKilledAt(
  home: TestHome,
  at: number,
  work: (client: KameClient) => Promise<unknown>,
  directories: readonly string[],
): Promise<boolean> {
  const pid = await home.daemonPid();
  let isStruck = false;
  using _watch = new FileEvents(directories, (count) => {
    if (isStruck || count < at || pid === undefined) return;
    isStruck = true;
    process.kill(pid, 'SIGKILL');
  });
  const isDone = await work(home.client()).then(
    () => true,
    () => false,
  );
  if (isStruck && pid !== undefined) await waitForExit(pid);
  expect(isDone || isStruck).toBe(true);
  return isStruck;
}

/**
 * Does the same again and again, killed at a later change of files each time, until it is done before that.
 * @param check what must hold once the next daemon runs
 * @param directories whose changes count, with those of what is made in them
 * @returns how often it was killed
 */
async function sweep(
  home: TestHome,
  work: (client: KameClient, at: number) => Promise<unknown>,
  check: (client: KameClient) => Promise<void>,
  directories = [join(home.path, 'machines'), join(home.path, 'out')],
): Promise<number> {
  for (let at = 1; ; at += 2) {
    await home.json('daemon', 'start');
    await check(home.client());
    if (!(await isKilledAt(home, at, async (client) => await work(client, at), directories)))
      return (at - 1) / 2;
  }
}

const unfinished = /^\..+\.(?:creating|placing|placed|deleting|tmp)$/;
const unfinishedIn = async (directory: string) =>
  (await readdir(directory)).filter((name) => unfinished.test(name));

/** Imports a file or a bundle, killed at every other change of files. */
async function importsAreWhole(home: TestHome, path: string): Promise<void> {
  const before = await filesIn(dirname(path));
  const kills = await sweep(
    home,
    async (client, at) => await client.machines.import({ path, name: `web${at}` }),
    async (client) => {
      expect(await unfinishedIn(join(home.path, 'machines'))).toEqual([]);
      const states = (await client.machines.list()).map(({ state }) => state);
      expect(new Set(states)).toEqual(new Set(['stopped']));
    },
  );
  expect(kills).toBeGreaterThan(1);
  expect(await filesIn(dirname(path))).toEqual(before);
}

describe('killed while it changes files,', () => {
  it.for(['ova', 'vmwarevm'])(
    'the import of a %s leaves a whole machine or nothing, and the original as it was',
    async (kind, { home, demo }) => {
      const old = join(home.path, 'old');
      await mkdir(old);
      const path = join(old, `web.${kind}`);
      await home.json('export', demo.name, path);
      await importsAreWhole(home, path);
    },
  );

  it.for(['vmdk', 'vhdx', 'vdi'])(
    'the import of a disk as %s leaves a whole machine or nothing, and the disk as it was',
    async (format, { home, demo }) => {
      const old = join(home.path, 'old');
      await mkdir(old);
      const path = join(old, `web.${format}`);
      qemuImg('convert', '-f', 'qcow2', '-O', format, await demo.top(), path);
      await importsAreWhole(home, path);
    },
  );

  it('a merge of layers over a disk in place loses nothing, and writes nothing below them', async ({
    home,
    demo,
  }) => {
    const old = join(home.path, 'old', 'web.vmwarevm');
    await mkdir(join(old, '..'));
    await home.json('export', demo.name, old);
    const before = await filesIn(old);
    await home.json('import', old, 'web', '--in-place');
    const web = new Guest(home, 'web');
    let written = 0;
    const kills = await sweep(
      home,
      async (client) => await client.snapshots.delete('web', 'a'),
      async (client) => {
        // What was killed is done now, or can be done again.
        for (const { label } of await client.snapshots.list('web'))
          await client.snapshots.delete('web', label);
        expect(await web.layers()).toEqual(['disk0.qcow2']);
        if (written > 0)
          expect((await shownIn(await web.top())).startsWith(`${written} ${written} `)).toBe(true);
        written += 1;
        writeDisk(await web.top(), written, 1);
        await client.snapshots.take('web', { label: 'a' });
        writeDisk(await web.top(), written, 2);
      },
      [web.directory],
    );
    expect(kills).toBeGreaterThan(1);
    expect(await filesIn(old)).toEqual(before);
  });

  it.for(['ovf', 'vmwarevm'])(
    'an export as %s leaves all of its files or none, and what was there',
    async (kind, { home, demo }) => {
      const out = join(home.path, 'out');
      await mkdir(out);
      await writeFile(join(out, 'mine'), 'mine');
      const source = await filesIn(demo.directory);
      const kills = await sweep(
        home,
        async (client, at) =>
          await client.machines.export(demo.name, { path: join(out, `web${at}.${kind}`) }),
        async () => {
          expect(await unfinishedIn(out)).toEqual([]);
          const names = await readdir(out);
          expect(names).toContain('mine');
          for (const name of names.filter((each) => each.endsWith('.vmdk')))
            expect(names).toContain(name.replace(/-disk\d+\.vmdk$/, '.ovf'));
        },
      );
      expect(kills).toBeGreaterThan(1);
      expect(await filesIn(demo.directory)).toEqual(source);
    },
  );
});
