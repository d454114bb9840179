import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { archiveOf, look, useCopies } from '../../../test/support/copies.ts';
import { refused } from '../../../test/support/refused.ts';
import { quiet } from '../../../test/support/world.ts';
import { extract, finishDirectories } from '../../archive/extract.ts';
import { readArchive } from '../../archive/tar-read.ts';
import { getFiles } from './get.ts';

const { world, directory, startGuest, makeTree, put, expectClean } = useCopies();
const refuse = (reason: string) => new Error(reason);

describe('a copy out of a guest', () => {
  async function get(path: string): Promise<string> {
    const target = directory();
    const parts: Buffer[] = [];
    await getFiles(
      world().host,
      'demo',
      { path },
      { ...quiet, send: async (data) => await Promise.resolve(void parts.push(Buffer.from(data))) },
    );
    async function* whole(): AsyncGenerator<Buffer> {
      yield* await Promise.resolve(parts);
    }
    const { directories } = await extract(readArchive(whole(), { refuse }), {
      directory: target,
      owner: false,
      refuse,
      signal: quiet.signal,
    });
    await finishDirectories(directories, false, ({ path: name }) => join(target, name));
    return target;
  }

  it('has all that was there', async () => {
    const { guest, engine } = await startGuest();
    await put('/tmp', archiveOf(makeTree()));
    const target = await get('/tmp/tree/');
    expect(look(join(target, 'tree'))).toEqual(look(join(guest.root, 'tmp/tree')));
    expectClean(engine);
  });

  it('of what is not there is refused by the guest', async () => {
    const { engine } = await startGuest();
    expect(await refused(get('/tmp/nothing'))).toMatchObject({
      code: 'GUEST_FAILED',
      message: expect.stringContaining('There is no') as string,
    });
    expectClean(engine);
  });

  it('whose client fails ends', async () => {
    const { guest, engine } = await startGuest();
    writeFileSync(join(guest.root, 'root/file'), Buffer.alloc(5_000_000, 1));
    const send = () => Promise.reject(new Error('gone'));
    await expect(getFiles(world().host, 'demo', { path: 'file' }, { ...quiet, send })).rejects.toThrow(
      'gone',
    );
    expectClean(engine);
    expect(existsSync(join(guest.root, 'root/file'))).toBe(true);
  });

  it('that is cancelled says so, and not what ran in the guest', async () => {
    const { guest, engine } = await startGuest();
    writeFileSync(join(guest.root, 'root/file'), Buffer.alloc(5_000_000, 1));
    const stop = new AbortController();
    const send = async () => await Promise.resolve(stop.abort());
    const options = { ...quiet, signal: stop.signal, send };
    expect(await refused(getFiles(world().host, 'demo', { path: 'file' }, options))).toMatchObject({
      code: 'CANCELLED',
      message: 'The copy was cancelled.',
    });
    expectClean(engine);
  });
});
