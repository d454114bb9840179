import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { WebdavWorld } from '../../test/support/webdav.ts';
import { poll } from '../core/deadline.ts';
import { identityOf } from './share.ts';

const makeDirectory = useTemporaryDirectory();
let root = '';
let work = '';
let dav: WebdavWorld;

/** Folders `work`, which guests may write, and `data`, which they may not, beside a file `secret`. */
beforeEach(async () => {
  root = realpathSync(makeDirectory());
  work = join(root, 'work');
  for (const name of ['work/sub', 'data']) mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(work, 'file'), '0123456789');
  writeFileSync(join(root, 'data', 'kept'), 'kept');
  writeFileSync(join(root, 'secret'), 'secret');
  dav = await WebdavWorld.serve(makeDirectory(), [
    { name: 'work', path: work, writable: true },
    { name: 'data', path: join(root, 'data'), writable: false },
  ]);
});

afterEach(async () => {
  await dav[Symbol.asyncDispose]();
  if (dav.errors.length > 0) throw new Error(`Not expected: ${dav.errors.map(String).join(', ')}`);
});

const ask = async (...request: Parameters<WebdavWorld['ask']>) => await dav.ask(...request);
const status = async (...request: Parameters<WebdavWorld['ask']>) => (await dav.ask(...request)).status;
const textOf = async (...request: Parameters<WebdavWorld['ask']>) => String((await dav.ask(...request)).body);
const here = (path: string) => readFileSync(join(work, path), 'utf8');
const destination = (path: string) => ({ destination: `http://127.0.0.1:9843${path}` });
const lockBody =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>me</D:href></D:owner></D:lockinfo>';

