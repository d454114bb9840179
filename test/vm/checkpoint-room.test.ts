import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ClonedMachines, DeletedSnapshots } from '../../src/api/checkpoint.ts';
import { poll } from '../../src/core/deadline.ts';
import { atFileEvent } from '../support/file-event.ts';
import { prepareWriter } from '../support/fill-disk.ts';
import type { Guest } from '../support/guest.ts';
import { become, look } from '../support/marks.ts';
import { refusal } from '../support/refusal.ts';
import { emptyContent, expectSeen, writeBlocks, type Content } from '../support/scratch.ts';
import { inNamespace, smallDiskTest, waysToMount, type SmallDisk } from '../support/small-disk.ts';
import { layOut, type Recipe } from '../support/template.ts';

const way = await waysToMount();

describe.runIf(way === 'namespace')('checkpoints with little free space', () => {
  it('are tested by this very file, in a user namespace where it may mount', async () => {
    const { exitCode, all } = await inNamespace('test/vm/checkpoint-room.test.ts', 'a full disk');
    expect(exitCode, all).toBe(0);
    expect(all).toContain('5 passed');
  });
});

const needs =
  way === 'none' ? ' (needs a small file system: root or user namespaces, neither is to be had here)' : '';

const mebibyte = 1024 ** 2;
const content: Content = emptyContent.with(1, 0x33);

/** A guest with a snapshot of its disks, and with memory that takes some room. */
const recipe: Recipe = {
  name: 'room',
  create: ['--memory', '192MiB', '--cpus', '1'],
  prepare: async (full) => {
    await full.sh('head -c 30000000 /dev/urandom >/dev/shm/large');
    await become(full, 'full');
    await writeBlocks(full, new Map([[1, 0x33]]));
    await full.take('a', '--disk-only');
  },
};

// Room for the memory of the guest twice, even if all of it is in use.
const small = smallDiskTest('640m').extend<{ full: { disk: SmallDisk; demo: Guest } }>({
  full: async ({ small: { disk, home }, makeHome }, use) => {
    const demo = await layOut(recipe, home, makeHome);
    await demo.start();
    await use({ disk, demo });
  },
});

async function files(demo: Guest): Promise<Record<string, string[]>> {
  return {
    bundle: (await readdir(demo.directory)).filter((name) => !name.endsWith('.log')).toSorted(),
    checkpoints: await readdir(demo.file('checkpoints')),
    machines: await readdir(join(demo.home.path, 'machines')),
    snapshots: await demo.tree(),
  };
}

/** The guest runs, unless it wrote something while the disk was full: then it was paused for that, and for nothing else. */
async function goesOn(demo: Guest): Promise<void> {
  if ((await demo.state()) === 'paused') {
    const messages = (await demo.details()).problems.map(({ message }) => message);
    expect(messages).toContainEqual(expect.stringContaining('disk is full'));
    await demo.unpause();
  }
  expect(await demo.state()).toBe('running');
}

describe.runIf(way === 'root')(`a full disk${needs}`, () => {
  small(
    'is reported with the bytes needed before a snapshot, a suspend or a clone; then it works',
    async ({ full: { disk, demo } }) => {
      const { home } = demo;
      const before = { marks: await demo.sh(look), ...(await files(demo)) };
      const free = await disk.leave(20 * mebibyte);
      for (const args of [
        ['snapshot', 'take', 'demo', 'b'],
        ['suspend', 'demo'],
        ['clone', 'demo', 'copy', '--full', '--snapshot', 'a'],
      ]) {
        const result = await home.kame(args);
        expect({ args, ...result }).toEqual({
          args,
          ...refusal(1, /needs \d{8,9} bytes \([\d.]+ MiB\), but its disk has/),
        });
        expect(await demo.state()).toBe('running');
      }
      expect({ marks: await demo.sh(look), ...(await files(demo)) }).toEqual(before);
      await free();
      await demo.take('b');
      await demo.suspend();
      await demo.start();
      expect(await demo.sh(look)).toBe(before.marks);
    },
  );

  small.for([
    ['a snapshot', ['snapshot', 'take', 'demo', 'c']],
    ['a suspend', ['suspend', 'demo']],
  ] as const)('in the middle of %s destroys nothing', async ([, args], { full: { disk, demo } }) => {
    // What the guest still had to write would pause it while the disk is full.
    await demo.sh('sync');
    const before = { marks: await demo.sh(look), ...(await files(demo)) };
    const pid = (await demo.details()).pid ?? 0;
    // The engine hangs from the moment when the checkpoint's files begin to appear until the disk is full.
    using begun = atFileEvent(demo.file('checkpoints'), /./, () => process.kill(pid, 'SIGSTOP'));
    const command = demo.home.kame(args);
    await begun.happened;
    const free = await disk.leave(0);
    process.kill(pid, 'SIGCONT');
    expect(await command).toEqual(refusal(1, /The disk is full/));
    await free();
    await goesOn(demo);
    expect({ marks: await demo.sh(look), ...(await files(demo)) }).toEqual(before);
    await expectSeen(demo, content);
  });

  small(
    'of a deletion leaves a merge for later, and every content as it is',
    async ({ full: { disk, demo } }) => {
      const sums = 'echo 3 >/proc/sys/vm/drop_caches; md5sum /root/one /root/two';
      await demo.sh('head -c 12000000 /dev/urandom >/root/one; sync');
      await demo.take('m', '--disk-only');
      await demo.sh('head -c 12000000 /dev/urandom >/root/two; sync');
      const before = await demo.sh(sums);
      const free = await disk.leave(4 * mebibyte);
      const deleted = await demo.home.json<DeletedSnapshots>('snapshot', 'delete', 'demo', 'm');
      expect(deleted).toMatchObject({
        deleted: ['m'],
        notes: [expect.stringMatching(/not been merged.*needs \d{8} bytes/) as string],
      });
      expect(await demo.tree()).toEqual(['/a *']);
      expect(await demo.state()).toBe('running');
      expect(await demo.sh(sums)).toBe(before);
      await free();
      // The next work on the snapshots does what was left.
      await demo.take('n', '--disk-only');
      expect(await demo.home.json('snapshot', 'delete', 'demo', 'n')).toMatchObject({
        deleted: ['n'],
        notes: [],
      });
      expect(await demo.vmsd()).toMatchObject({ 'snapshot.needConsolidate': 'FALSE' });
      expect(await demo.layers()).toHaveLength(2);
      expect(await demo.sh(sums)).toBe(before);
    },
  );

  small(
    'while the guest writes to a layer: it is paused, and resumes with all its data',
    async ({ full: { disk, demo } }) => {
      using writer = await prepareWriter(demo);
      const free = await disk.leave(0);
      await writer.begin();
      const paused = async () => ((await demo.state()) === 'paused' ? true : undefined);
      expect(await poll(paused, { deadlineMs: 60_000 })).toBe(true);
      expect(await demo.home.kame(['snapshot', 'take', 'demo', 'z'])).toEqual(refusal(1, /needs \d+ bytes/));
      expect(await demo.state()).toBe('paused');
      await free();
      await demo.unpause();
      const written = async () => ((await writer.done()) ? true : undefined);
      expect(await poll(written, { deadlineMs: 60_000 })).toBe(true);
      expect(await demo.sh(writer.look)).toBe(writer.whole);
      await demo.revert('a');
      await demo.start();
      await expectSeen(demo, content);
      const { machines } = await demo.home.json<ClonedMachines>('clone', 'demo', 'copy', '--instant');
      expect(machines).toMatchObject([{ state: 'running' }]);
    },
  );
});
