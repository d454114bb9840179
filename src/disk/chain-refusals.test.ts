import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  bundle,
  inside,
  makeBase,
  overlay,
  patch,
  refusalOf,
  root,
  size,
  useBundle,
} from '../../test/support/disk-chain.ts';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { readChain } from './chain.ts';

useBundle();

describe('readChain rejects', () => {
  it('a top that is not a disk', async () => {
    expect(await refusalOf(join(bundle, 'none.qcow2'))).toMatch(
      /^FILE_ACCESS: .*none\.qcow2 does not exist\.$/,
    );
    const iso = Buffer.alloc(64 * 1024);
    iso.write('CD001', 32_769, 'latin1');
    writeFileSync(join(bundle, 'cd.iso'), iso);
    expect(await refusalOf(join(bundle, 'cd.iso'))).toMatch(/^BAD_IMAGE: .*an ISO image.*\.$/);
    writeFileSync(join(bundle, 'x.vmdk'), Buffer.from('KDMV'.padEnd(1024)));
    expect(await refusalOf(join(bundle, 'x.vmdk'))).toMatch(/^BAD_IMAGE: .*a VMDK image.*\.$/);
  });

  it.each([
    '/etc/passwd',
    '/dev/zero',
    '/etc/../etc/passwd',
    '../outside.qcow2',
    '../m.vmwarevm/../outside.qcow2',
    './../outside.qcow2',
    '../m.vmwarevm-2/disk.qcow2',
    'link/outside.qcow2',
    'link/../outside.qcow2',
  ])('the reference %j', async (name) => {
    mkdirSync(join(root, 'm.vmwarevm-2'));
    makeBase(join(root, 'outside.qcow2'));
    copyFileSync(join(root, 'outside.qcow2'), join(root, 'm.vmwarevm-2/disk.qcow2'));
    // Judging only by its text, `link/../outside.qcow2` would be an existing file in the bundle.
    mkdirSync(join(root, 'deep'));
    copyFileSync(join(root, 'outside.qcow2'), join(bundle, 'outside.qcow2'));
    copyFileSync(join(root, 'outside.qcow2'), join(root, 'deep/outside.qcow2'));
    symlinkSync(join(root, 'deep'), join(bundle, 'link'));
    const top = await overlay('top.qcow2', name);
    const refusal = await refusalOf(top);
    expect(refusal).toMatch(/^BAD_IMAGE: .*top\.qcow2 has a foreign backing reference: .* is outside/);
    expect(refusal).toContain(JSON.stringify(name));
    const wider = await refusalOf(top, { inside: [root] });
    expect(wider === 'not refused').toBe(!name.startsWith('/'));
  });

  it.each(['nbd:localhost:10809', 'json:{"driver":"null-co"}', 'file:disk0.qcow2', 'fat:rw:/etc', ':'])(
    'the protocol %j',
    async (name) => {
      makeBase(join(bundle, 'disk0.qcow2'));
      const top = await overlay('top.qcow2', 'x'.repeat(Buffer.byteLength(name)));
      patch(top, 136, Buffer.from(name));
      expect(await refusalOf(top)).toMatch(
        /^BAD_IMAGE: .*top\.qcow2 has a foreign backing reference.*is not a file/,
      );
    },
  );

  it.each(['.', '..', 'a/', 'a\0b', 'a/..', '\0', '\u00ff'])('the name %j', async (name) => {
    const top = await overlay('top.qcow2', 'x'.repeat(name.length));
    patch(top, 136, Buffer.from(name, 'latin1'));
    expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*top\.qcow2.*\.$/);
  });

  it('a symbolic link, a directory, a pipe and an empty file as a layer', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    symlinkSync('disk0.qcow2', join(bundle, 'link.qcow2'));
    mkdirSync(join(bundle, 'directory'));
    execFileSync('mkfifo', [join(bundle, 'pipe')]);
    writeFileSync(join(bundle, 'empty'), '');
    const cases = [
      ['link.qcow2', /symbolic link/],
      ['directory', /directory/],
      ['pipe', /pipe/],
      ['empty', /empty/],
    ] as const;
    for (const [name, reason] of cases) {
      const refusal = await refusalOf(await overlay(`over-${name}`, name, 'raw'));
      expect(refusal).toMatch(reason);
      expect(refusal).toMatch(new RegExp(`^BAD_IMAGE: .*${name}.*over-${name}.*\\.$`));
    }
  });

  it('a missing layer, naming it and the layer that needs it', async () => {
    await overlay('disk0-000001.qcow2', 'disk0.qcow2');
    const top = await overlay('disk0-000002.qcow2', 'disk0-000001.qcow2');
    expect(await refusalOf(top)).toBe(
      `FILE_ACCESS: ${bundle}/disk0.qcow2 does not exist, but it is the backing file of ${bundle}/disk0-000001.qcow2, which is unusable without it.`,
    );
    await expect(readChain(top, { inside })).rejects.toMatchObject({
      next: expect.stringContaining('Move the missing file back'),
    });
    const far = await overlay('far.qcow2', '/nowhere/at/all/disk0.qcow2');
    expect(await refusalOf(far)).toMatch(
      /^FILE_ACCESS: \/nowhere\/at\/all\/disk0\.qcow2 does not exist, .*far/,
    );
  });

  it('a chain that loops, by name or by a hard link', async () => {
    const self = await overlay('self.qcow2', 'self.qcow2');
    expect(await refusalOf(self)).toMatch(/^BAD_IMAGE: .*self\.qcow2 is part of a loop.*\.$/);
    await overlay('a.qcow2', 'b.qcow2');
    await overlay('b.qcow2', 'c.qcow2');
    await overlay('c.qcow2', 'a.qcow2');
    const top = await overlay('top.qcow2', 'a.qcow2');
    expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*c\.qcow2 is part of a loop.*"a\.qcow2"\.$/);
    const linked = await overlay('linked.qcow2', 'other.qcow2');
    linkSync(linked, join(bundle, 'other.qcow2'));
    expect(await refusalOf(linked)).toMatch(/^BAD_IMAGE: .*is part of a loop/);
  });

  it('a format other than qcow2 and raw, or other than that of the file', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    writeFileSync(join(bundle, 'disk0.raw'), Buffer.alloc(size, 'x'));
    const wrong = await overlay('wrong.qcow2', 'disk0.qcow2', 'raw');
    expect(await refusalOf(wrong)).toMatch(
      /^BAD_IMAGE: .*wrong\.qcow2 says .*"disk0\.qcow2" is raw, but it is qcow2/,
    );
    const other = await overlay('other.qcow2', 'disk0.raw', 'qcow2');
    expect(await refusalOf(other)).toMatch(
      /^BAD_IMAGE: .*other\.qcow2 says .*"disk0\.raw" is qcow2, but it is not\.$/,
    );
    const vmdk = await overlay('vmdk.qcow2', 'disk0.qcow2');
    patch(vmdk, 120, Buffer.from('vmdk\0'));
    patch(vmdk, 116, Buffer.from([0, 0, 0, 4]));
    expect(await refusalOf(vmdk)).toMatch(/^BAD_IMAGE: .*vmdk\.qcow2 says .* is "vmdk"; only qcow2 and raw/);
  });

  it('a raw layer without a format in the header; qcow2 needs none', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    writeFileSync(join(bundle, 'disk0.raw'), Buffer.alloc(size, 'x'));
    const silent = async (backing: string): Promise<string> => {
      const path = await overlay(`over-${backing}`, backing);
      // An unknown extension in place of the format.
      patch(path, 112, Buffer.from('12345678', 'hex'));
      return path;
    };
    expect(await refusalOf(await silent('disk0.raw'))).toMatch(
      /^BAD_IMAGE: .*over-disk0\.raw does not give the format of .*"disk0\.raw"\.$/,
    );
    expect(await refusalOf(await silent('disk0.qcow2'))).toBe('not refused');
  });

  it('a layer with an external data file, an encrypted one, and a corrupt top', async () => {
    const outside = join(bundle, 'data.qcow2');
    const option = `data_file=${join(root, 'data')},data_file_raw=on`;
    qemuImg('create', '-q', '-f', 'qcow2', '-o', option, outside, String(size));
    const overData = await overlay('over-data.qcow2', 'data.qcow2');
    expect(await refusalOf(overData)).toMatch(/^BAD_IMAGE: .*data\.qcow2 keeps its data in an external file/);
    const base = makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('top.qcow2', 'disk0.qcow2');
    patch(base, 32, Buffer.from([0, 0, 0, 2]));
    expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*disk0\.qcow2 is encrypted\.$/);
    patch(top, 72, Buffer.from('0000000000000002', 'hex'));
    expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*top\.qcow2 is marked as corrupt/);
    patch(base, 32, Buffer.alloc(4));
    expect(await readChain(top, { inside, tables: false })).toMatchObject({ corrupt: true });
  });

  it('two formats in one header, and extensions that overlap the name', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    const long = await overlay('long.qcow2', 'disk0.qcow2');
    patch(long, 116, Buffer.from([0, 0, 0, 200]));
    expect(await refusalOf(long)).toMatch(/^BAD_IMAGE: .*long\.qcow2 is damaged: a header extension/);
    const twice = await overlay('twice.qcow2', 'x'.repeat(40));
    // The second format replaces the start of the name, which moves after it.
    const second = Buffer.from('e2792aca00000003726177000000000000000000000000', 'hex');
    patch(twice, 128, second);
    patch(twice, 8, Buffer.from([0, 0, 0, 0, 0, 0, 0, 160]));
    patch(twice, 160, Buffer.from('disk0.qcow2'));
    patch(twice, 16, Buffer.from([0, 0, 0, 11]));
    expect(await refusalOf(twice)).toMatch(
      /^BAD_IMAGE: .*twice\.qcow2 is damaged: the format of its backing/,
    );
  });
});
