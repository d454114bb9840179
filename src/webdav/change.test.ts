import { mkdirSync, readdirSync, readFileSync, realpathSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { WebdavWorld } from '../../test/support/webdav.ts';
import { ConfinedDirectory, ConfinedFile } from '../sys/confined-directory.ts';
import { copyTree } from './tree.ts';

const makeDirectory = useTemporaryDirectory();
const mebibyte = 1024 * 1024;
let work = '';
let dav: WebdavWorld;

beforeEach(async () => {
  work = join(realpathSync(makeDirectory()), 'work');
  mkdirSync(work);
  writeFileSync(join(work, 'file'), 'new');
  writeFileSync(join(work, 'kept'), 'kept');
  dav = await WebdavWorld.serve(makeDirectory(), [{ name: 'work', path: work, writable: true }]);
});

afterEach(async () => {
  await dav[Symbol.asyncDispose]();
});

const copy = async (from: string, to: string) =>
  (await dav.ask('COPY', `/work/${from}`, { destination: `http://h/work/${to}` })).status;

describe('a copy of a file', () => {
  it('takes the place of another one, which stays if there is no space', async () => {
    expect(await copy('file', 'kept')).toBe(204);
    expect(readFileSync(join(work, 'kept'), 'utf8')).toBe('new');
    truncateSync(join(work, 'file'), 1e15);
    expect(await copy('file', 'kept')).toBe(507);
    expect(readFileSync(join(work, 'kept'), 'utf8')).toBe('new');
    expect(readdirSync(work).sort()).toEqual(['file', 'kept']);
  });

  it('ends when others have filled the disk meanwhile', async () => {
    truncateSync(join(work, 'file'), 9 * mebibyte);
    using space = vi
      .spyOn(ConfinedDirectory.prototype, 'space')
      .mockResolvedValue({ free: 256 * mebibyte, used: 0 })
      .mockResolvedValueOnce({ free: 1024 * mebibyte, used: 0 });
    expect(await copy('file', 'copy')).toBe(507);
    expect(space).toHaveBeenCalledTimes(2);
    expect(readdirSync(work).sort()).toEqual(['file', 'kept']);
  });

  it('ends when the guest goes away', async () => {
    truncateSync(join(work, 'file'), mebibyte);
    await using directory = await ConfinedDirectory.open(work);
    const stop = new AbortController();
    using append = vi.spyOn(ConfinedFile.prototype, 'append').mockImplementation(async () => {
      stop.abort();
      await Promise.resolve();
    });
    const ends = [
      { directory, name: 'file' },
      { directory, name: 'copy' },
    ] as const;
    const copying = copyTree({ shares: dav.shares, signal: stop.signal }, ...ends);
    await expect(copying).rejects.toMatchObject({ status: 400 });
    expect(append).toHaveBeenCalledTimes(1);
    expect(readdirSync(work).sort()).toEqual(['file', 'kept']);
  });
});
