import { linkSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at, io } from '../../../test/support/disk-layers.ts';
import {
  mebibyte,
  quiet,
  demo,
  take,
  refusal,
  pretendRunning,
  useDemo,
} from '../../../test/support/disk-verbs.ts';
import { addDisk } from './add.ts';
import { checkDisks } from './check.ts';
import { listDisks } from './list.ts';
import { revertSnapshot } from '../snapshot/revert.ts';

useDemo();

describe('check', () => {
  const check = async (options = { repair: false }) =>
    await checkDisks(demo.host, 'demo', null, options, quiet);
  /** Clusters that nothing refers to: counted by a table that was made for a larger use. */
  const leak = (name: string) => {
    io(demo.file(name), ['write -P 1 0 4M']);
    const bytes = readFileSync(demo.file(name));
    const l1 = Number(bytes.readBigUInt64BE(40));
    const l2 = Number(bytes.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n);
    // The guest’s first clusters are forgotten, and their counts stay.
    bytes.fill(0, l2, l2 + 8 * 10);
    writeFileSync(demo.file(name), bytes);
  };

  it('checks each layer', async () => {
    await take('one');
    const { ok, layers } = await check();
    expect(ok).toBe(true);
    expect(layers).toEqual(
      ['disk0-000001.qcow2', 'disk0.qcow2'].map((name) => ({
        slot: 'nvme0:0',
        path: demo.file(name),
        ok: true,
        corruptions: 0,
        leaks: 0,
        repaired: 0,
        message: 'clean',
      })),
    );
  });

  it('checks the layers that only a snapshot uses, of one disk or of all', async () => {
    await take('one');
    await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    await take('two');
    await revertSnapshot(demo.host, 'demo', 'one', { start: false, wait: 'none', timeoutMs: 1000 }, quiet);
    const names = async (which: string | null) =>
      (await checkDisks(demo.host, 'demo', which, { repair: false }, quiet)).layers.map(({ slot, path }) => [
        slot,
        path.slice(demo.directory.length + 1),
      ]);
    const first = [
      ['nvme0:0', 'disk0-000003.qcow2'],
      ['nvme0:0', 'disk0.qcow2'],
      ['nvme0:0', 'disk0-000001.qcow2'],
    ];
    // The second disk is in the snapshot only.
    expect(await names(null)).toEqual([...first, ['nvme0:1', 'disk1.qcow2']]);
    expect(await names('nvme0:0')).toEqual(first);
  });

  it('fails for a layer that only a snapshot uses, and names the snapshot when it is missing', async () => {
    await take('one');
    await take('two');
    await revertSnapshot(demo.host, 'demo', 'one', { start: false, wait: 'none', timeoutMs: 1000 }, quiet);
    truncateSync(demo.file('disk0-000001.qcow2'), 70_000);
    expect(await check()).toMatchObject({
      ok: false,
      layers: [{ ok: true }, { ok: true }, { ok: false, path: demo.file('disk0-000001.qcow2') }],
    });
    rmSync(demo.file('disk0-000001.qcow2'));
    const { ok, layers } = await check();
    expect([ok, layers.length, layers[2]?.message]).toEqual([
      false,
      3,
      `${demo.file('disk0-000001.qcow2')} does not exist. The snapshot two needs this file.`,
    ]);
  });

  it('reports leaks, and frees them on request', async () => {
    leak('disk0.qcow2');
    expect((await check()).layers).toMatchObject([{ ok: true, leaks: 10, repaired: 0 }]);
    expect((await check({ repair: true })).layers).toMatchObject([{ ok: true, leaks: 10, repaired: 10 }]);
    expect((await check()).layers).toMatchObject([{ ok: true, leaks: 0, message: 'clean' }]);
  });

  it('does not write to a file that others share', async () => {
    leak('disk0.qcow2');
    linkSync(demo.file('disk0.qcow2'), at('other.qcow2'));
    const { ok, layers } = await check({ repair: true });
    expect([ok, layers]).toEqual([true, [expect.objectContaining({ leaks: 10, repaired: 0 })]]);
  });

  it('finds damage, says what to do and does not change it', async () => {
    io(demo.file('disk0.qcow2'), ['write -P 1 0 4M']);
    const bytes = readFileSync(demo.file('disk0.qcow2'));
    const table = Number(bytes.readBigUInt64BE(48));
    bytes.fill(0, Number(bytes.readBigUInt64BE(table)), Number(bytes.readBigUInt64BE(table)) + 40);
    writeFileSync(demo.file('disk0.qcow2'), bytes);
    for (const repair of [false, true]) {
      const { ok, layers } = await check({ repair });
      expect([ok, layers[0]?.ok, layers[0]?.message]).toEqual([
        false,
        false,
        expect.stringContaining('COPY'),
      ]);
      expect(layers[0]?.corruptions).toBeGreaterThan(0);
    }
    expect(readFileSync(demo.file('disk0.qcow2')).equals(bytes)).toBe(true);
  });

  it('finds a truncated layer and continues with the other disks', async () => {
    await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    io(demo.file('disk0.qcow2'), ['write -P 1 0 4M']);
    truncateSync(demo.file('disk0.qcow2'), 2 * mebibyte);
    const { ok, layers } = await check();
    expect(ok).toBe(false);
    expect(layers).toMatchObject([
      { slot: 'nvme0:0', ok: false, message: expect.stringContaining('truncated') as string },
      { slot: 'nvme0:1', ok: true },
    ]);
  });

  it('leaves out what a running machine writes to, and repairs nothing then', async () => {
    await take('one');
    pretendRunning();
    expect((await check()).layers.map(({ ok, message }) => [ok, message])).toEqual([
      [true, expect.stringContaining('not checked')],
      [true, 'clean'],
    ]);
    expect(await refusal(check({ repair: true }))).toMatchObject({ code: 'WRONG_STATE' });
  });
});

describe('list', () => {
  it('shows a broken disk with its problem and the others as they are', async () => {
    await take('one');
    await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    rmSync(demo.file('disk0.qcow2'));
    expect(await listDisks(demo.host, 'demo')).toMatchObject([
      {
        slot: 'nvme0:0',
        sizeBytes: null,
        layers: [{ path: demo.file('disk0-000001.qcow2') }],
        problem: expect.stringContaining('disk0.qcow2 does not exist') as string,
      },
      { slot: 'nvme0:1', sizeBytes: mebibyte, problem: null },
    ]);
  });
});
