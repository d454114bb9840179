import { describe, expect, it } from 'vitest';
import { refused } from '../../../test/support/refused.ts';
import { readDeb, type DebOptions } from './deb.ts';
import { makeAr, makeTar, type TarMember } from './fixtures/archives.ts';
import { storeXz } from './fixtures/store-xz.ts';

const long = `${'directory/'.repeat(20)}file`;
const members: TarMember[] = [
  { name: './', type: '5', mode: 0o755 },
  { name: './usr/bin/tool', data: Buffer.from('x'.repeat(700)), mode: 0o755 },
  { name: './bin', type: '2', link: '../../etc/passwd' },
  { name: '././@LongLink', type: 'L', data: Buffer.from(`${long}\0`) },
  { name: 'short', data: Buffer.from('long') },
  { name: 'device', type: '3' },
];

async function read(
  tar: readonly TarMember[] | { readonly bytes: Buffer },
  options: Partial<DebOptions> = {},
) {
  const archive = 'bytes' in tar ? tar.bytes : makeTar(tar);
  const deb = makeAr({ 'debian-binary': Buffer.from('2.0\n'), 'data.tar.xz': storeXz(archive) });
  return await readDeb(deb, { name: 'test', want: () => true, ...options });
}

describe('readDeb', () => {
  it('reads what a package would put somewhere', async () => {
    const files = [...(await read(members)).values()];
    expect(files.map(({ path, type, data }) => [path, type, data.length])).toEqual([
      ['', 'directory', 0],
      ['usr/bin/tool', 'file', 700],
      ['bin', 'symlink', 0],
      [long, 'file', 4],
      ['device', 'other', 0],
    ]);
    expect(files.map(({ mode, linkName }) => [mode, linkName])).toContainEqual([0o755, '']);
    expect(files[2]?.linkName).toBe('../../etc/passwd');
  });

  it('skips what is not wanted', async () => {
    const files = await read(members, { want: ({ path }) => path === long });
    expect([...files.keys()]).toEqual([long]);
    expect(Buffer.from(files.get(long)?.data ?? []).toString()).toBe('long');
  });

  it.each([
    ['a path that leads out', [{ name: '../etc/passwd' }], /not allowed/],
    ['a file that is too large', [{ name: 'huge', size: 8 * 1024 ** 3 - 1 }], /bytes/],
    [
      'an end in the middle',
      { bytes: makeTar(members).subarray(0, 1500) },
      /test is not usable: it (is truncated|ends)/,
    ],
  ])('refuses %s', async (_what, tar, message) => {
    expect(await refused(read(tar))).toMatchObject({
      code: 'BAD_IMAGE',
      message: expect.stringMatching(message),
    });
  });

  it('names a package that has no data', async () => {
    const deb = makeAr({ 'debian-binary': Buffer.from('2.0\n'), 'data.tar.zst': Buffer.alloc(4) });
    const error = await refused(readDeb(deb, { name: 'test', want: () => true }));
    expect(error.message).toBe('The package test has no data.tar.xz, only debian-binary, data.tar.zst.');
  });
});
