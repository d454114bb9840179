import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { destination, lockBody, useSharedFolders } from '../../test/support/shared-folders.ts';
import type { WebdavWorld } from '../../test/support/webdav.ts';
import { poll } from '../core/deadline.ts';
import { identityOf } from './share.ts';

const folders = useSharedFolders();
const { status, textOf, here } = folders;

describe('a hostile guest', () => {
  it('does not get out of a folder by names, nor by links in it', async () => {
    symlinkSync(join(folders.root, 'secret'), join(folders.work, 'link'));
    symlinkSync(folders.root, join(folders.work, 'up'));
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
    symlinkSync(folders.root, join(folders.work, 'sub', 'up'));
    expect(await status('COPY', '/work/sub', destination('/work/copied'))).toBe(201);
    expect(readdirSync(join(folders.work, 'copied'))).toEqual([]);
    expect(await status('DELETE', '/work/sub')).toBe(204);
    expect(readFileSync(join(folders.root, 'secret'), 'utf8')).toBe('secret');
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
    expect(readdirSync(join(folders.root, 'data'))).toEqual(['kept']);
    expect(here('file')).toBe('0123456789');
    expect(await status('COPY', '/data/kept', destination('/work/kept'))).toBe(201);
  });

  it('sees no machines and no home of Kame in a folder, and moves nothing that leads to them', async () => {
    mkdirSync(join(folders.work, 'deep', 'home', 'machines'), { recursive: true });
    mkdirSync(join(folders.work, 'a.vmwarevm'));
    writeFileSync(join(folders.work, 'a.vmwarevm', 'a.vmx'), 'x');
    const of = (path: string) => identityOf(statSync(join(folders.work, path), { bigint: true }));
    folders.dav.shares = {
      ...folders.dav.shares,
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
    expect(readdirSync(join(folders.work, 'copied'))).toEqual([]);
    expect(existsSync(join(folders.work, 'deep', 'home', 'machines'))).toBe(true);
  });

  it('loses nothing by a copy or a move of something to another name of it', async () => {
    folders.dav.shares = {
      ...folders.dav.shares,
      list: [...folders.dav.shares.list, { name: 'again', path: folders.work, writable: true }],
    };
    writeFileSync(join(folders.work, 'sub', 'kept'), 'kept');
    expect(await status('COPY', '/work/sub', destination('/again/sub'))).toBe(403);
    expect(await status('COPY', '/work/file', destination('/again/file'))).toBe(403);
    expect(await status('MOVE', '/work/sub', destination('/again/sub'))).toBe(204);
    expect([here('sub/kept'), here('file')]).toEqual(['kept', '0123456789']);
  });

  it('learns that a folder is gone, and has it again when it is back', async () => {
    folders.dav.shares = {
      ...folders.dav.shares,
      list: [{ name: 'usb', path: join(folders.root, 'usb'), writable: true }],
    };
    expect(await textOf('GET', '/')).toBe('');
    expect(await status('PROPFIND', '/usb/', { depth: '1' })).toBe(404);
    symlinkSync(folders.work, join(folders.root, 'usb'));
    expect(await status('GET', '/usb/file')).toBe(404);
  });

  it('is answered with an error for requests that are too large, too deep or malformed', async () => {
    expect(await status('GET', `/work/${'x'.repeat(20_000)}`)).toBe(414);
    expect(await folders.dav.raw(`GET /${'x'.repeat(64 * 1024)} HTTP/1.1\r\nHost: h\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 4\d\d/,
    );
    expect(await folders.dav.raw('\u0000\u0001garbage\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
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
    const seen = await folders.dav.raw('GET /work/file HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(3000));
    expect(seen.match(/HTTP\/1.1 200/g)?.length ?? 0).toBeLessThan(2);
  });

  it('leaves nothing of a file that it does not send to its end', async () => {
    const socket = folders.dav.connect();
    socket.write('PUT /work/file HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nbegin');
    const begun = async () =>
      await Promise.resolve(
        readdirSync(folders.work).some((name) => name.startsWith('.kame-put-')) || undefined,
      );
    expect(await poll(begun, { deadlineMs: 10_000, stepMs: 2 })).toBe(true);
    expect(await textOf('GET', '/work/')).not.toContain('kame-put');
    socket.destroy();
    const gone = async () => await Promise.resolve(readdirSync(folders.work).length === 2 || undefined);
    expect(await poll(gone, { deadlineMs: 10_000, stepMs: 2 })).toBe(true);
    expect(here('file')).toBe('0123456789');
  });

  it('does not fill the disk of the host', async () => {
    truncateSync(join(folders.work, 'file'), 1e15);
    expect(await status('COPY', '/work/file', destination('/work/copy'))).toBe(507);
    const socket = folders.dav.connect();
    const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
    socket.write('PUT /work/new HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000000\r\n\r\nbegin');
    expect(await answered).toMatch(/^HTTP\/1.1 507/);
    socket.destroy();
    expect(readdirSync(folders.work).sort()).toEqual(['file', 'sub']);
  });
});
