import { execFileSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import {
  isOwnDirectory,
  openLogSync,
  openOwn,
  openToAppend,
  openToWrite,
  readOwn,
  readOwnIfThere,
} from './own-file.ts';

const temporary = useTemporaryDirectory();
let directory = '';
const at = (name: string): string => join(directory, name);
const read = async (name: string, trusted = false) => await readOwn(at(name), { maxBytes: 16, trusted });

beforeEach(() => {
  directory = temporary();
  writeFileSync(at('file'), 'content');
  writeFileSync(at('precious'), 'precious');
  symlinkSync(at('precious'), at('link'));
  symlinkSync(at('nowhere'), at('dangling'));
  linkSync(at('precious'), at('hard'));
  execFileSync('mkfifo', [at('pipe')]);
  mkdirSync(at('directory'));
});

/** All ways to open a file, for the names that must be refused. */
const ways: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'to read': openOwn,
  'to append': openToAppend,
  'to write': openToWrite,
  'as a log': (path) => Promise.resolve().then(() => openLogSync(path)),
};

describe.each(Object.entries(ways))('a file that is opened %s', (_way, open) => {
  it.each([
    ['link', /link is a symbolic link/],
    ['dangling', /dangling is a symbolic link/],
    ['pipe', /pipe is (?:not a regular file|a pipe or a socket)/],
    ['directory', /directory is (?:not a regular file|a directory, not a file), so Kame/],
  ])('is refused at once if it is a %s', async (name, message) => {
    const error: unknown = await open(at(name)).then(
      () => 'opened',
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'FILE_ACCESS', message: expect.stringMatching(message) as string });
    expect(readFileSync(at('precious'), 'utf8')).toBe('precious');
  });
});

describe('a file that is written in place', () => {
  it.each(['to append', 'to write', 'as a log'])('is refused %s if it has another name', async (way) => {
    await expect(ways[way]?.(at('hard'))).rejects.toMatchObject({
      message: expect.stringContaining('hard link') as string,
    });
  });

  it('is created for appending with a mode for its owner only', async () => {
    await using file = await openToAppend(at('new'));
    await file.write('text');
    closeSync(openLogSync(at('new')));
    expect([statSync(at('new')).mode & 0o777, readFileSync(at('new'), 'utf8')]).toEqual([0o600, 'text']);
  });
});

describe('a file that is read', () => {
  it('is returned whole, up to its limit', async () => {
    expect((await read('file')).toString()).toBe('content');
    writeFileSync(at('file'), 'x'.repeat(17));
    await expect(read('file')).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    writeFileSync(at('file'), '');
    expect(await read('file')).toHaveLength(0);
  });

  it('may be missing if that is expected', async () => {
    expect(await readOwnIfThere(at('nowhere'), { maxBytes: 16 })).toBeUndefined();
    await expect(readOwnIfThere(at('link'), { maxBytes: 16 })).rejects.toMatchObject({ code: 'FILE_ACCESS' });
  });
});

// Only root can give a file to another user.
describe.runIf(process.geteuid?.() === 0)('a file of another user', () => {
  beforeEach(() => chownSync(at('file'), 12345, 12345));

  it('is read, but not trusted and not written', async () => {
    expect((await read('file')).toString()).toBe('content');
    await expect(read('file', true)).rejects.toMatchObject({
      message: expect.stringContaining('another user') as string,
    });
    await expect(openToAppend(at('file'))).rejects.toMatchObject({ code: 'FILE_ACCESS' });
  });
});

describe('a directory', () => {
  it('is ours if it is a real one of this user', async () => {
    expect([await isOwnDirectory(at('directory')), await isOwnDirectory(at('nowhere'))]).toEqual([
      true,
      false,
    ]);
    symlinkSync(at('directory'), at('linked'));
    for (const name of ['linked', 'file']) {
      await expect(isOwnDirectory(at(name))).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    }
  });
});