describe('a WebDAV server for guests', () => {
  it('tells what it can, and lists shares, folders and properties', async () => {
    expect((await ask('OPTIONS', '/')).headers).toMatchObject({ dav: '1, 2' });
    expect(await textOf('GET', '/')).toBe('work/\ndata/\n');
    expect((await textOf('GET', '/work')).split('\n').sort()).toEqual(['', 'file', 'sub/']);
    const list = await ask('PROPFIND', '/work/', { depth: '1' });
    expect(list.status).toBe(207);
    expect(
      [...String(list.body).matchAll(/<D:href>([^<]*)</g)].map(([, address]) => String(address)).sort(),
    ).toEqual(['/work/', '/work/file', '/work/sub/']);
    const asked =
      '<a:propfind xmlns:a="DAV:"><a:prop><a:getcontentlength/><a:quota-available-bytes/><x xmlns="urn:y"/></a:prop></a:propfind>';
    const some = await textOf('PROPFIND', '/work/file', { depth: '0' }, asked);
    expect(some).toContain('<D:getcontentlength>10</D:getcontentlength>');
    expect(some).toMatch(/<D:quota-available-bytes>\d+</);
    expect(some).toMatch(/<x xmlns="urn:y"\/><\/D:prop><D:status>HTTP\/1.1 404/);
    expect(await status('PROPFIND', '/work/', { depth: 'infinity' })).toBe(403);
    expect(await status('PROPFIND', '/none/', { depth: '0' })).toBe(404);
  });

  it('reads files and parts of them', async () => {
    const whole = await ask('GET', '/work/file');
    expect([String(whole.body), whole.headers['content-length']]).toEqual(['0123456789', '10']);
    expect(await status('GET', '/work/file', { 'if-none-match': String(whole.headers['etag']) })).toBe(304);
    const part = async (range: string) => {
      const { status: code, body, headers } = await ask('GET', '/work/file', { range });
      return [code, String(body), headers['content-range']];
    };
    expect(await part('bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10']);
    expect(await part('bytes=7-')).toEqual([206, '789', 'bytes 7-9/10']);
    expect(await part('bytes=-3')).toEqual([206, '789', 'bytes 7-9/10']);
    expect(await part('bytes=8-999999999999999')).toEqual([206, '89', 'bytes 8-9/10']);
    for (const beyond of ['bytes=10-', 'bytes=-0'])
      expect(await part(beyond)).toEqual([416, 'The file has no such part.\n', 'bytes */10']);
    // What makes no sense is left out, and so are several parts.
    for (const odd of ['bytes=4-2', 'bytes=-', 'bytes=0-1,3-4', 'lines=1-2', `bytes=${'9'.repeat(30)}-`])
      expect(await part(odd)).toEqual([200, '0123456789', undefined]);
    expect((await ask('HEAD', '/work/file')).headers['content-length']).toBe('10');
    expect(await status('GET', '/work/none')).toBe(404);
    expect(await status('GET', '/work/file/none')).toBe(404);
  });

  it('writes, makes, copies, moves and removes', async () => {
    chmodSync(join(work, 'file'), 0o4754);
    expect(await status('PUT', '/work/file', {}, 'new')).toBe(204);
    expect([here('file'), statSync(join(work, 'file')).mode & 0o7777]).toEqual(['new', 0o754]);
    expect(await status('PUT', '/work/sub/a%20b', { 'if-none-match': '*' }, 'x')).toBe(201);
    expect(await status('PUT', '/work/sub/a%20b', { 'if-none-match': '*' }, 'y')).toBe(412);
    expect(await status('PUT', '/work/none/x', {}, 'x')).toBe(409);
    expect(await status('PUT', '/work/sub', {}, 'x')).toBe(405);
    expect(await status('PUT', '/work/file', { 'content-range': 'bytes 0-0/1' }, 'x')).toBe(400);
    expect(await status('MKCOL', '/work/made')).toBe(201);
    expect(await status('MKCOL', '/work/made')).toBe(405);
    expect(await status('MKCOL', '/work/a/b')).toBe(409);
    expect(await status('MKCOL', '/work/b', {}, 'body')).toBe(415);
    expect(await status('COPY', '/work/sub', destination('/work/made/copy'))).toBe(201);
    expect(here('made/copy/a b')).toBe('x');
    expect(await status('COPY', '/work/file', { ...destination('/work/made/copy'), overwrite: 'F' })).toBe(
      412,
    );
    expect(await status('MOVE', '/work/made/copy', destination('/work/sub'))).toBe(204);
    expect(here('sub/a b')).toBe('x');
    expect(await status('MOVE', '/work/sub', destination('/work/sub/inner'))).toBe(403);
    expect(await status('DELETE', '/work/sub')).toBe(204);
    expect(readdirSync(work).sort()).toEqual(['file', 'made']);
    expect(await status('DELETE', '/work/sub')).toBe(404);
  });

  it('sets what davfs2 and Windows set, and nothing else', async () => {
    const patch = async (property: string) =>
      await textOf(
        'PROPPATCH',
        '/work/file',
        {},
        `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>${property}</D:prop></D:set></D:propertyupdate>`,
      );
    const executable = (value: string) =>
      `<executable xmlns="http://apache.org/dav/props/">${value}</executable>`;
    chmodSync(join(work, 'file'), 0o640);
    expect(await patch(executable('T'))).toContain('200 OK');
    expect(statSync(join(work, 'file')).mode & 0o777).toBe(0o750);
    expect(await patch(executable('F'))).toContain('200 OK');
    expect(statSync(join(work, 'file')).mode & 0o777).toBe(0o640);
    const time =
      '<m:Win32LastModifiedTime xmlns:m="urn:schemas-microsoft-com:">Thu, 01 Jan 1970 00:16:40 GMT</m:Win32LastModifiedTime>';
    expect(await patch(time)).toContain('200 OK');
    expect(statSync(join(work, 'file')).mtimeMs).toBe(1_000_000);
    expect(await patch(`<x xmlns="urn:y">1</x>${executable('T')}`)).toMatch(
      /403 Forbidden.*424 Failed Dependency/s,
    );
    expect(statSync(join(work, 'file')).mode & 0o777).toBe(0o640);
  });

  it('locks for one client against another one', async () => {
    const locked = await ask('LOCK', '/work/sub', { timeout: 'Second-60' }, lockBody);
    expect([locked.status, String(locked.body)]).toMatchObject([
      200,
      expect.stringContaining('<D:href>me</D:href>'),
    ]);
    const token = String(locked.headers['lock-token']);
    expect(await status('PUT', '/work/sub/x', {}, 'x')).toBe(423);
    expect(await status('LOCK', '/work/sub/x', {}, lockBody)).toBe(423);
    expect(await status('DELETE', '/work/sub')).toBe(423);
    expect(await status('PUT', '/work/file', { if: `(${token})` }, 'x')).toBe(412);
    expect(await status('PUT', '/work/sub/x', { if: `</work/sub> (${token})` }, 'x')).toBe(201);
    expect(await status('LOCK', '/work/sub', { if: `(${token})` })).toBe(200);
    expect(await status('UNLOCK', '/work/sub', { 'lock-token': '<opaquelocktoken:other>' })).toBe(409);
    expect(await status('UNLOCK', '/work/sub', { 'lock-token': token })).toBe(204);
    expect(await status('PUT', '/work/sub/x', {}, 'y')).toBe(204);
    expect(await status('LOCK', '/work/new', {}, lockBody)).toBe(201);
    expect(here('new')).toBe('');
  });
});

