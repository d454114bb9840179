import { linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at, io } from '../../../test/support/disk-layers.ts';
import { vmxText } from '../../../test/support/disk-machine.ts';
import { mebibyte, quiet, demo, take, refusal, useDemo } from '../../../test/support/disk-verbs.ts';
import { compactDisk } from './compact.ts';

useDemo();

describe('compact', () => {
  const compact = async () => await compactDisk(demo.host, 'demo', 'nvme0:0', quiet);

  it('frees zeros and reports the bytes', async () => {
    io(demo.file('disk0.qcow2'), ['write -P 1 0 4M', 'write -P 0 4M 16M']);
    const { bytesFreed, slot, problem } = await compact();
    expect([slot, problem]).toEqual(['nvme0:0', null]);
    expect(bytesFreed).toBeGreaterThan(15 * mebibyte);
    io(demo.file('disk0.qcow2'), ['read -P 1 0 4M', 'read -P 0 4M 16M']);
  });

  it('rewrites only the top layer if there are snapshots', async () => {
    io(demo.file('disk0.qcow2'), ['write -P 0 0 8M']);
    await take('one');
    const frozen = statSync(demo.file('disk0.qcow2'));
    io(demo.file('disk0-000001.qcow2'), ['write -P 0 8M 8M']);
    expect((await compact()).bytesFreed).toBeGreaterThan(7 * mebibyte);
    const after = statSync(demo.file('disk0.qcow2'));
    expect([after.ino, after.mtimeMs]).toEqual([frozen.ino, frozen.mtimeMs]);
  });

  it('does not change a file that a snapshot names or that others share', async () => {
    await take('one');
    writeFileSync(demo.vmx, vmxText('demo'));
    expect(await refusal(compact())).toMatchObject({ code: 'WRONG_STATE' });
    rmSync(demo.file('demo.vmsd'));
    linkSync(demo.file('disk0.qcow2'), at('other.qcow2'));
    expect(await refusal(compact())).toMatchObject({ code: 'HAS_CLONES' });
  });
});
