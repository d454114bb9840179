import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { tarOf, type TarFile } from './tar.ts';

function fileOf(name: string, content: string, size?: number): TarFile {
  const blob = new Blob([content]);
  return {
    name,
    size: size ?? blob.size,
    lastModified: 1_700_000_000_000,
    stream: () => blob.stream() as ReadableStream<Uint8Array>,
  };
}

async function archiveOf(...files: TarFile[]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of tarOf(files, { uid: 1000, gid: 100 })) parts.push(part.slice());
  return Buffer.concat(parts);
}

const tar = (args: readonly string[], input: Buffer) =>
  execFileSync('tar', args, { input, env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' } }).toString();

it('makes an archive that tar reads: names, owners, sizes, times', async () => {
  const long = `${'長'.repeat(60)}.txt`;
  const archive = await archiveOf(
    fileOf('a.txt', 'abc'),
    fileOf(long, 'x'.repeat(1024)),
    fileOf('empty', ''),
  );
  expect(archive.length % 512).toBe(0);
  const lines = tar(['--numeric-owner', '--quoting-style=literal', '-tvf', '-'], archive)
    .trimEnd()
    .split('\n');
  expect(lines.map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
    '-rw-r--r-- 1000/100 3 2023-11-14 22:13 a.txt',
    `-rw-r--r-- 1000/100 1024 2023-11-14 22:13 ${long}`,
    '-rw-r--r-- 1000/100 0 2023-11-14 22:13 empty',
  ]);
  expect(tar(['-xOf', '-', 'a.txt'], archive)).toBe('abc');
});

it('lets no name be a path', async () => {
  const archive = await archiveOf(fileOf('../etc/passwd', 'x'));
  expect(tar(['-tf', '-'], archive)).toBe('.._etc_passwd\n');
});

it.each([2, 4])('fails when a file of 3 bytes had %i before', async (size) => {
  await expect(archiveOf(fileOf('a', 'abc', size))).rejects.toThrow('a was changed');
});