describe('a hostile guest', () => {
  it('does not get out of a folder by names, nor by links in it', async () => {
    symlinkSync(join(root, 'secret'), join(work, 'link'));
    symlinkSync(root, join(work, 'up'));
    for (const path of ['/work/../secret', '/work/%2e%2e/secret', '/work/..%2fsecret', '/work/%00', '/..'])
      expect(await status('GET', path)).toBe(400);
    for (const path of ['/work/link', '/work/up', '/work/up/secret']) {
      expect(await status('GET', path)).toBe(403);
      expect(await status('PUT', path, {}, 'x')).toBe(403);
      expect(await status('PROPFIND', path, { depth: '0' })).toBe(403);
      expect(await status('COPY', path, destination('/work/got'))).toBe(403);
      expect(await status('MOVE', path, destination('/work/got'))).toBe(403);
      expect(await status('COPY', '/work/file', destination(path))).toBe(403);
      expect(await status('DELETE', path)).toBe(403);
    }
    expect(await status('COPY', '/work/file', destination('/work/../secret'))).toBe(400);
    expect(await textOf('GET', '/work/')).not.toContain('link');
    // A folder with a link in it is copied without it, and removed with it, not with what it leads to.
    symlinkSync(root, join(work, 'sub', 'up'));
    expect(await status('COPY', '/work/sub', destination('/work/copied'))).toBe(201);
    expect(readdirSync(join(work, 'copied'))).toEqual([]);
    expect(await status('DELETE', '/work/sub')).toBe(204);
    expect(readFileSync(join(root, 'secret'), 'utf8')).toBe('secret');
  });

  it('changes nothing in a folder that is shared read-only, nor the list of folders', async () => {
    const changes: Parameters<WebdavWorld['ask']>[] = [
      ['PUT', '/data/new', {}, 'x'],
      ['PUT', '/data/kept', {}, 'x'],
      ['DELETE', '/data/kept'],
      ['MKCOL', '/data/new'],
      ['MOVE', '/data/kept', destination('/work/kept')],
      ['MOVE', '/work/file', destination('/data/kept')],
      ['COPY', '/work/file', destination('/data/new')],
      ['LOCK', '/data/new', {}, lockBody],
      [
        'PROPPATCH',
        '/data/kept',
        {},
        '<propertyupdate xmlns="DAV:"><set><prop><x/></prop></set></propertyupdate>',
      ],
      ['DELETE', '/work'],
      ['MOVE', '/work', destination('/other')],
      ['COPY', '/work', destination('/data/all')],
      ['MKCOL', '/'],
      ['DELETE', '/'],
    ];
    for (const change of changes)
      expect([change[0], change[1], await status(...change)]).toEqual([change[0], change[1], 403]);
    expect(await status('PUT', '/new', {}, 'x')).toBe(404);
    expect(readdirSync(join(root, 'data'))).toEqual(['kept']);
    expect(here('file')).toBe('0123456789');
    expect(await status('COPY', '/data/kept', destination('/work/kept'))).toBe(201);
  });

  it('sees no machines and no home of Kame in a folder, and moves nothing that leads to them', async () => {
    mkdirSync(join(work, 'deep', 'home', 'machines'), { recursive: true });
    mkdirSync(join(work, 'a.vmwarevm'));
    writeFileSync(join(work, 'a.vmwarevm', 'a.vmx'), 'x');
    const of = (path: string) => identityOf(statSync(join(work, path), { bigint: true }));
    dav.shares = {
      ...dav.shares,
      hidden: new Set([of('deep/home')]),
      pinned: new Set([of('deep'), of('.')]),
    };
    for (const path of [
      '/work/deep/home',
      '/work/deep/home/machines',
      '/work/a.vmwarevm',
      '/work/a.vmwarevm/a.vmx',
    ])
      for (const method of ['GET', 'DELETE', 'MKCOL']) expect(await status(method, path)).toBe(403);
    expect(await textOf('GET', '/work/deep/')).toBe('');
    expect(await textOf('GET', '/work/')).not.toContain('vmwarevm');
    expect(await status('DELETE', '/work/deep')).toBe(403);
    expect(await status('MOVE', '/work/deep', destination('/work/other'))).toBe(403);
    expect(await status('MOVE', '/work/sub', destination('/work/deep'))).toBe(403);
    expect(await status('COPY', '/work/deep', destination('/work/copied'))).toBe(201);
    expect(readdirSync(join(work, 'copied'))).toEqual([]);
    expect(existsSync(join(work, 'deep', 'home', 'machines'))).toBe(true);
  });

  it('loses nothing by a copy or a move of something to another name of it', async () => {
    dav.shares = {
      ...dav.shares,
      list: [...dav.shares.list, { name: 'again', path: work, writable: true }],
    };
    writeFileSync(join(work, 'sub', 'kept'), 'kept');
    expect(await status('COPY', '/work/sub', destination('/again/sub'))).toBe(403);
    expect(await status('COPY', '/work/file', destination('/again/file'))).toBe(403);
    expect(await status('MOVE', '/work/sub', destination('/again/sub'))).toBe(204);
    expect([here('sub/kept'), here('file')]).toEqual(['kept', '0123456789']);
  });

  it('learns that a folder is gone, and has it again when it is back', async () => {
    dav.shares = { ...dav.shares, list: [{ name: 'usb', path: join(root, 'usb'), writable: true }] };
    expect(await textOf('GET', '/')).toBe('');
    expect(await status('PROPFIND', '/usb/', { depth: '1' })).toBe(404);
    symlinkSync(work, join(root, 'usb'));
    expect(await status('GET', '/usb/file')).toBe(404);
  });

  it('is answered with an error for requests that are too large, too deep or malformed', async () => {
    expect(await status('GET', `/work/${'x'.repeat(20_000)}`)).toBe(414);
    expect(await dav.raw(`GET /${'x'.repeat(64 * 1024)} HTTP/1.1\r\nHost: h\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 4\d\d/,
    );
    expect(await dav.raw('\u0000\u0001garbage\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
    const bomb =
      '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><propfind xmlns="DAV:"><prop>&c;</prop></propfind>';
    expect(await status('PROPFIND', '/work/', { depth: '0' }, bomb)).toBe(400);
    const large = `<propfind xmlns="DAV:"><prop>${'<x/>'.repeat(50_000)}</prop></propfind>`;
    expect(await status('PROPFIND', '/work/', { depth: '0' }, large)).toBe(413);
    expect(await status('PROPFIND', '/work/', { depth: '2' })).toBe(400);
    expect(await status('PUT', '/work/x', { if: '(((' }, 'x')).toBe(400);
    expect(await status('TRACE', '/work/')).toBe(405);
  });

  it('ends its connection with a second request before the answer to the first one', async () => {
    const seen = await dav.raw('GET /work/file HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(3000));
    expect(seen.match(/HTTP\/1.1 200/g)?.length ?? 0).toBeLessThan(2);
  });

  it('leaves nothing of a file that it does not send to its end', async () => {
    const socket = dav.connect();
    socket.write('PUT /work/file HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nbegin');
    const begun = async () =>
      await Promise.resolve(readdirSync(work).some((name) => name.startsWith('.kame-put-')) || undefined);
    expect(await poll(begun, { deadlineMs: 10_000, stepMs: 2 })).toBe(true);
    expect(await textOf('GET', '/work/')).not.toContain('kame-put');
    socket.destroy();
    const gone = async () => await Promise.resolve(readdirSync(work).length === 2 || undefined);
    expect(await poll(gone, { deadlineMs: 10_000, stepMs: 2 })).toBe(true);
    expect(here('file')).toBe('0123456789');
  });

  it('does not fill the disk of the host', async () => {
    truncateSync(join(work, 'file'), 1e15);
    expect(await status('COPY', '/work/file', destination('/work/copy'))).toBe(507);
    const socket = dav.connect();
    const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
    socket.write('PUT /work/new HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000000\r\n\r\nbegin');
    expect(await answered).toMatch(/^HTTP\/1.1 507/);
    socket.destroy();
    expect(readdirSync(work).sort()).toEqual(['file', 'sub']);
  });
});
