import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { MachineDetails, StartedMachine } from '../../src/api/machine.ts';
import type { KameEvent } from '../../src/api/messages.ts';
import { poll } from '../../src/core/deadline.ts';
import { useHome, type TestHome } from '../support/home.ts';
import { refusal } from '../support/refusal.ts';
import { inNamespace, SmallDisk, waysToMount } from '../support/small-disk.ts';

const mebibyte = 1024 ** 2;

const way = await waysToMount();

describe.runIf(way === 'namespace')('a full disk', () => {
  it('is tested by this very file, in a user namespace where it may mount', async () => {
    const { exitCode, all } = await inNamespace('test/vm/disk-full.test.ts', 'a full disk');
    expect(exitCode, all).toBe(0);
    expect(all).toContain('2 passed');
  });
});

const needs =
  way === 'none' ? ' (needs a small file system: root or user namespaces, neither is to be had here)' : '';

describe.runIf(way === 'root')(`a full disk${needs}`, () => {
  let disk: SmallDisk;
  let home: TestHome;

  beforeAll(async () => {
    // A machine of the tiny image takes some 105 MiB.
    disk = await SmallDisk.make('230m');
    home = await useHome({ parent: disk.path });
  });

  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await disk[Symbol.asyncDispose]();
  });

  it('during a create or a change: nothing half-made stays, and the message names the bytes', async () => {
    await home.json('create', 'demo');
    const message =
      /second\.vmwarevm needs (\d{9}) bytes \(103[.\d]* MiB\), but its disk has only [\d.]+ (?:MiB|KiB|B) free/;
    // Room for the disk and half of the rest, for half of the disk, and for nothing.
    let free = async (): Promise<void> => undefined;
    for (const bytes of [80 * mebibyte, 30 * mebibyte, 0]) {
      free = await disk.leave(bytes);
      expect(await home.kame(['create', 'second'])).toEqual(refusal(1, message));
      expect(await readdir(join(home.path, 'machines'))).toEqual(['demo.vmwarevm']);
    }
    expect(await home.kame(['create', 'empty', '--iso', '/dev/null'])).toMatchObject({ code: 1 });
    expect(await readdir(join(home.path, 'machines'))).toEqual(['demo.vmwarevm']);
    const { path } = await home.json<MachineDetails>('show', 'demo');
    const before = await readFile(path);
    const files = await readdir(join(home.path, 'machines', 'demo.vmwarevm'));
    const long = `notes=${'x'.repeat(10_000)}`;
    expect(await home.kame(['set', 'demo', long])).toEqual(refusal(1, /The disk is full/));
    expect(await home.kame(['start', 'demo'])).toEqual(refusal(1, /The disk is full/));
    expect(await readFile(path)).toEqual(before);
    expect(await readdir(join(home.path, 'machines', 'demo.vmwarevm'))).toEqual(files);
    expect(await home.engines()).toEqual([]);
    await free();
    await home.json('set', 'demo', 'notes=short');
  });

  it('while a guest runs: it is paused, and goes on with all its data when there is room', async () => {
    onTestFailed(async () => await home.postMortem('disk full'));
    await home.json<StartedMachine>('start', 'demo');
    const events: KameEvent[] = [];
    const enough = new AbortController();
    const watching = (async () => {
      for await (const event of home.client().host.events({ signal: enough.signal })) events.push(event);
    })().catch(() => undefined);
    const free = await disk.leave(0);
    // The command line has its answer before the disk is full.
    const write = 'sleep 1; yes kame | head -c 12000000 >/root/big; sync; echo written >/root/done';
    await home.kame(['exec', 'demo', '--', 'sh', '-c', `(${write}) </dev/null >/dev/null 2>&1 &`]);
    const details = async () => await home.json<MachineDetails>('show', 'demo');
    const daemon = await home.daemonPid();
    // Not even the daemon's log has room: it goes on without.
    for (let line = 0; line < 60; line += 1)
      await home
        .client()
        .machines.pause('nobody')
        .catch(() => undefined);
    const paused = async () => ((await details()).state === 'paused' ? true : undefined);
    expect(await poll(paused, { deadlineMs: 60_000 })).toBe(true);
    const reason =
      'The host’s disk is full. Free some space, then resume it with kame unpause demo; no data is lost.';
    const told = async () => events.find(({ message }) => message.includes(reason));
    expect(await poll(told, { deadlineMs: 5000 })).toMatchObject({ state: 'paused', machine: 'demo' });
    enough.abort();
    await watching;
    expect(await home.daemonPid()).toBe(daemon);
    expect((await details()).problems).toMatchObject([{ severity: 'warning', message: reason }]);
    // The next daemon, too, finds it paused.
    await home.killDaemon();
    expect(await details()).toMatchObject({
      state: 'paused',
      problems: [{ message: expect.stringMatching(/full disk/) as string }],
    });
    await free();
    await home.json('unpause', 'demo');
    expect(await details()).toMatchObject({ state: 'running', problems: [] });
    const done = async () =>
      (await home.kame(['exec', 'demo', '--', 'cat', '/root/done'])).stdout === 'written\n'
        ? true
        : undefined;
    expect(await poll(done, { deadlineMs: 60_000, stepMs: 500, maxStepMs: 1000 })).toBe(true);
    const read = 'echo 3 >/proc/sys/vm/drop_caches; md5sum </root/big';
    const { stdout } = await execa('sh', ['-c', 'yes kame | head -c 12000000 | md5sum']);
    expect(await home.sh('demo', read)).toBe(`${stdout}\n`);
    await home.json('stop', 'demo', '--hard');
  });
});
