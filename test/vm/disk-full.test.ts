import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MachineDetails } from '../../src/api/machine.ts';
import type { KameEvent } from '../../src/api/messages.ts';
import { poll } from '../../src/core/deadline.ts';
import { prepareWriter } from '../support/fill-disk.ts';
import { tinyGuest } from '../support/guest-test.ts';
import { ovf, tarOf } from '../support/ova.ts';
import { qemuImg } from '../support/qemu-img.ts';
import { refusal } from '../support/refusal.ts';
import { inNamespace, smallDiskTest, waysToMount } from '../support/small-disk.ts';
import { layOut } from '../support/template.ts';

const mebibyte = 1024 ** 2;

const way = await waysToMount();

describe.runIf(way === 'namespace')('a full disk', () => {
  it('is tested by this very file, in a user namespace where it may mount', async () => {
    const { exitCode, all } = await inNamespace('test/vm/disk-full.test.ts', 'a full disk');
    expect(exitCode, all).toBe(0);
    expect(all).toContain('3 passed');
  });
});

const needs =
  way === 'none' ? ' (needs a small file system: root or user namespaces, neither is to be had here)' : '';

describe.runIf(way === 'root')(`a full disk${needs}`, () => {
  // A machine of the tiny image takes some 110 MiB.
  smallDiskTest('230m')(
    'during a create or a change: nothing half-made stays, and the message names the bytes',
    async ({ small: { disk, home } }) => {
      await home.json('create', 'demo');
      const message =
        /second\.vmwarevm\S* needs \d{9} bytes \(1[01]\d(?:\.\d+)? MiB\), but its disk has only \d+ bytes \([\d.]+ (?:MiB|KiB|B)\) free/;
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
    },
  );

  smallDiskTest('60m')(
    'during an import: nothing of it stays, and it can be repeated',
    { timeout: 300_000 },
    async ({ small: { disk, home }, home: large }) => {
      const made = async () => await readdir(join(home.path, 'machines')).catch(() => []);
      const raw = join(large.path, 'web.raw');
      await writeFile(raw, randomBytes(24 * mebibyte));
      const paths = ['vmdk', 'vhdx', 'vdi'].map((format) => join(large.path, `web.${format}`));
      for (const path of paths) qemuImg('convert', '-f', 'raw', '-O', extname(path).slice(1), raw, path);
      const streamed = join(large.path, 'disk.vmdk');
      qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', raw, streamed);
      const files = [
        { name: 'web.ovf', content: Buffer.from(ovf({ capacity: 24 * mebibyte })) },
        { name: 'web-disk1.vmdk', content: await readFile(streamed) },
      ];
      const ova = join(large.path, 'web.ova');
      await writeFile(ova, tarOf(files));
      const { machines } = home.client();
      await home.json('daemon', 'start');
      const free = await disk.leave(10 * mebibyte);
      // The first three need more than there is. Nothing tells how large the disk in the last one is: the room ends while it is written.
      for (const path of [...paths, ova])
        await expect(machines.import({ path, name: 'web' })).rejects.toMatchObject({ code: 'DISK_FULL' });
      expect(await made()).toEqual([]);
      await free();
      await machines.import({ path: ova, name: 'web' });
      expect(await made()).toEqual(['web.vmwarevm']);
    },
  );

  smallDiskTest('300m')(
    'while a guest runs: it is paused, and resumes with all its data when there is room',
    async ({ small: { disk, home }, makeHome }) => {
      const demo = await layOut(tinyGuest, home, makeHome);
      await demo.start();
      const events: KameEvent[] = [];
      const enough = new AbortController();
      const watching = (async () => {
        for await (const event of home.client().host.events({ signal: enough.signal })) events.push(event);
      })();
      using writer = await prepareWriter(demo);
      const free = await disk.leave(0);
      const daemon = await home.daemonPid();
      // Not even the daemon's log has room: the daemon continues without it.
      for (let line = 0; line < 60; line += 1)
        await expect(home.client().machines.pause('nobody')).rejects.toMatchObject({
          code: 'NO_SUCH_MACHINE',
        });
      await writer.begin();
      const paused = async () => ((await demo.state()) === 'paused' ? true : undefined);
      expect(await poll(paused, { deadlineMs: 60_000 })).toBe(true);
      const reason =
        'The host’s disk is full. Free some space, then resume it with kame unpause demo; no data is lost.';
      const said = async () => events.find(({ message }) => message.includes(reason));
      expect(await poll(said, { deadlineMs: 5000 })).toMatchObject({ state: 'paused', machine: 'demo' });
      enough.abort();
      await expect(watching).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(await home.daemonPid()).toBe(daemon);
      expect((await demo.details()).problems).toMatchObject([{ severity: 'warning', message: reason }]);
      // The next daemon, too, finds it paused.
      await home.killDaemon();
      expect(await demo.details()).toMatchObject({
        state: 'paused',
        problems: [{ message: expect.stringMatching(/full disk/) as string }],
      });
      await free();
      await demo.unpause();
      expect(await demo.details()).toMatchObject({ state: 'running', problems: [] });
      const written = async () => ((await writer.done()) ? true : undefined);
      expect(await poll(written, { deadlineMs: 60_000 })).toBe(true);
      expect(await demo.sh(writer.look)).toBe(writer.whole);
    },
  );
});
