import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  bundle,
  inside,
  makeBase,
  mebibyte,
  overlay,
  refusalOf,
  root,
  size,
  useBundle,
} from '../../test/support/disk-chain.ts';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { runProgram } from '../../test/support/run-program.ts';
import { depthOf, isUnwritten, layersOf, readChain } from './chain.ts';

useBundle();

describe('readChain', () => {
  it('reads a disk without backing file, qcow2 or raw', async () => {
    const path = makeBase(join(bundle, 'disk0.qcow2'));
    const layer = { path, format: 'qcow2', virtualSize: size, links: 1, backingName: null, corrupt: false };
    expect(await readChain(path, { inside: [] })).toMatchObject(layer);
    expect(await readChain(path, { inside: [] })).not.toHaveProperty('backing');
    const raw = join(bundle, 'disk1.raw');
    writeFileSync(raw, Buffer.alloc(1000, 'x'));
    expect(await readChain(raw, { inside: [] })).toMatchObject({ format: 'raw', virtualSize: 1024 });
  });

  it('reads layers down to a raw one, with the space that each takes on the host', async () => {
    const raw = join(bundle, 'disk0.raw');
    writeFileSync(raw, Buffer.alloc(size, 'x'));
    await overlay('disk0-000001.qcow2', 'disk0.raw', 'raw');
    const top = await overlay('disk0-000002.qcow2', 'disk0-000001.qcow2');
    linkSync(raw, join(root, 'another name'));
    const layers = layersOf(await readChain(top, { inside }));
    expect(layers.map(({ path }) => path)).toEqual([top, join(bundle, 'disk0-000001.qcow2'), raw]);
    expect(layers.map(({ format, links, backingName }) => [format, links, backingName])).toEqual([
      ['qcow2', 1, 'disk0-000001.qcow2'],
      ['qcow2', 1, 'disk0.raw'],
      ['raw', 2, null],
    ]);
    expect(layers.every(({ virtualSize }) => virtualSize === size)).toBe(true);
    expect(layers[2]?.allocatedBytes).toBeGreaterThanOrEqual(size);
    expect(layers[0]?.allocatedBytes).toBeLessThan(mebibyte);
  });

  it('reads 30 layers, as QEMU does, and refuses 257', async () => {
    let below = makeBase(join(bundle, 'disk0.qcow2'));
    for (let index = 1; index <= 256; index += 1) {
      below = await overlay(`disk0-${index}.qcow2`, below.slice(bundle.length + 1));
      if (index !== 30) continue;
      const layers = layersOf(await readChain(below, { inside }));
      const theirs = qemuImg('info', '--backing-chain', '--output=json', '-f', 'qcow2', below);
      const names = (JSON.parse(theirs) as { filename: string }[]).map(({ filename }) => filename);
      expect(layers.map(({ path }) => path)).toEqual(names);
    }
    const deepest = await readChain(join(bundle, 'disk0-255.qcow2'), { inside, tables: false });
    expect(depthOf(deepest)).toBe(256);
    expect(await refusalOf(below, { tables: false })).toMatch(/^BAD_IMAGE: .*disk0-256.*256 layers\.$/);
  });

  it('reads a linked clone, whose base is in the bundle of its parent', async () => {
    const base = makeBase(join(bundle, 'disk0.qcow2'));
    const clone = join(root, 'clone.vmwarevm');
    mkdirSync(clone);
    const top = await overlay(join(clone, 'disk0.qcow2'), base);
    expect((await readChain(top, { inside: [clone, bundle] })).backing?.path).toBe(base);
    expect(await refusalOf(top, { inside: [clone] })).toMatch(
      /^BAD_IMAGE: .*clone.* foreign backing reference: ".*disk0\.qcow2" is outside the machine\.$/,
    );
  });

  it('works if the path of the machines contains a symbolic link', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('disk0-000001.qcow2', 'disk0.qcow2');
    const link = join(root, 'link');
    symlinkSync(bundle, link);
    const through = join(link, 'disk0-000001.qcow2');
    const layers = layersOf(await readChain(through, { inside: [link] }));
    expect(layers.map(({ path }) => path)).toEqual([through, join(bundle, 'disk0.qcow2')]);
    expect(await readChain(top, { inside: [link] })).toHaveProperty('backing');
  });

  it('accepts a chain whose lower layer is shorter', async () => {
    const small = join(bundle, 'small.qcow2');
    qemuImg('create', '-q', '-f', 'qcow2', small, '1M');
    const top = await overlay('top.qcow2', 'small.qcow2');
    expect(layersOf(await readChain(top, { inside })).map((each) => each.virtualSize)).toEqual([
      size,
      mebibyte,
    ]);
  });

  it('reads only headers on request', async () => {
    const base = makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('top.qcow2', 'disk0.qcow2');
    truncateSync(base, readFileSync(base).length - 3 * 65_536);
    expect(layersOf(await readChain(top, { inside, tables: false }))).toHaveLength(2);
    expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*disk0\.qcow2 is truncated.*\.$/);
  });
});

describe('isUnwritten', () => {
  it('is true until the first write, and false ever after', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('top.qcow2', 'disk0.qcow2');
    expect(await isUnwritten(top)).toBe(true);
    runProgram('qemu-io', ['-f', 'qcow2', '-c', 'read 0 8M', top]);
    expect(await isUnwritten(top)).toBe(true);
    runProgram('qemu-io', ['-f', 'qcow2', '-c', 'write -z 3M 64k', top]);
    expect(await isUnwritten(top)).toBe(false);
    expect(await isUnwritten(join(bundle, 'disk0.qcow2'))).toBe(false);
  });

  it('rejects a file that is not qcow2', async () => {
    const raw = join(bundle, 'x.raw');
    writeFileSync(raw, Buffer.alloc(1024));
    await expect(isUnwritten(raw)).rejects.toMatchObject({ code: 'BAD_IMAGE' });
  });
});
