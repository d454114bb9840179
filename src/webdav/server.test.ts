import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { destination, lockBody, useSharedFolders } from '../../test/support/shared-folders.ts';

const folders = useSharedFolders();
const { ask, status, textOf, here } = folders;

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

  it('tells kame-tools what is read-only, and removes nothing but an empty folder for them', async () => {
    const asked = '<a:propfind xmlns:a="DAV:"><a:prop><a:isreadonly/></a:prop></a:propfind>';
    const list = await textOf('PROPFIND', '/', { depth: '1' }, asked);
    expect([...list.matchAll(/<D:isreadonly>(.)</g)].map(([, value]) => value)).toEqual(['1', '0', '1']);
    expect((await ask('DELETE', '/data/kept', { depth: '0' })).headers['kame-refused']).toBe('read-only');
    expect(await status('MKCOL', '/work/sub/inner')).toBe(201);
    expect(await status('DELETE', '/work/sub', { depth: '0' })).toBe(409);
    expect(await status('DELETE', '/work/sub/inner', { depth: '0' })).toBe(204);
    expect(await status('DELETE', '/work/file', { depth: '0' })).toBe(204);
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
    chmodSync(join(folders.work, 'file'), 0o4754);
    expect(await status('PUT', '/work/file', {}, 'new')).toBe(204);
    expect([here('file'), statSync(join(folders.work, 'file')).mode & 0o7777]).toEqual(['new', 0o754]);
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
    expect(readdirSync(folders.work).sort()).toEqual(['file', 'made']);
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
    chmodSync(join(folders.work, 'file'), 0o640);
    expect(await patch(executable('T'))).toContain('200 OK');
    expect(statSync(join(folders.work, 'file')).mode & 0o777).toBe(0o750);
    expect(await patch(executable('F'))).toContain('200 OK');
    expect(statSync(join(folders.work, 'file')).mode & 0o777).toBe(0o640);
    const time =
      '<m:Win32LastModifiedTime xmlns:m="urn:schemas-microsoft-com:">Thu, 01 Jan 1970 00:16:40 GMT</m:Win32LastModifiedTime>';
    expect(await patch(time)).toContain('200 OK');
    expect(statSync(join(folders.work, 'file')).mtimeMs).toBe(1_000_000);
    expect(await patch(`<x xmlns="urn:y">1</x>${executable('T')}`)).toMatch(
      /403 Forbidden.*424 Failed Dependency/s,
    );
    expect(statSync(join(folders.work, 'file')).mode & 0o777).toBe(0o640);
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
