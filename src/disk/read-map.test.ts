import {
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { like, refused } from '../../test/support/refused.ts';
import { at, makeVmdk, noise, useVmdks } from '../../test/support/vmdk.ts';
import { silentProgress } from '../core/progress.ts';
import { readChain } from './chain.ts';
import type { DiskMap } from './disk-map.ts';
import { mapHeader, readMapFacts } from './map-facts.ts';
import { ImageFile } from './format/image-file.ts';
import { createOverlay } from './overlay.ts';
import { probeImage } from './probe.ts';
import { headerLength } from './qcow2-layout.ts';
import { planMap, writeMap } from './write-map.ts';

useVmdks();

beforeEach(async () => {
  makeVmdk('a.vmdk', 'monolithicSparse', noise);
  // A whole second, which every program can give back to a file.
  utimesSync(at('a.vmdk'), 1_700_000_000, 1_700_000_000);
  const plan = await planMap(at('a.vmdk'), silentProgress());
  if ('reason' in plan) throw new Error(plan.reason);
  await writeMap(plan, at('a.map'), silentProgress());
  const backing = { backing: 'a.map', backingFormat: 'qcow2', virtualSize: plan.size } as const;
  await createOverlay({ path: at('top.qcow2'), ...backing, sync: false });
});

const refusal = async (tables = true, inside = [at('')]) =>
  await refused(readChain(at('top.qcow2'), { inside, tables }));

async function facts(): Promise<DiskMap> {
  await using file = await ImageFile.open(at('a.map'));
  return await readMapFacts(file);
}

/** Has the map say something else, with the right hash. */
function forge(map: unknown): void {
  const bytes = readFileSync(at('a.map'));
  const json = Buffer.from(JSON.stringify(map));
  mapHeader(json, bytes.subarray(0, headerLength), bytes.length).copy(bytes);
  writeFileSync(at('a.map'), Buffer.concat([bytes, json]));
}

/** Puts bytes into a file of the test, whose time stays. */
function patch(name: string, place: number, bytes: Buffer): void {
  const content = readFileSync(at(name));
  const { atime, mtime } = statSync(at(name));
  bytes.copy(content, place);
  writeFileSync(at(name), content);
  utimesSync(at(name), atime, mtime);
}

describe('a map is refused', () => {
  it('if its list of files is not as it was written, or cut off', async () => {
    patch('a.map', readFileSync(at('a.map')).indexOf('"parts"'), Buffer.from('"Parts"'));
    expect(await refusal()).toMatchObject({ code: 'BAD_IMAGE', message: like(/not as it was written/) });
    truncateSync(at('a.map'), 70_000);
    expect(await refusal(false)).toMatchObject({ message: like(/not where it should be/) });
  });

  it.each([
    ['no parts', { parts: [] }],
    ['too many parts', { parts: Array.from({ length: 129 }, () => ({})) }],
    ['a size of nothing', { size: 0 }],
    ['a size that is no number', { size: '9' }],
    ['files that are no list', { originals: {} }],
  ])('that has %s', async (_what, change) => {
    forge({ ...(await facts()), ...change });
    expect(await refusal(false)).toMatchObject({ message: like(/does not describe a disk/) });
  });

  it.each([
    ['outside of the map', { at: 2 ** 40 }],
    ['not at a block', { at: 1 }],
    ['of a negative offset', { offset: -512 }],
    ['of a fraction', { length: 0.5 }],
    ['in a file that is not listed', { path: '/etc/passwd' }],
  ])('that has a part %s', async (_what, change) => {
    const map = await facts();
    forge({ ...map, parts: map.parts.map((part) => ({ ...part, ...change })) });
    expect(await refusal(false)).toMatchObject({ message: like(/does not describe a disk/) });
  });

  it.each(['a.vmdk', '../a.vmdk', '/tmp/../etc/passwd', 'nbd:host', '/etc/pass\0wd'])(
    'that names the file %j',
    async (path) => {
      const map = await facts();
      const originals = map.originals.map((each) => ({ ...each, path }));
      forge({ ...map, originals, parts: map.parts.map((part) => ({ ...part, path })) });
      expect(await refusal(false)).toMatchObject({ message: like(/does not describe a disk/) });
    },
  );

  it('that shows a file outside the machine, unless that file is allowed', async () => {
    const map = await facts();
    const path = '/etc/hostname';
    forge({
      ...map,
      originals: [{ ...map.originals[0], path }],
      parts: map.parts.map((part) => ({ ...part, path })),
    });
    expect(await refusal(false)).toMatchObject({
      message: like(/outside the machine, and nobody has agreed/),
    });
    expect(await refusal(false, [at(''), path])).toMatchObject({ code: 'BROKEN_MACHINE' });
  });

  it('whose parts are longer than the file, or refer to other files', async () => {
    const map = await facts();
    forge({ ...map, parts: map.parts.map((part) => ({ ...part, length: part.length + 2 ** 30 })) });
    expect(await refusal()).toMatchObject({ message: like(/too short/) });
    forge(map);
    const name = Buffer.from('/etc/passwd-is-what-i-want-to-see-here');
    patch('a.map', readFileSync(at('a.map')).indexOf('kame-map:'), name);
    expect(await refusal()).toMatchObject({ message: like(/tables are not as they were written/) });
  });

  it('whose inner tables are damaged', async () => {
    const content = readFileSync(at('a.map'));
    // The second qcow2 in it.
    const inner = content.indexOf('QFI\u00fb', 512, 'latin1');
    patch('a.map', inner + 20, Buffer.from([0, 0, 0, 40]));
    expect(await refusal()).toMatchObject({ message: like(/cluster size is 2\^40/) });
  });

  it('as a disk by itself', async () => {
    expect(await refused(probeImage(at('a.map')))).toMatchObject({ code: 'BAD_IMAGE' });
    expect(await refused(readChain(at('a.map'), { inside: [at('')] }))).toMatchObject({
      message: like(/is no disk by itself/),
    });
  });
});

describe('an original', () => {
  it('that was written to, with its old time, is noticed by its content id', async () => {
    const id = readFileSync(at('a.vmdk')).indexOf('CID=');
    patch('a.vmdk', id + 4, Buffer.from('12345678'));
    await readChain(at('top.qcow2'), { inside: [at('')], tables: false });
    expect(await refusal()).toMatchObject({
      code: 'BROKEN_MACHINE',
      message: like(/content id is 12345678/),
    });
  });

  it('is not followed through a link', async () => {
    renameSync(at('a.vmdk'), at('moved.vmdk'));
    symlinkSync('moved.vmdk', at('a.vmdk'));
    expect(await refusal()).toMatchObject({ code: 'BAD_IMAGE', message: like(/is a symbolic link/) });
  });

  it('that was copied with its time is the same', async () => {
    const { atime, mtime } = statSync(at('a.vmdk'));
    renameSync(at('a.vmdk'), at('old.vmdk'));
    writeFileSync(at('a.vmdk'), readFileSync(at('old.vmdk')));
    utimesSync(at('a.vmdk'), atime, mtime);
    expect((await readChain(at('top.qcow2'), { inside: [at('')] })).backing?.map?.size).toBe(noise.length);
  });
});
