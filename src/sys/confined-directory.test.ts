import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { ConfinedDirectory } from './confined-directory.ts';

const makeDirectory = useTemporaryDirectory();
const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

async function namesOf(directory: ConfinedDirectory): Promise<string[]> {
  const found: string[] = [];
  for await (const name of directory.names()) found.push(name);
  return found.sort();
}

describe.each([
  ['by descriptors', { byPath: false }],
  ['by paths', { byPath: true }],
])('a confined directory, %s', (_, options) => {
  /** A directory `in` with a file, beside a file `out`. */
  function layOut(): { readonly root: string; readonly path: string } {
    const root = realpathSync(makeDirectory());
    const path = join(root, 'in');
    mkdirSync(join(path, 'sub'), { recursive: true });
    writeFileSync(join(path, 'file'), 'content');
    writeFileSync(join(root, 'out'), 'secret');
    return { root, path };
  }
  const open = async (path: string) => await ConfinedDirectory.open(path, options);

  it('reads, writes, makes, moves, lists and removes by names', async () => {
    const { path } = layOut();
    await using directory = await open(path);
    await using sub = await directory.enter('sub');
    {
      await using file = await directory.openToRead('file');
      expect(String(await file.read(Buffer.alloc(100), 3))).toBe('tent');
      expect((await file.stat()).size).toBe(7n);
    }
    {
      await using made = await sub.create('new');
      await made.append(Buffer.from('one '));
      await made.append(Buffer.from('two'));
      await made.chmod(0o6755);
      await made.setTime(1000);
    }
    expect(readFileSync(join(path, 'sub', 'new'), 'utf8')).toBe('one two');
    expect(statSync(join(path, 'sub', 'new')).mode & 0o7777).toBe(0o755);
    expect(statSync(join(path, 'sub', 'new')).mtimeMs).toBe(1_000_000);
    await sub.move('new', directory, 'moved');
    await directory.makeDirectory('made');
    expect(await namesOf(directory)).toEqual(['file', 'made', 'moved', 'sub']);
    await directory.removeFile('moved');
    await directory.removeDirectory('made');
    expect(await directory.entry('made')).toBeUndefined();
    expect((await directory.space()).free).toBeGreaterThan(0);
  });

  it('takes no paths and no other names that lead elsewhere', async () => {
    const { path } = layOut();
    await using directory = await open(path);
    for (const name of ['', '.', '..', '../out', 'sub/../../out', '/etc/passwd', 'a\0b', 'x'.repeat(256)]) {
      await expect(directory.entry(name)).rejects.toEqual(code('EINVAL'));
      await expect(directory.create(name)).rejects.toEqual(code('EINVAL'));
      await expect(directory.move('file', directory, name)).rejects.toEqual(code('EINVAL'));
    }
    expect(existsSync(join(path, 'file'))).toBe(true);
  });

  it('follows no links, neither of files nor of directories, and opens only regular files', async () => {
    const { root, path } = layOut();
    symlinkSync(join(root, 'out'), join(path, 'link'));
    symlinkSync(root, join(path, 'up'));
    execFileSync('mkfifo', [join(path, 'pipe')]);
    await using directory = await open(path);
    expect((await directory.entry('link'))?.isSymbolicLink()).toBe(true);
    await expect(directory.openToRead('link')).rejects.toEqual(code('EACCES'));
    await expect(directory.openToChange('link')).rejects.toEqual(code('EACCES'));
    await expect(directory.create('link')).rejects.toEqual(code('EEXIST'));
    await expect(directory.openToRead('pipe')).rejects.toEqual(code('EACCES'));
    await expect(directory.enter('up')).rejects.toMatchObject({
      code: expect.stringMatching(/ELOOP|ENOTDIR/) as string,
    });
    await directory.removeFile('link');
    expect(readFileSync(join(root, 'out'), 'utf8')).toBe('secret');
  });

  it('is not opened through a link', async () => {
    const { root, path } = layOut();
    symlinkSync(path, join(root, 'link'));
    await expect(open(join(root, 'link'))).rejects.toMatchObject({
      code: expect.stringMatching(/ELOOP|ENOTDIR/) as string,
    });
    await expect(open(join(root, 'link', 'sub'))).rejects.toEqual(code('ELOOP'));
    await expect(open(join(path, 'file'))).rejects.toEqual(code('ENOTDIR'));
  });

  it('does not lead elsewhere when a link takes its place while it is open', async () => {
    const { root, path } = layOut();
    const outside = join(root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'file'), 'secret');
    await using directory = await open(path);
    await using sub = await directory.enter('sub');
    renameSync(join(path, 'sub'), join(root, 'aside'));
    symlinkSync(outside, join(path, 'sub'));
    // By descriptors it is the directory that was opened, wherever that is now; by paths nothing.
    const read = await sub.openToRead('file').then(
      async (file) => await file[Symbol.asyncDispose](),
      (error: unknown) => error,
    );
    expect(read).toEqual(code(options.byPath ? 'ELOOP' : 'ENOENT'));
    const made = await sub.makeDirectory('made').catch((error: unknown) => error);
    expect(made).toEqual(options.byPath ? code('ELOOP') : undefined);
    expect(existsSync(join(outside, 'made'))).toBe(false);
    expect(existsSync(join(root, 'aside', 'made'))).toBe(!options.byPath);
  });

  it('leaves out names that are no UTF-8, and a hard link is a file', async () => {
    const { path } = layOut();
    writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff, 0xfe])]), '');
    writeFileSync(join(path, 'ü €'), '');
    linkSync(join(path, 'file'), join(path, 'hard'));
    await using directory = await open(path);
    expect(await namesOf(directory)).toEqual(['file', 'hard', 'sub', 'ü €']);
    rmSync(join(path, 'hard'));
  });
});
