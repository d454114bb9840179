import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KameError } from '../core/errors.ts';
import {
  allocatedBytes,
  allocatedOf,
  exists,
  fileError,
  isTaken,
  readFileCapped,
  temporaryName,
  writeFileAtomic,
} from './files.ts';
import { run } from './process.ts';

let directory = '';
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'kame-files-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('writeFileAtomic', () => {
  it('makes a private file, replaces it, and leaves no other file', async () => {
    const path = join(directory, 'a.json');
    await writeFileAtomic(path, 'old');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await writeFileAtomic(path, new Uint8Array([110, 101, 119]), 0o644);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(directory)).toEqual(['a.json']);
  });

  it('never shows a reader half a file', async () => {
    const path = join(directory, 'a');
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(200_000));
    await writeFileAtomic(path, texts[0] ?? '');
    const writing = Promise.all(texts.map((text) => writeFileAtomic(path, text)));
    let done = false;
    const written = writing.then(() => (done = true));
    const seen = new Set<boolean>();
    while (!done) {
      seen.add(texts.includes((await readFileCapped(path, 1_000_000)).toString()));
    }
    await written;
    expect([...seen]).toEqual([true]);
    expect(readdirSync(directory)).toEqual(['a']);
  });

  it('replaces a symbolic link, not what it points to', async () => {
    writeFileSync(join(directory, 'target'), 'kept');
    symlinkSync('target', join(directory, 'link'));
    await writeFileAtomic(join(directory, 'link'), 'new');
    expect(readFileSync(join(directory, 'target'), 'utf8')).toBe('kept');
    expect(readFileSync(join(directory, 'link'), 'utf8')).toBe('new');
  });

  it('leaves nothing behind when it fails', async () => {
    mkdirSync(join(directory, 'taken'));
    await expect(writeFileAtomic(join(directory, 'taken'), 'x')).rejects.toMatchObject({
      code: 'FILE_ACCESS',
    });
    expect(readdirSync(directory)).toEqual(['taken']);
    const lost = join(directory, 'no', 'where');
    await expect(writeFileAtomic(lost, 'x')).rejects.toMatchObject({
      code: 'FILE_ACCESS',
      details: { path: lost },
    });
  });
});

describe('readFileCapped', () => {
  it('reads a file of exactly the maximum size, and rejects a larger one', async () => {
    const path = join(directory, 'a');
    writeFileSync(path, '12345');
    expect((await readFileCapped(path, 5)).toString()).toBe('12345');
    await expect(readFileCapped(path, 4)).rejects.toMatchObject({
      code: 'INVALID_VALUE',
      message: `${path} is 5 bytes long; the limit is 4 bytes.`,
    });
  });

  it('names a file that is missing, and a directory', async () => {
    const missing = join(directory, 'missing');
    await expect(readFileCapped(missing, 10)).rejects.toMatchObject({
      code: 'FILE_ACCESS',
      details: { path: missing },
    });
    await expect(readFileCapped(directory, 100_000)).rejects.toMatchObject({ code: 'FILE_ACCESS' });
  });

  it('does not wait for the writer of a named pipe', async () => {
    const pipe = join(directory, 'pipe');
    await run('mkfifo', [pipe]);
    await expect(readFileCapped(pipe, 10)).rejects.toMatchObject({
      message: `${pipe} is not a regular file.`,
    });
  });
});

describe('fileError', () => {
  it('distinguishes a full disk and an exhausted quota from other failures', () => {
    const failure = (code: string): Error => Object.assign(new Error('no'), { code });
    expect(fileError(failure('ENOSPC'), '/x')).toMatchObject({ code: 'DISK_FULL', details: { path: '/x' } });
    expect(fileError(failure('EDQUOT'), '/x')).toMatchObject({ code: 'DISK_FULL' });
    expect(fileError(failure('EBUSY'), '/x')).toMatchObject({ code: 'FILE_ACCESS', message: '/x: no' });
    expect(fileError(failure('ENOENT'), '/x').message).toBe('/x does not exist.');
    expect(fileError(failure('EACCES'), '/x').message).toBe('/x: this user has no permission (EACCES)');
  });

  it('passes a KameError through', () => {
    const own = new KameError('BUSY', 'demo is in use.');
    expect(fileError(own, '/x')).toBe(own);
  });
});

describe('a name', () => {
  it('exists when it leads to a file, and is taken even by a dangling link', async () => {
    const [file, dangling] = [join(directory, 'file'), join(directory, 'dangling')];
    writeFileSync(file, '');
    symlinkSync(join(directory, 'nowhere'), dangling);
    expect([await exists(file), await isTaken(file)]).toEqual([true, true]);
    expect([await exists(dangling), await isTaken(dangling)]).toEqual([false, true]);
    expect([await exists(join(directory, 'missing')), await isTaken(join(directory, 'missing'))]).toEqual([
      false,
      false,
    ]);
    expect(await exists(join(file, 'below a file'))).toBe(false);
  });

  it('is not reported as free when that cannot be determined', async () => {
    const loop = join(directory, 'loop');
    symlinkSync(loop, loop);
    await expect(exists(loop)).rejects.toMatchObject({ code: 'FILE_ACCESS', details: { path: loop } });
  });
});

describe('allocatedBytes', () => {
  it('counts the space a file takes on the host, not its size', async () => {
    const sparse = join(directory, 'sparse');
    writeFileSync(sparse, '');
    truncateSync(sparse, 1024 ** 3);
    expect(await allocatedBytes(sparse)).toBe(0);
    expect(allocatedOf({ blocks: 3 })).toBe(1536);
  });

  it('is undefined for a file that does not exist', async () => {
    expect(await allocatedBytes(join(directory, 'missing'))).toBeUndefined();
  });
});

it('puts temporary files beside the file, hidden, each under a name of its own', () => {
  expect(temporaryName('/d/a.json')).toMatch(/^\/d\/\.a\.json\.[0-9a-f]{12}\.tmp$/);
  expect(temporaryName('/d/a.json')).not.toBe(temporaryName('/d/a.json'));
});
