import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import type { ArchiveEntry } from './tar/entry.ts';
import { extract, finishDirectories } from './extract.ts';
import { measure, pack } from './pack.ts';
import { place } from './place.ts';
import { endOfArchive, headerOf } from './tar-header.ts';
import { readArchive, type ArchiveLimits } from './tar-read.ts';

const directory = useTemporaryDirectory();
const { signal } = new AbortController();
const refuse = (reason: string) => new Error(reason);

type Known = ArchiveEntry & { readonly type: Exclude<ArchiveEntry['type'], 'other'> };

function entry(path: string, more: Partial<Known> = {}): Known {
  const { type = 'file' } = more;
  return { path, type, mode: 0o644, uid: 0, gid: 0, mtime: 1_600_000_000, size: 0, linkName: '', ...more };
}

async function* chunked(bytes: Buffer, size = 700): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function listed(bytes: Buffer, limits: Partial<ArchiveLimits> = {}): Promise<[ArchiveEntry, string][]> {
  const found: [ArchiveEntry, string][] = [];
  for await (const { entry: each, content } of readArchive(chunked(bytes), { refuse, limits })) {
    const parts: Buffer[] = [];
    for await (const part of content) parts.push(Buffer.from(part));
    found.push([each, Buffer.concat(parts).toString('latin1')]);
  }
  return found;
}

async function laidOut(bytes: Buffer, target = directory()): Promise<string> {
  const items = readArchive(chunked(bytes), { refuse });
  const { directories } = await extract(items, { directory: target, owner: false, refuse, signal });
  await finishDirectories(directories, false, ({ path }) => join(target, path));
  return target;
}

