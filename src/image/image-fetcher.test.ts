import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  arch,
  cache,
  files,
  goOffline,
  home,
  makeQcow2,
  origin,
  requests,
  serveHeaders,
  sha256,
  stored,
  writeCatalogue,
  useImageCache,
} from '../../test/support/image-cache.ts';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { silentProgress } from '../core/progress.ts';

useImageCache();

describe('resolving', () => {
  it('downloads an image of the catalogue once, verifies its checksum, and lists it', async () => {
    const image = makeQcow2('a.qcow2', '1G');
    files.set('/debian.qcow2', image);
    files.set('/SHA256SUMS', Buffer.from(`${sha256(image)}  debian.qcow2\n${'0'.repeat(64)}  other\n`));
    const sums = { url: `${origin}/SHA256SUMS`, algorithm: 'sha256' };
    writeCatalogue([
      {
        id: 'debian-12',
        arch,
        url: `${origin}/debian.qcow2`,
        sums,
        guestOS: 'arm-debian12-64',
        user: 'debian',
      },
    ]);
    const both = await Promise.all([
      cache.resolve('debian-12', { arch }, silentProgress()),
      cache.resolve('debian-12', { arch }, silentProgress()),
    ]);
    expect(both[0]).toEqual({
      id: 'debian-12',
      arch,
      disk: join(home, 'images', `${sha256(image)}.img`),
      format: 'qcow2',
      guestOS: 'arm-debian12-64',
      user: 'debian',
      cloudInit: true,
    });
    expect(both[1]).toEqual(both[0]);
    expect(await cache.resolve('debian-12', { arch }, silentProgress())).toEqual(both[0]);
    expect(requests.sort()).toEqual(['/SHA256SUMS', '/debian.qcow2']);
    expect((await cache.list()).find(({ id, cached }) => id === 'debian-12' && cached)).toMatchObject({
      arch,
      source: 'catalogue',
      sizeBytes: image.length,
    });
    expect(readdirSync(join(home, 'images', 'downloads'))).toEqual([]);
  });

  it('replaces a cached image that is refreshed and has changed', async () => {
    const [old, fresh] = [makeQcow2('old.qcow2', '1G'), makeQcow2('new.qcow2', '2G')];
    const sums = { url: `${origin}/SUMS`, algorithm: 'sha256' };
    writeCatalogue([{ id: 'moving', arch, url: `${origin}/latest.qcow2`, sums }]);
    for (const image of [old, fresh]) {
      files.set('/latest.qcow2', image);
      files.set('/SUMS', Buffer.from(`${sha256(image)}  latest.qcow2\n`));
      await cache.resolve('moving', { arch, refresh: true }, silentProgress());
    }
    expect(stored()).toEqual([`${sha256(fresh)}.img`, `${sha256(fresh)}.json`]);
    const before = requests.length;
    await cache.resolve('moving', { arch, refresh: true }, silentProgress());
    expect(requests.slice(before)).toEqual(['/SUMS']);
  });

  it('stores the same content under two names once, and removes it with the last name', async () => {
    const image = makeQcow2('a.qcow2', '1G');
    files.set('/one', image);
    const checksum = `sha256=${sha256(image)}`;
    writeCatalogue([
      { id: 'one', arch, url: `${origin}/one`, checksum },
      { id: 'two', arch, url: `${origin}/two`, checksum },
    ]);
    await cache.resolve('one', { arch }, silentProgress());
    await cache.resolve('two', { arch }, silentProgress());
    expect(requests).toEqual(['/one']);
    expect(stored().length).toBe(2);
    await cache.remove('one');
    expect(stored().length).toBe(2);
    await cache.remove('two', arch);
    expect(stored()).toEqual([]);
    await expect(cache.remove('two')).rejects.toMatchObject({ code: 'NO_SUCH_IMAGE' });
  });

  it('discards a file with the wrong checksum, and one that refers to files of the host', async () => {
    const overlay = join(home, 'overlay.qcow2');
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', overlay, '1M');
    const data = readFileSync(overlay);
    files.set('/a', data);
    writeCatalogue([
      { id: 'wrong', arch, url: `${origin}/a`, checksum: '0'.repeat(64) },
      { id: 'evil', arch, url: `${origin}/a`, checksum: sha256(data) },
    ]);
    await expect(cache.resolve('wrong', { arch }, silentProgress())).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
    });
    await expect(cache.resolve('evil', { arch }, silentProgress())).rejects.toMatchObject({
      code: 'BAD_IMAGE',
      message: expect.stringMatching(/127\.0\.0\.1.*\/a .*"\/etc\/passwd"/u) as string,
    });
    expect(stored()).toEqual([]);
    expect(readdirSync(join(home, 'images', 'downloads'))).toEqual([]);
  });

  it('accepts a URL with a checksum, and adds a note if there is none', async () => {
    const image = makeQcow2('a.qcow2', '1G');
    files.set('/dir/a.qcow2', image);
    const url = `${origin}/dir/a.qcow2`;
    const plain = await cache.resolve(url, { arch }, silentProgress());
    expect(plain).toMatchObject({
      id: 'a.qcow2',
      format: 'qcow2',
      notes: [expect.stringContaining('checksum') as string],
    });
    const proved = await cache.resolve(`${url}#sha256=${sha256(image)}`, { arch }, silentProgress());
    expect(proved.notes).toEqual([]);
    expect(requests).toEqual(['/dir/a.qcow2']);
    await expect(
      cache.resolve(`${url}#sha256=${'0'.repeat(64)}`, { arch }, silentProgress()),
    ).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
    });
    await expect(cache.resolve(`${url}#md5=1`, { arch }, silentProgress())).rejects.toMatchObject({
      code: 'INVALID_VALUE',
    });
    await expect(cache.resolve('ftp://host/a', { arch }, silentProgress())).rejects.toMatchObject({
      code: 'INVALID_VALUE',
    });
  });
});

