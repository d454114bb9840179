import {
  chmodSync,
  copyFileSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../test/support/digest.ts';
import {
  at,
  changes,
  clear,
  io,
  keep,
  layersOf,
  mebibyte,
  overlay,
  same,
  scattered,
  size,
  three,
  useLayers,
} from '../../test/support/disk-layers.ts';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { silentProgress } from '../core/progress.ts';
import { readChain } from './chain.ts';
import { compact } from './compact.ts';
import { convert, resize } from './qemu-img.ts';

useLayers();

describe('convert of a chain', () => {
  it('makes one disk without backing file', async () => {
    await three([scattered(1, mebibyte), scattered(2, 512 * 1024), ['write -z 3M 1M']]);
    keep('top');
    await convert({ source: at('top'), sourceFormat: 'qcow2', target: at('alone'), targetFormat: 'qcow2' });
    copyFileSync(at('top.kept'), at('alone.kept'));
    expect([same('alone'), await layersOf('alone')]).toEqual([true, ['alone']]);
  });

  it('resize grows the top of a chain with zeros', async () => {
    await three([['write -P 1 0 32M'], [], []]);
    await resize({ path: at('top'), format: 'qcow2', sizeBytes: 2 * size });
    io(at('top'), [`read -P 0 ${size} ${size}`, `read -P 1 0 ${size}`]);
    expect(await readChain(at('top'), { inside: [at('.')] })).toMatchObject({ virtualSize: 2 * size });
  });
});

describe('compact', () => {
  const allocated = (name: string): number => statSync(at(name)).blocks * 512;

  it('frees zeros, and keeps the content and the permissions', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('disk'), String(size));
    io(at('disk'), ['write -P 1 0 8M', 'write -P 0 8M 16M']);
    chmodSync(at('disk'), 0o600);
    keep('disk');
    const { before, after } = await compact({ path: at('disk') });
    expect(before - after).toBeGreaterThan(15 * mebibyte);
    expect(allocated('disk')).toBe(after);
    expect(same('disk')).toBe(true);
    expect(statSync(at('disk')).mode & 0o777).toBe(0o600);
    const again = await compact({ path: at('disk') });
    expect(again.after).toBe(again.before);
    expect(readdirSync(at('.')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('compacts only the top of a chain, which keeps its backing file', async () => {
    const property = fc.asyncProperty(fc.tuple(changes, changes, changes), async (writes) => {
      clear();
      const zeros = ['write -P 7 1M 8M', 'write -P 0 2M 6M'];
      await three([['write -P 3 0 16M', ...(writes[0] ?? [])], writes[1], [...writes[2], ...zeros]]);
      keep('top');
      const below = [digestOf(at('middle')), digestOf(at('base'))];
      const { before, after } = await compact({ path: at('top') });
      expect(before - after).toBeGreaterThan(5 * mebibyte);
      expect([same('top'), await layersOf('top')]).toEqual([true, ['top', 'middle', 'base']]);
      expect([digestOf(at('middle')), digestOf(at('base'))]).toEqual(below);
    });
    await fc.assert(property, { numRuns: 5 });
  }, 60_000);

  it('compacts a top over a shorter layer, and over one named like a protocol', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('nbd:base'), '1M');
    io(at('nbd:base'), ['write -P 1 0 1M']);
    await overlay('top', 'nbd:base');
    io(at('top'), ['write -P 0 0 300k', 'write -P 0 2M 8M', 'write -P 2 20M 1M']);
    keep('top');
    const { before, after } = await compact({ path: at('top') });
    expect(after).toBeLessThan(before);
    expect([same('top'), await layersOf('top')]).toEqual([true, ['top', 'nbd:base']]);
  });

  it('makes holes in a raw disk', async () => {
    writeFileSync(at('disk.raw'), Buffer.concat([Buffer.alloc(mebibyte, 1), Buffer.alloc(8 * mebibyte)]));
    const before = readFileSync(at('disk.raw'));
    await compact({ path: at('disk.raw') });
    expect(allocated('disk.raw')).toBeLessThan(2 * mebibyte);
    expect(readFileSync(at('disk.raw')).equals(before)).toBe(true);
  });

  it('never makes a disk larger: a compressed one does not change', async () => {
    writeFileSync(at('x.raw'), Buffer.alloc(8 * mebibyte, 'tortoise'));
    const from = { source: at('x.raw'), sourceFormat: 'raw', target: at('disk') } as const;
    await convert({ ...from, targetFormat: 'qcow2', compress: true });
    const bytes = readFileSync(at('disk'));
    const { before, after } = await compact({ path: at('disk') });
    expect(after).toBe(before);
    expect(readFileSync(at('disk')).equals(bytes)).toBe(true);
  });

  it('keeps a symbolic link, and refuses to lose internal snapshots', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('disk'), '8M');
    io(at('disk'), ['write -P 0 0 8M']);
    symlinkSync(at('disk'), at('link'));
    await compact({ path: at('link') });
    expect([readdirSync(at('.')).toSorted(), allocated('disk') < mebibyte]).toEqual([['disk', 'link'], true]);
    qemuImg('snapshot', '-c', 'one', at('disk'));
    await expect(compact({ path: at('disk') })).rejects.toMatchObject({
      code: 'BAD_IMAGE',
      message: expect.stringContaining('1 internal snapshot') as unknown,
    });
  });

  it('changes nothing when there is no free space, or when it is cancelled', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('disk'), '8M');
    io(at('disk'), ['write -P 1 0 4M']);
    const bytes = readFileSync(at('disk'));
    const tool = at('full.sh');
    const script =
      '#!/bin/sh\nfor last; do :; done\necho half >"$last"\necho "No space left on device" >&2\nexit 1\n';
    writeFileSync(tool, script, { mode: 0o700 });
    const full = compact({ path: at('disk'), qemuImg: tool });
    await expect(full).rejects.toMatchObject({ code: 'DISK_FULL', details: { path: at('disk') } });
    const progress = silentProgress(AbortSignal.abort());
    await expect(compact({ path: at('disk'), progress })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(readFileSync(at('disk')).equals(bytes)).toBe(true);
    expect(readdirSync(at('.')).toSorted()).toEqual(['disk', 'full.sh']);
  });
});
