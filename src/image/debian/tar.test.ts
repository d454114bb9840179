import { describe, expect, it } from 'vitest';
import { makeTar, type TarMember } from './fixtures/archives.ts';
import { readTar, safePath, type TarFile, type TarOptions } from './tar.ts';

async function* pieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

async function read(data: Uint8Array, options: Partial<TarOptions> = {}, size = 1000): Promise<TarFile[]> {
  const files: TarFile[] = [];
  for await (const file of readTar(pieces(data, size), { name: 'test', want: () => true, ...options }))
    files.push(file);
  return files;
}

const long = `${'directory/'.repeat(20)}file`;
const members: TarMember[] = [
  { name: './', type: '5', mode: 0o755 },
  { name: './usr/bin/tool', data: Buffer.from('x'.repeat(700)), mode: 0o755 },
  { name: './bin', type: '2', link: '../../etc/passwd' },
  { name: '././@LongLink', type: 'L', data: Buffer.from(`${long}\0`) },
  { name: 'short', data: Buffer.from('long') },
  { name: 'pax', type: 'x', data: Buffer.from('22 path=from/pax/name\n') },
  { name: 'short', data: Buffer.from('pax') },
  { name: 'device', type: '3' },
];

describe('readTar', () => {
  it.each([1, 7, 512, 100_000])('reads entries from chunks of %i bytes', async (size) => {
    const files = await read(makeTar(members), {}, size);
    expect(files.map((file) => [file.name, file.type, file.data.length])).toEqual([
      ['', 'directory', 0],
      ['usr/bin/tool', 'file', 700],
      ['bin', 'symlink', 0],
      [long, 'file', 4],
      ['from/pax/name', 'file', 3],
      ['device', 'other', 0],
    ]);
    expect(files[1]?.mode).toBe(0o755);
    expect(files[2]?.linkName).toBe('../../etc/passwd');
  });

  it('skips entries that are not wanted', async () => {
    const files = await read(makeTar(members), { want: (entry) => entry.name === 'from/pax/name' });
    expect(files.map((file) => Buffer.from(file.data).toString())).toEqual(['pax']);
  });

  it.each(['../etc/passwd', 'usr/../../etc/passwd', '/etc/passwd'])('refuses the path %s', async (name) => {
    await expect(read(makeTar([{ name, data: Buffer.from('x') }]))).rejects.toMatchObject({
      code: 'BAD_IMAGE',
    });
  });

  it('rejects such a path in a long name too', async () => {
    const hostile = makeTar([{ name: 'x', type: 'L', data: Buffer.from('a/../../b\0') }, { name: 'y' }]);
    await expect(read(hostile)).rejects.toMatchObject({ code: 'BAD_IMAGE' });
  });

  it('rejects an archive that is truncated at any block', async () => {
    const whole = makeTar(members.slice(0, 2));
    const end = whole.length - 1024;
    for (let length = 0; length <= end; length += 100) {
      await expect(read(whole.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
        code: 'BAD_IMAGE',
      });
    }
  });

  it('refuses a wrong checksum, a huge file, and too many entries', async () => {
    const damaged = makeTar(members);
    damaged[600] = (damaged[600] as number) ^ 1;
    await expect(read(damaged)).rejects.toThrow(/checksum/);
    const huge = makeTar([{ name: 'huge', size: 8 * 1024 ** 3 - 1 }]);
    await expect(read(huge)).rejects.toThrow(/bytes/);
    await expect(read(makeTar(members), { maxEntries: 3 })).rejects.toThrow(/more than 3 entries/);
    const name = makeTar([{ name: 'x', type: 'L', size: 1024 ** 3 }]);
    await expect(read(name)).rejects.toThrow(/too long/);
  });
});

describe('safePath', () => {
  it('normalises safe paths and rejects others', () => {
    expect(safePath('./a//b/./c')).toBe('a/b/c');
    expect(safePath('a..b/c')).toBe('a..b/c');
    for (const bad of ['..', 'a/..', '/a', 'a\0b', 'x'.repeat(5000)]) expect(safePath(bad)).toBeUndefined();
  });
});
