import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { ClonedMachines, DeletedSnapshots } from '../../src/api/checkpoint.ts';
import { poll } from '../../src/core/deadline.ts';
import { emptyContent, expectSeen, Guest, type Content } from '../support/checkpoints.ts';
import { useHome, type TestHome } from '../support/home.ts';
import { refusal } from '../support/refusal.ts';
import { inNamespace, SmallDisk, waysToMount } from '../support/small-disk.ts';

const way = await waysToMount();

describe.runIf(way === 'namespace')('checkpoints in little room', () => {
  it('are tested by this very file, in a user namespace where it may mount', async () => {
    const { exitCode, all } = await inNamespace('test/vm/checkpoint-room.test.ts', 'a full disk');
    expect(exitCode, all).toBe(0);
    expect(all).toContain('4 passed');
  });
});

const needs =
  way === 'none' ? ' (needs a small file system: root or user namespaces, neither is to be had here)' : '';

describe.runIf(way === 'root')(`a full disk${needs}`, () => {
  const mebibyte = 1024 ** 2;
  let disk: SmallDisk;
  let small: TestHome;
  let full: Guest;
  const content: Content = emptyContent.with(1, 0x33);

  beforeAll(async () => {
    disk = await SmallDisk.make('420m');
    small = await useHome({ parent: disk.path });
    full = new Guest(small, 'full');
    await small.json('create', 'full', '--memory', '192MiB', '--cpus', '1');
    await full.start();
    await full.sh('head -c 30000000 /dev/urandom >/dev/shm/memory');
    await full.write(new Map([[1, 0x33]]));
    await full.take('a', '--disk-only');
  });

  afterAll(async () => {
    await small[Symbol.asyncDispose]();
    await disk[Symbol.asyncDispose]();
  });

  function keepThat(name: string): void {
    onTestFailed(async () => await small.postMortem(`checkpoint-room ${name}`));
  }

  const memory = async () => await full.sh('md5sum /dev/shm/memory; cat /proc/sys/kernel/random/boot_id');
  const files = async () => ({
    bundle: (await readdir(full.directory)).filter((name) => !name.endsWith('.log')).toSorted(),
    checkpoints: await readdir(full.file('checkpoints')),
    machines: await readdir(join(small.path, 'machines')),
    snapshots: await full.tree(),
  });

  it('is told with the bytes needed before a snapshot, a suspend or a clone; then it works', async () => {
    keepThat('room before');
    const before = [await memory(), await files()];
    const free = await disk.leave(20 * mebibyte);
    for (const args of [
      ['snapshot', 'take', 'full', 'b'],
      ['suspend', 'full'],
      ['clone', 'full', 'copy', '--full', '--snapshot', 'a'],
    ]) {
      const result = await small.kame(args);
      expect({ args, ...result }).toEqual({
        args,
        ...refusal(1, /needs \d{8,9} bytes \([\d.]+ MiB\), but its disk has/),
      });
      expect(await full.state()).toBe('running');
    }
    expect([await memory(), await files()]).toEqual(before);
    await free();
    await full.take('b');
    await small.json('suspend', 'full');
    await full.start();
    expect([await memory()]).toEqual([before[0]]);
    await small.json('snapshot', 'delete', 'full', 'b');
  });

  it('in the middle of a snapshot or a suspend takes nothing with it', async () => {
    keepThat('room in the middle');
    const before = await memory();
    for (const args of [
      ['snapshot', 'take', 'full', 'c'],
      ['suspend', 'full'],
    ]) {
      const running = small.kame(args);
      const stages = async () => ((await readdir(full.file('checkpoints'))).length > 0 ? true : undefined);
      await poll(stages, { deadlineMs: 5000, stepMs: 2, maxStepMs: 5 });
      const free = await disk.leave(0);
      const { code, stderr } = await running;
      await free();
      if ((await full.state()) === 'paused') await small.json('unpause', 'full');
      if ((await full.state()) === 'suspended') await full.start();
      const told = code === 0 ? 'done' : /disk is full|needs \d+ bytes|No space left/i.exec(stderr)?.[0];
      expect({ args, told, memory: await memory() }).toEqual({
        args,
        told: expect.any(String) as string,
        memory: before,
      });
      await expectSeen(full, content);
      const labels = (await full.snapshots()).map(({ label }) => label);
      expect(labels).toEqual(code === 0 && args[0] === 'snapshot' ? ['a', 'c'] : labels);
      expect(labels).toContain('a');
    }
    for (const { label } of await full.snapshots()) {
      if (label !== 'a') await small.json('snapshot', 'delete', 'full', label);
    }
    expect((await files()).checkpoints.filter((id) => id !== '1')).toEqual([]);
  });

  it('of a deletion leaves a merge for later, and every content as it is', async () => {
    keepThat('room for a deletion');
    await full.sh('head -c 24000000 /dev/urandom >/root/one; sync');
    const one = await full.sh('md5sum /root/one');
    await full.take('m', '--disk-only');
    await full.sh('head -c 24000000 /dev/urandom >/root/two; sync');
    const two = await full.sh('md5sum /root/two');
    const free = await disk.leave(4 * mebibyte);
    const deleted = await small.json<DeletedSnapshots>('snapshot', 'delete', 'full', 'm');
    expect(deleted).toMatchObject({
      deleted: ['m'],
      notes: [expect.stringMatching(/not merged.*needs \d{8} bytes/) as string],
    });
    expect(await full.tree()).toEqual(['/a *']);
    expect(await full.state()).toBe('running');
    expect(await full.sh('echo 3 >/proc/sys/vm/drop_caches; md5sum /root/one /root/two')).toBe(one + two);
    await free();
    // The next work on the snapshots does what was left.
    await full.take('n', '--disk-only');
    expect(await small.json('snapshot', 'delete', 'full', 'n')).toMatchObject({ deleted: ['n'], notes: [] });
    expect((await full.vmsd())['snapshot.needConsolidate'] ?? 'FALSE').toBe('FALSE');
    expect(await full.layers()).toHaveLength(2);
    expect(await full.sh('echo 3 >/proc/sys/vm/drop_caches; md5sum /root/one /root/two')).toBe(one + two);
  });

  it('while the guest writes to a layer: it is paused, and goes on with all its data', async () => {
    keepThat('room for the guest');
    const free = await disk.leave(0);
    const write = 'sleep 1; yes kame | head -c 12000000 >/root/big; sync; echo written >/root/done';
    await small.kame(['exec', 'full', '--', 'sh', '-c', `(${write}) </dev/null >/dev/null 2>&1 &`]);
    const paused = async () => ((await full.state()) === 'paused' ? true : undefined);
    expect(await poll(paused, { deadlineMs: 60_000 })).toBe(true);
    expect(await small.kame(['snapshot', 'take', 'full', 'z'])).toEqual(refusal(1, /needs \d+ bytes/));
    expect(await full.state()).toBe('paused');
    await free();
    await small.json('unpause', 'full');
    const done = async () =>
      (await small.kame(['exec', 'full', '--', 'cat', '/root/done'])).stdout === 'written\n'
        ? true
        : undefined;
    expect(await poll(done, { deadlineMs: 60_000, stepMs: 300 })).toBe(true);
    const { stdout } = await execa('sh', ['-c', 'yes kame | head -c 12000000 | md5sum']);
    expect(await full.sh('echo 3 >/proc/sys/vm/drop_caches; md5sum </root/big')).toBe(`${stdout}\n`);
    await full.revert('a');
    await full.start();
    await expectSeen(full, content);
    const { machines } = await small.json<ClonedMachines>('clone', 'full', 'copy', '--instant');
    expect(machines).toMatchObject([{ state: 'running' }]);
    await full.stop();
  });
});
