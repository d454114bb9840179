import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at, io, useLayers } from '../../test/support/disk-layers.ts';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { runProgram } from '../../test/support/run-program.ts';
import { check } from './qemu-img.ts';
import { repairLeaks } from './repair.ts';

useLayers();

describe('repairLeaks', () => {
  it('frees leaks and counts them; a clean disk has none', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('disk'), '8M');
    io(at('disk'), ['write -P 1 0 1M']);
    expect(await repairLeaks({ path: at('disk') })).toBe(0);
    const bytes = readFileSync(at('disk'));
    // Two clusters have a refcount but no reference.
    const block = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))));
    const clusters = bytes.length / 65_536;
    bytes.writeUInt16BE(1, block + clusters * 2);
    bytes.writeUInt16BE(1, block + clusters * 2 + 2);
    writeFileSync(at('disk'), Buffer.concat([bytes, Buffer.alloc(2 * 65_536)]));
    expect(await check({ path: at('disk') })).toMatchObject({ ok: true, leaks: 2 });
    expect(await repairLeaks({ path: at('disk') })).toBe(2);
    expect(await check({ path: at('disk') })).toMatchObject({ ok: true, leaks: 0 });
  });

  it('rejects damage and describes it', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('disk'), '8M');
    io(at('disk'), ['write -P 1 0 1M']);
    const bytes = readFileSync(at('disk'));
    const block = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))));
    bytes.fill(0, block, block + 65_536);
    writeFileSync(at('disk'), bytes);
    const damaged = readFileSync(at('disk'));
    await expect(repairLeaks({ path: at('disk') })).rejects.toMatchObject({
      code: 'BAD_IMAGE',
      message: expect.stringMatching(/disk is damaged in \d+ places: .*refcount/) as unknown,
    });
    expect(readFileSync(at('disk')).equals(damaged)).toBe(true);
  });

  it('does not treat lazy refcounts as damage', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on', at('disk'), '8M');
    const crash = ['-f', 'qcow2', '-c', 'write -P 1 0 1M', '-c', 'flush', '-c', 'abort', at('disk')];
    expect(() => runProgram('qemu-io', crash)).toThrow(/Command failed/);
    await repairLeaks({ path: at('disk') });
    expect(await check({ path: at('disk') })).toEqual({ ok: true, corruptions: 0, leaks: 0, checkErrors: 0 });
    io(at('disk'), ['read -P 1 0 1M']);
  });
});
