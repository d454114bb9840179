import { linkSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { body } from '../../../test/support/body.ts';
import { at, io } from '../../../test/support/disk-layers.ts';
import { diskBytes } from '../../../test/support/disk-machine.ts';
import { mebibyte, gibibyte, quiet, demo, take, refusal, useDemo } from '../../../test/support/disk-verbs.ts';
import { type ProgressReport } from '../../core/progress.ts';
import { clone } from '../clone/clone.ts';
import { addDisk } from './add.ts';
import { checkDisks } from './check.ts';
import { growDisk } from './grow.ts';
import { listDisks } from './list.ts';

useDemo();

describe('grow', () => {
  const grow = async (sizeBytes: number, progress = quiet) =>
    await growDisk(demo.host, 'demo', 'nvme0:0', { sizeBytes }, progress);

  it('makes the disk larger, keeps its content and says what remains to be done in the guest', async () => {
    io(demo.file('disk0.qcow2'), ['write -P 5 1M 1M']);
    const reports: ProgressReport[] = [];
    const progress = { signal: quiet.signal, report: (report: ProgressReport) => void reports.push(report) };
    expect(await grow(gibibyte + 1, progress)).toMatchObject({
      sizeBytes: gibibyte + 512,
      bytesAdded: gibibyte + 512 - diskBytes,
      problem: null,
    });
    io(demo.file('disk0.qcow2'), ['read -P 5 1M 1M', 'read -P 0 512M 1M']);
    // The command reports what was done, once.
    expect(reports.filter(({ stage }) => stage.includes('grown'))).toEqual([]);
  });

  it('to the size that it has changes nothing, and says so', async () => {
    const written = () => statSync(demo.file('disk0.qcow2'), { bigint: true }).mtimeNs;
    const before = written();
    expect(await grow(diskBytes)).toMatchObject({ sizeBytes: diskBytes, bytesAdded: 0, notes: [] });
    expect(written()).toBe(before);
  });

  it.each([
    [diskBytes - 512, /Cannot shrink nvme0:0/],
    [64 * 1024 * gibibyte + 512, /at most 64 TiB/],
  ])('to %d bytes is refused', async (sizeBytes, text) => {
    const refused = await refusal(grow(sizeBytes));
    expect([refused.code, refused.text]).toEqual(['INVALID_VALUE', expect.stringMatching(text)]);
  });

  it('is refused under snapshots, by their names, with what to do', async () => {
    await take('before');
    await take('after');
    const { code, text } = await refusal(grow(gibibyte));
    expect([code, text]).toEqual(['WRONG_STATE', expect.stringMatching(/before, after.*--full/)]);
    // A disk that came later is in none of them.
    const { slot } = await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    const grown = await growDisk(demo.host, 'demo', slot, { sizeBytes: 2 * mebibyte }, quiet);
    expect(grown.sizeBytes).toBe(2 * mebibyte);
  });

  it('works on a linked clone, and its parent keeps its size', async () => {
    await clone(demo.host, 'demo', body('machines.clone', { name: 'copy', kind: 'linked' }), quiet);
    expect(await growDisk(demo.host, 'copy', 'nvme0:0', { sizeBytes: gibibyte }, quiet)).toMatchObject({
      sizeBytes: gibibyte,
      problem: null,
    });
    expect((await listDisks(demo.host, 'demo'))[0]?.sizeBytes).toBe(diskBytes);
    expect((await checkDisks(demo.host, 'copy', null, { repair: false }, quiet)).ok).toBe(true);
  });

  it('is refused for a file that others share', async () => {
    linkSync(demo.file('disk0.qcow2'), at('other.qcow2'));
    expect(await refusal(grow(gibibyte))).toMatchObject({ code: 'HAS_CLONES' });
  });
});
