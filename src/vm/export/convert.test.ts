import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertDisk as convertDiskSchema, type ConvertDisk } from '../../api/convert.ts';
import { writeDisk } from '../../../test/support/disk-content.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import type { Progress } from '../../core/progress.ts';
import { takeSnapshot } from '../snapshot/snapshots.ts';
import { convertDisk } from './convert.ts';

const world = useWorld();
const place = (name = '') => join(world().home, 'out', name);
const kinds = convertDiskSchema.shape.kind.options;

/** A disk that belongs to no machine, with data in some of its mebibytes. */
function looseDisk(mebibytes: number, ...filled: readonly number[]): string {
  mkdirSync(place());
  const path = place('loose.qcow2');
  qemuImg('create', '-q', '-f', 'qcow2', path, `${mebibytes}M`);
  for (const at of filled) writeDisk(path, 7, at);
  return path;
}

/** For kinds whose extents have at most 2047 MiB: with data at its start, at the end of the first extent and at its end. */
const splitDisk = () => looseDisk(2100, 0, 2046, 2047, 2099);
const smallDisk = () => looseDisk(20, 0, 7, 19);
const isSplit = (kind: ConvertDisk['kind']) => kind.startsWith('twoGb');

async function convert(source: string, kind: ConvertDisk['kind'], path = place('new.vmdk')) {
  return await convertDisk(world().host, { source, path, kind, adapter: 'lsilogic' }, quiet);
}

/** Whether all sectors are the same, as QEMU reads them. */
function areSame(source: string, vmdk: string): boolean {
  return qemuImg('compare', '-f', 'qcow2', '-F', 'vmdk', source, vmdk).includes('identical');
}

const filesOf: Readonly<Record<ConvertDisk['kind'], readonly string[]>> = {
  monolithicSparse: ['new.vmdk'],
  streamOptimized: ['new.vmdk'],
  twoGbMaxExtentSparse: ['new-s001.vmdk', 'new-s002.vmdk', 'new.vmdk'],
  monolithicFlat: ['new-flat.vmdk', 'new.vmdk'],
  twoGbMaxExtentFlat: ['new-f001.vmdk', 'new-f002.vmdk', 'new.vmdk'],
  vmfs: ['new-flat.vmdk', 'new.vmdk'],
  vmfsThin: ['new-flat.vmdk', 'new.vmdk'],
};

describe('the conversion of a disk', () => {
  it.each(kinds)('to %s gives the same sectors, to QEMU and to us', async (kind) => {
    const source = isSplit(kind) ? splitDisk() : smallDisk();
    const { files, sizeBytes } = await convert(source, kind);
    expect(sizeBytes).toBe((isSplit(kind) ? 2100 : 20) * 1024 ** 2);
    expect(files.map(({ path }) => path)).toEqual(filesOf[kind].map(place));
    expect(readdirSync(place()).sort()).toEqual(['loose.qcow2', ...filesOf[kind]]);
    expect(areSame(source, place('new.vmdk'))).toBe(true);
    await convert(place('new.vmdk'), 'monolithicSparse', place('back.vmdk'));
    expect(areSame(source, place('back.vmdk'))).toBe(true);
    const info = JSON.parse(qemuImg('info', '--output=json', place('new.vmdk'))) as {
      'format-specific': { data: { 'create-type': string } };
    };
    expect(info['format-specific'].data['create-type']).toBe(kind === 'vmfsThin' ? 'vmfs' : kind);
  });

  it('says of a thin disk that it is', async () => {
    await convert(smallDisk(), 'vmfsThin');
    expect(readFileSync(place('new.vmdk'), 'utf8')).toMatch(
      /^RW 40960 VMFS "new-flat\.vmdk"\n[^]*^ddb\.thinProvisioned = "1"\n$/mu,
    );
  });

  it('has all layers of a machine’s disk', async () => {
    mkdirSync(place());
    const demo = world().machine('demo');
    writeDisk(demo.top(), 5, 1);
    await takeSnapshot(world().host, 'demo', { label: 'a', diskOnly: true, quiesce: false }, quiet);
    writeDisk(demo.top(), 6, 2);
    await convert(demo.top(), 'streamOptimized');
    expect(areSame(demo.top(), place('new.vmdk'))).toBe(true);
  });

  it('refuses the disk of a machine that is not stopped', async () => {
    mkdirSync(place());
    const demo = world().machine('demo');
    await world().start('demo');
    expect(await refused(convert(demo.top(), 'monolithicFlat'))).toMatchObject({
      code: 'WRONG_STATE',
      message: like(/^Cannot export demo: it is running/u),
    });
    expect(readdirSync(place())).toEqual([]);
  });

  it.each([
    ['text', 'Dear …', 'BAD_IMAGE'],
    ['nothing', '', 'BAD_IMAGE'],
    [
      'a descriptor that names another file',
      '# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 8 FLAT "/etc/passwd" 0\n',
      'BAD_IMAGE',
    ],
  ])('refuses a source with %s', async (_what, text, code) => {
    mkdirSync(place());
    writeFileSync(place('a.vmdk'), text);
    expect(await refused(convert(place('a.vmdk'), 'monolithicFlat'))).toMatchObject({ code });
    expect(readdirSync(place())).toEqual(['a.vmdk']);
  });

  it('refuses a layer that is elsewhere', async () => {
    mkdirSync(place());
    const demo = world().machine('demo');
    qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', demo.top(), place('a.qcow2'));
    const { code, message } = await refused(convert(place('a.qcow2'), 'monolithicFlat'));
    expect([code, message]).toEqual(['BAD_IMAGE', like(/a\.qcow2/u)]);
  });

  it.each([
    ['new.img', 'USAGE'],
    ['a"b.vmdk', 'USAGE'],
    ['no/such/new.vmdk', 'FILE_ACCESS'],
    ['taken.vmdk', 'ALREADY_EXISTS'],
    ['link.vmdk', 'ALREADY_EXISTS'],
  ])('refuses the target %s', async (name, code) => {
    const source = smallDisk();
    writeFileSync(place('taken.vmdk'), 'mine');
    symlinkSync('/nowhere', place('link.vmdk'));
    expect(await refused(convert(source, 'monolithicFlat', place(name)))).toMatchObject({ code });
    expect(readFileSync(place('taken.vmdk'), 'utf8')).toBe('mine');
  });

  it('leaves a file that has the name of an extent', async () => {
    const source = smallDisk();
    writeFileSync(place('new-flat.vmdk'), 'mine');
    expect(await refused(convert(source, 'monolithicFlat'))).toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(readFileSync(place('new-flat.vmdk'), 'utf8')).toBe('mine');
    expect(readdirSync(place()).sort()).toEqual(['loose.qcow2', 'new-flat.vmdk']);
  });

  it.each(kinds)('to %s leaves nothing behind when it is cancelled', async (kind) => {
    const source = isSplit(kind) ? splitDisk() : smallDisk();
    const request = { source, path: place('new.vmdk'), kind, adapter: 'ide' } as const;
    const work = async (progress: Progress) => await convertDisk(world().host, request, progress);
    const stages = await cancelAtEachStage(work, async ({ code }) => {
      expect([code, readdirSync(place())]).toEqual(['CANCELLED', ['loose.qcow2']]);
      await Promise.resolve();
    });
    expect(stages).toEqual(['Writing new.vmdk']);
  });
});
