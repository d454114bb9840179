import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { fillDiskAfter } from '../../test/support/full-disk.ts';
import { like, refused } from '../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { deferred } from '../core/deferred.ts';
import { freeSpace } from '../sys/free-space.ts';
import type { UploadedFile } from './upload-record.ts';
import { Uploads } from './uploads.ts';

const temporary = useTemporaryDirectory();
let directory: string;
let uploads: Uploads;
beforeEach(() => {
  directory = join(temporary(), 'uploads');
  uploads = new Uploads(directory);
});

const file = (path: string, sizeBytes: number): UploadedFile => ({ path, sizeBytes, modifiedMs: 1 });
const bundle = [file('web/web.vmx', 3), file('web/empty', 0), file('web/a/web.vmdk', 5)];

async function* of(...chunks: string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
}

function send(files: readonly UploadedFile[], ...chunks: string[]) {
  const notices: string[] = [];
  const done = uploads.receive(files, of(...chunks), {
    ready: (offset) => notices.push(`ready ${offset}`),
    received: (bytes) => notices.push(`received ${bytes}`),
  });
  return { notices, done };
}

/** The id of the upload with this main file. */
async function idOf(name: string): Promise<string> {
  return (await uploads.list()).find(({ main }) => main === name)?.id ?? '';
}

describe('the files of a machine', () => {
  it('come as one stream, and go on where it broke off, in whichever file that is', async () => {
    const first = send(bundle, 'vm', 'x01');
    expect(await refused(first.done)).toMatchObject({
      code: 'CANCELLED',
      message: 'The upload of web/web.vmx ended after 5 of 8 bytes.',
    });
    // A new daemon finds it again.
    uploads = new Uploads(directory);
    expect(await uploads.list()).toMatchObject([{ main: 'web/web.vmx', bytes: 5, sizeBytes: 8 }]);
    const [{ id } = { id: '' }] = await uploads.list();
    expect((await refused(uploads.complete(id))).code).toBe('WRONG_STATE');
    const second = send(bundle, '234');
    expect(await second.done).toEqual({ id, main: 'web/web.vmx' });
    expect(second.notices).toEqual(['ready 5', 'received 8']);
    const { directory: place } = await uploads.complete(id);
    const read = (path: string) => readFileSync(join(place, path), 'utf8');
    expect(bundle.map(({ path }) => read(path))).toEqual(['vmx', '', '01234']);
    await uploads.remove(id);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('with other sizes or times are others', async () => {
    await refused(send(bundle, 'vmx0').done);
    const other = send([{ ...bundle[0], modifiedMs: 2 } as UploadedFile], 'new');
    await other.done;
    expect(other.notices[0]).toBe('ready 0');
    expect(await uploads.list()).toHaveLength(2);
  });

  it('are not more than was said: nothing of them is kept', async () => {
    expect((await refused(send(bundle, 'vmx012', '34!').done)).code).toBe('USAGE');
    expect(await uploads.list()).toMatchObject([{ bytes: 0 }]);
  });

  it('are removed when the disk becomes full meanwhile, with the reason', async () => {
    await fillDiskAfter(2);
    const { done, notices } = send(bundle, 'vmx', '01', '234');
    expect(await refused(done)).toMatchObject({ code: 'DISK_FULL', next: like(/\S/u) });
    expect(notices).toEqual(['ready 0']);
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ['a name that leads out', [file('../x.vmx', 1)], 'INVALID_NAME'],
    ['no machine', [file('x.txt', 1)], 'USAGE'],
    ['a million files', Array.from({ length: 1e6 }, (_none, at) => file(`${at}.vmx`, 1)), 'USAGE'],
    ['more than the disk has', [file('x.ova', Number.MAX_SAFE_INTEGER)], 'DISK_FULL'],
  ])('with %s are refused before anything is sent', async (_what, files, code) => {
    const { done, notices } = send(files, 'x');
    expect((await refused(done)).code).toBe(code);
    expect(notices).toEqual([]);
    expect(await uploads.list()).toEqual([]);
  });

  it('share the disk with others that are on their way', async () => {
    const half = 0.6 * (await freeSpace(temporary()));
    const begun = deferred();
    const over = deferred();
    async function* slow(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.from('x'));
      await over.promise;
    }
    const big = (path: string) => [file(path, Math.floor(half))];
    const first = uploads.receive(big('a.ova'), slow(), {
      ready: () => begun.resolve(),
      received: () => undefined,
    });
    await begun.promise;
    expect((await refused(send(big('b.ova'), 'x').done)).code).toBe('DISK_FULL');
    // The same files twice at a time would be mixed.
    expect((await refused(send(big('a.ova'), 'x').done)).code).toBe('BUSY');
    const id = await idOf('a.ova');
    expect((await refused(uploads.exclusive(id, async () => await Promise.resolve()))).code).toBe('BUSY');
    over.resolve();
    expect((await refused(first)).code).toBe('CANCELLED');
  });

  it('are not more than some sets', async () => {
    for (let at = 0; at < 32; at += 1) await send([file(`${at}.ova`, 1)], 'x').done;
    expect((await refused(send([file('more.ova', 1)], 'x').done)).code).toBe('WRONG_STATE');
    await send([file('0.ova', 1)]).done;
  });

  it('are removed when nobody goes on with them for a week', async () => {
    await send([file('new.ova', 1)], 'x').done;
    await send([file('old.ova', 1)], 'x').done;
    const id = await idOf('old.ova');
    const day = 24 * 60 * 60_000;
    const then = new Date(Date.now() - 8 * day);
    utimesSync(join(directory, id, 'files', 'old.ova'), then, then);
    // What a kill left between the directory and its record.
    mkdirSync(join(directory, 'f'.repeat(32), 'files'), { recursive: true });
    mkdirSync(join(directory, 'mine'));
    await uploads.collectGarbage();
    expect((await uploads.list()).map(({ main }) => main)).toEqual(['new.ova']);
    expect(readdirSync(directory)).toHaveLength(2);
    expect(readdirSync(directory)).toContain('mine');
  });

  it('write through no link, and remove nothing behind one', async () => {
    const victim = join(temporary(), 'victim');
    mkdirSync(victim);
    writeFileSync(join(victim, 'upload.json'), 'mine');
    mkdirSync(directory);
    const id = 'a'.repeat(32);
    symlinkSync(victim, join(directory, id));
    expect((await refused(uploads.remove(id))).code).toBe('FILE_ACCESS');
    for (const other of ['../victim', '', 'A'.repeat(32), 'b'.repeat(32)])
      expect((await refused(uploads.remove(other))).code).toBe('FILE_ACCESS');
    expect(readFileSync(join(victim, 'upload.json'), 'utf8')).toBe('mine');
    await refused(send([file('x.ova', 2)], 'x').done);
    const [{ id: real } = { id: '' }] = await uploads.list();
    const inner = join(directory, real, 'files', 'x.ova');
    expect(existsSync(inner)).toBe(true);
  });

  it('have a record that nobody can use to read other files', async () => {
    const { id } = await send([file('x.ova', 1)], 'x').done;
    for (const text of ['', '[]', '{"files":[{"path":"../../x.ova","sizeBytes":1,"modifiedMs":1}]}']) {
      writeFileSync(join(directory, id, 'upload.json'), text);
      expect(await uploads.list()).toEqual([]);
      expect((await refused(uploads.complete(id))).code).toBe('FILE_ACCESS');
    }
  });
});