/** A header whose fields were changed, with the right checksum. */
function forged(from: Known, change: (block: Buffer) => void): Buffer {
  const block = headerOf(from);
  change(block);
  block.write('        ', 148, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function pax(record: string): Buffer {
  const content = Buffer.alloc(512);
  const length =
    [...Array(4).keys()]
      .map((digits) => record.length + 2 + digits)
      .find((n) => String(n).length + 1 + record.length + 1 === n) ?? 0;
  content.write(`${length} ${record}\n`);
  const header = forged(entry('x', { size: length }), (block) => block.write('x', 156));
  return Buffer.concat([header, content]);
}

describe('a tar archive', () => {
  it('is read as it was written, also with long names and large numbers', async () => {
    const entries = [
      entry('a'.repeat(200), { size: 3 }),
      entry(`${'d/'.repeat(100)}é`, { type: 'symlink', linkName: 'x'.repeat(300) }),
      entry('empty dir', { type: 'directory', mode: 0o1755 }),
      entry('large uid', { uid: 3_000_000_000 }),
      entry('hard', { type: 'link', linkName: 'large uid' }),
    ];
    const parts = entries.flatMap((each) =>
      each.size > 0 ? [headerOf(each), Buffer.from('abc'), Buffer.alloc(509)] : [headerOf(each)],
    );
    expect(await listed(Buffer.concat([...parts, endOfArchive]))).toEqual(
      entries.map((each) => [each, each.size > 0 ? 'abc' : '']),
    );
  });

  it.each(['gnu', 'pax', 'ustar'])('of GNU tar in its format %s is read', async (format) => {
    const root = directory();
    const name = format === 'ustar' ? 'short' : 'ü'.repeat(70);
    writeFileSync(join(root, name), 'content');
    symlinkSync('nowhere', join(root, 'link'));
    const made = spawnSync('tar', ['c', `--format=${format}`, '-C', root, '.']);
    const found = (await listed(made.stdout)).filter(([{ path }]) => path !== '');
    const texts = found.map(([{ path, type }, content]) => `${path} ${type} ${content}`);
    expect(new Set(texts)).toEqual(new Set(['link symlink ', `${name} file content`]));
  });

  it.each<[string, Buffer, RegExp]>([
    ['an absolute path', headerOf(entry('/etc/passwd')), /not allowed/],
    ['a path that leads out', headerOf(entry('a/../../b')), /not allowed/],
    ['a hard link that leads out', headerOf(entry('a', { type: 'link', linkName: '../b' })), /not allowed/],
    ['a long path that leads out', headerOf(entry(`${'a/'.repeat(80)}../..`)), /not allowed/],
    ['a pax path that leads out', Buffer.concat([pax('path=../x'), headerOf(entry('a'))]), /not allowed/],
    ['a path that is too deep', headerOf(entry('a/'.repeat(200))), /not allowed/],
    ['a name that is too long', headerOf(entry('a'.repeat(256))), /not allowed/],
    [
      'a pax size that is no number',
      Buffer.concat([pax('size=1e9'), headerOf(entry('a'))]),
      /pax header is malformed/,
    ],
    [
      'a sparse file',
      Buffer.concat([pax('GNU.sparse.major=1'), headerOf(entry('a'))]),
      /pax header is malformed/,
    ],
    [
      'a name that is not UTF-8',
      forged(entry('aa'), (block) => block.write('\xff', 0, 'latin1')),
      /not UTF-8/,
    ],
    ['a wrong checksum', Buffer.from(headerOf(entry('a'))).fill(0x41, 0, 1), /checksum/],
    ['an unknown kind', forged(entry('a'), (block) => block.write('S', 156)), /unknown kind/],
    [
      'a directory with content',
      forged(entry('a', { size: 5 }), (block) => block.write('5', 156)),
      /not a file/,
    ],
    [
      'an endless long name',
      forged(entry('a', { size: 2 ** 40 }), (block) => block.write('L', 156)),
      /too long/,
    ],
    ['a file that is cut off', headerOf(entry('a', { size: 5000 })), /ends inside/],
    ['no end', headerOf(entry('a')), /truncated/],
    ['a link to nothing', headerOf(entry('a', { type: 'symlink' })), /leads nowhere/],
  ])('with %s is refused', async (_what, bytes, words) => {
    const end = /truncated|ends inside/.test(words.source) ? Buffer.alloc(0) : endOfArchive;
    await expect(listed(Buffer.concat([bytes, end]))).rejects.toThrow(words);
  });

  it('with more entries, bytes or names than allowed is refused', async () => {
    const bytes = Buffer.concat([
      headerOf(entry('a')),
      headerOf(entry('b', { size: 1000 })),
      Buffer.alloc(1024),
      endOfArchive,
    ]);
    await expect(listed(bytes, { maxEntries: 1 })).rejects.toThrow('more than 1 entries');
    await expect(listed(bytes, { maxBytes: 999 })).rejects.toThrow('more than 999 bytes');
    const names = Buffer.concat([
      headerOf(entry('x'.repeat(150))),
      headerOf(entry('link', { type: 'symlink', linkName: 'y'.repeat(200) })),
      endOfArchive,
    ]);
    expect(await listed(names, { maxNameBytes: 354 })).toHaveLength(2);
    await expect(listed(names, { maxNameBytes: 353 })).rejects.toThrow('names have more than 353 bytes');
  });
});

describe('what is packed', () => {
  it('is laid out with its permissions, times, links and holes', async () => {
    const root = join(directory(), 'tree');
    mkdirSync(join(root, 'locked'), { recursive: true });
    writeFileSync(join(root, 'locked/file'), 'x', { mode: 0o600 });
    linkSync(join(root, 'locked/file'), join(root, 'same'));
    symlinkSync('../outside', join(root, 'link'));
    writeFileSync(join(root, 'hole'), 'a');
    truncateSync(join(root, 'hole'), 10_000_000);
    utimesSync(join(root, 'locked'), 1_500_000_000, 1_500_000_000);
    chmodSync(join(root, 'locked'), 0o555);
    const parts: Buffer[] = [];
    const sources = [{ path: root, name: 'tree' }];
    for await (const part of pack(sources, { owner: false, signal })) parts.push(Buffer.from(part));
    expect(await measure(sources, signal)).toEqual({ files: 4, bytes: 10_000_002 });
    const target = await laidOut(Buffer.concat(parts));
    const look = (name: string) => lstatSync(join(target, 'tree', name));
    expect(look('locked/file').ino).toBe(look('same').ino);
    expect(look('locked').mode & 0o777).toBe(0o555);
    expect(look('locked').mtimeMs).toBe(1_500_000_000_000);
    expect(look('hole').size).toBe(10_000_000);
    expect(look('hole').blocks * 512).toBeLessThan(1_000_000);
    expect(readlinkSync(join(target, 'tree/link'))).toBe('../outside');
    chmodSync(join(root, 'locked'), 0o755);
    chmodSync(join(target, 'tree/locked'), 0o755);
  });
});

describe('an archive of a hostile guest', () => {
  const dir = (path: string) => headerOf(entry(path, { type: 'directory', mode: 0o755 }));
  const link = (path: string, linkName: string) => headerOf(entry(path, { type: 'symlink', linkName }));

  it.each<[string, Buffer[], RegExp]>([
    ['a file through a link', [link('a', '/tmp'), headerOf(entry('a/b'))], /not in a directory/],
    ['a directory through a link', [link('a', '/tmp'), dir('a'), headerOf(entry('a/b'))], /have the name/],
    [
      'a link in place of a directory',
      [dir('a'), link('a', '/tmp'), headerOf(entry('a/b'))],
      /have the name/,
    ],
    ['a file twice', [headerOf(entry('a')), headerOf(entry('a'))], /have the name/],
    ['a file in no directory', [headerOf(entry('a/b'))], /not in a directory/],
    [
      'a hard link to a link',
      [link('a', '/etc/passwd'), headerOf(entry('b', { type: 'link', linkName: 'a' }))],
      /not a file of the archive/,
    ],
    [
      'a hard link to what is not there',
      [headerOf(entry('b', { type: 'link', linkName: 'a' }))],
      /not a file of the archive/,
    ],
    ['nothing but a root', [dir('.')], /without a name/],
  ])('with %s is refused', async (_what, parts, words) => {
    await expect(laidOut(Buffer.concat([...parts, endOfArchive]))).rejects.toThrow(words);
  });

  it('gives no setuid bits, and neither devices nor pipes', async () => {
    const device = forged(entry('device'), (block) => block.write('3', 156));
    const pipe = forged(entry('pipe'), (block) => block.write('6', 156));
    const target = await laidOut(
      Buffer.concat([headerOf(entry('su', { mode: 0o6755 })), device, pipe, endOfArchive]),
    );
    expect(readdirSync(target)).toEqual(['su']);
    expect(lstatSync(join(target, 'su')).mode & 0o7777).toBe(0o755);
  });
});

describe('putting in place', () => {
  it('adds to directories and replaces files, also links to files', async () => {
    const root = directory();
    for (const path of ['new/d/sub', 'old/d']) mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, 'new/d/file'), 'new');
    writeFileSync(join(root, 'new/d/sub/deep'), 'new');
    writeFileSync(join(root, 'old/outside'), 'untouched');
    symlinkSync('../outside', join(root, 'old/d/file'));
    writeFileSync(join(root, 'old/d/other'), 'kept');
    await place(join(root, 'new/d'), join(root, 'old/d'));
    expect(readFileSync(join(root, 'old/d/file'), 'utf8')).toBe('new');
    expect(readFileSync(join(root, 'old/outside'), 'utf8')).toBe('untouched');
    expect(readdirSync(join(root, 'old/d')).sort()).toEqual(['file', 'other', 'sub']);
  });

  it('is refused before anything is moved if a directory would replace a file, or be reached by a link', async () => {
    const root = directory();
    for (const path of ['new/d/sub', 'old/d', 'away']) mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, 'new/d/file'), 'new');
    symlinkSync(join(root, 'away'), join(root, 'old/d/sub'));
    await expect(place(join(root, 'new/d'), join(root, 'old/d'))).rejects.toThrow('is not a directory');
    expect(readdirSync(join(root, 'old/d'))).toEqual(['sub']);
  });
});
