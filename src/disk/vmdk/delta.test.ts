import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at, makeVmdk, readVmdk, useVmdks } from '../../../test/support/vmdk.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { cowdExtent, writeDescriptor } from '../../../test/support/vmdk-kinds.ts';

useVmdks();

const grain = 64 * 1024;
const base = Buffer.concat([Buffer.alloc(2 * grain, 'b'), Buffer.alloc(6 * grain), Buffer.alloc(grain, 'e')]);

/** A delta as qemu-img makes it, with the content of `changes` written to it. */
function makeDelta(
  name: string,
  parent: string,
  changes: readonly (readonly [grain: number, byte: number])[],
) {
  qemuImg('create', '-f', 'vmdk', '-b', at(parent), '-F', 'vmdk', at(name));
  const bytes = readFileSync(at(name));
  const hint = bytes.indexOf('parentFileNameHint=');
  const end = bytes.indexOf('\n', hint);
  const line = Buffer.alloc(end - hint, ' ');
  line.write(`parentFileNameHint="${parent}"`);
  line.copy(bytes, hint);
  const directory = Number(bytes.readBigUInt64LE(56)) * 512;
  const table = bytes.readUInt32LE(directory) * 512;
  const parts: Buffer[] = [bytes];
  let size = bytes.length;
  for (const [index, byte] of changes) {
    const pad = (grain - (size % grain)) % grain;
    parts.push(Buffer.alloc(pad), Buffer.alloc(grain, byte));
    bytes.writeUInt32LE((size + pad) / 512, table + index * 4);
    size += pad + grain;
  }
  writeFileSync(at(name), Buffer.concat(parts));
}

const cidOf = (name: string) => /\bCID=([0-9a-f]+)/.exec(readFileSync(at(name), 'latin1'))?.[1] ?? '';

function esx(name: string, parent: string, extent: Buffer): void {
  writeDescriptor(name, {
    createType: 'vmfsSparse',
    cid: '1',
    parent: { name: parent, cid: cidOf(parent) },
    extents: [`RW ${base.length / 512} VMFSSPARSE "${name}-delta"`],
  });
  writeFileSync(at(`${name}-delta`), extent);
}

describe('a delta', () => {
  it('shows its own grains, and those of its parents everywhere else', async () => {
    makeVmdk('base.vmdk', 'monolithicSparse', base);
    makeDelta('one.vmdk', 'base.vmdk', [
      [1, 0x31],
      [4, 0x31],
    ]);
    makeDelta('two.vmdk', 'one.vmdk', [[4, 0x32]]);
    const content = Buffer.from(base)
      .fill(0x31, grain, 2 * grain)
      .fill(0x32, 4 * grain, 5 * grain);
    expect((await readVmdk(at('two.vmdk'))).toString('hex')).toBe(content.toString('hex'));
  });

  it('hides what its parent has by a grain of zeros', async () => {
    makeVmdk('base.vmdk', 'monolithicSparse', base);
    makeDelta('one.vmdk', 'base.vmdk', []);
    const bytes = readFileSync(at('one.vmdk'));
    bytes.writeUInt32LE(bytes.readUInt32LE(8) | 4, 8);
    bytes.writeUInt32LE(1, bytes.readUInt32LE(Number(bytes.readBigUInt64LE(56)) * 512) * 512);
    writeFileSync(at('one.vmdk'), bytes);
    const content = Buffer.from(base).fill(0, 0, grain);
    expect((await readVmdk(at('one.vmdk'))).toString('hex')).toBe(content.toString('hex'));
  });

  it('of ESX is read, in grains of a sector, on a split or a flat base', async () => {
    const sector = Buffer.alloc(512, 'd');
    for (const subformat of ['twoGbMaxExtentSparse', 'monolithicFlat']) {
      makeVmdk('base.vmdk', subformat, base);
      esx(
        'x.vmdk',
        'base.vmdk',
        cowdExtent(
          base.length / 512,
          new Map([
            [3, sector],
            [300, sector],
          ]),
        ),
      );
      const content = Buffer.from(base)
        .fill('d', 3 * 512, 4 * 512)
        .fill('d', 300 * 512, 301 * 512);
      expect((await readVmdk(at('x.vmdk'))).toString('hex')).toBe(content.toString('hex'));
    }
  });

  it('is refused without its parent, with another one, and in a loop', async () => {
    makeVmdk('base.vmdk', 'monolithicSparse', base);
    makeDelta('one.vmdk', 'base.vmdk', []);
    makeVmdk('base.vmdk', 'monolithicFlat', base.subarray(grain));
    const text = readFileSync(at('base.vmdk'), 'latin1');
    writeFileSync(at('base.vmdk'), text.replace(/\bCID=\w+/, 'CID=00000007'), 'latin1');
    expect(await readVmdk(at('one.vmdk'))).toMatch(/does not fit its parent .*CID 00000007/);
    esx('a.vmdk', 'base.vmdk', cowdExtent(8, new Map()));
    const loop = readFileSync(at('a.vmdk'), 'latin1');
    writeFileSync(
      at('a.vmdk'),
      loop.replace(/parentCID=\w+/, 'parentCID=1').replace('"base.vmdk"', '"a.vmdk"'),
    );
    expect(await readVmdk(at('a.vmdk'))).toMatch(/is part of a loop/);
    writeFileSync(at('a.vmdk'), loop.replace('"base.vmdk"', '"gone.vmdk"'));
    expect(await readVmdk(at('a.vmdk'))).toMatch(/needs its parent "gone\.vmdk"/);
  });
});