describe('an image from a URL that was downloaded before', () => {
  const url = () => `${origin}/a.qcow2`;
  const pull = async (refresh = false) => await cache.resolve(url(), { arch, refresh }, silentProgress());
  const today = () => new Date().toISOString().slice(0, 10);
  const unproved = 'The image was not verified, because no checksum was given.';
  const [old, fresh] = ['1G', '2G'];
  const serve = (size: string) => files.set('/a.qcow2', makeQcow2(`${size}.qcow2`, size));

  it.each([
    ['ETag', (data: Buffer) => ({ etag: `"${sha256(data)}"` })],
    ['date', (data: Buffer) => ({ 'last-modified': new Date(data[31] ?? 0).toUTCString() })],
  ])('is used while its %s is the same, and says so', async (_what, headers) => {
    serveHeaders(headers);
    serve(old);
    const first = await pull();
    expect(first.notes).toEqual([unproved]);
    const again = await pull();
    const note = `Using the copy of ${url()} from ${today()}, which has not changed since.`;
    expect([again.disk, again.notes]).toEqual([first.disk, [note, unproved]]);
  });

  it('is downloaded again once it has changed', async () => {
    serve(old);
    const first = await pull();
    serve(fresh);
    const second = await pull();
    expect([second.disk === first.disk, second.notes]).toEqual([false, [unproved]]);
    expect(readFileSync(second.disk)).toEqual(files.get('/a.qcow2'));
    expect((await pull()).disk).toBe(second.disk);
  });

  it('is used when the server cannot be asked, and says so', async () => {
    serve(old);
    const first = await pull();
    goOffline();
    const again = await pull();
    expect(again.disk).toBe(first.disk);
    expect(again.notes?.[0]).toMatch(/whether it has changed since could not be checked: .*ECONNREFUSED/);
  });

  it('is used when the server sent nothing that would show a change, until a refresh is requested', async () => {
    serveHeaders(() => ({}));
    serve(old);
    const first = await pull();
    serve(fresh);
    const again = await pull();
    expect([again.disk, again.notes?.[0]]).toEqual([first.disk, expect.stringContaining('--refresh')]);
    expect((await pull(true)).disk).not.toBe(first.disk);
  });
});
