import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentProgress } from '../core/progress.ts';
import { findGuestOs } from '../spec/guest-os.ts';
import { ImageCache } from './cache.ts';
import { builtInCatalogue, readUserCatalogue } from './catalogue.ts';

let home = '';
let server: Server;
let origin = '';
let cache: ImageCache;
let requests: string[] = [];
const files = new Map<string, Buffer>();
const arch = 'aarch64';

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function makeQcow2(name: string, size: string): Buffer {
  const path = join(home, name);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, size]);
  return readFileSync(path);
}

function writeCatalogue(images: object[]): void {
  writeFileSync(join(home, 'catalogue.json'), JSON.stringify({ images }));
}

function stored(): string[] {
  return readdirSync(join(home, 'images'))
    .filter((name) => name !== 'downloads')
    .sort();
}

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'kame-images-'));
  mkdirSync(join(home, 'images'));
  files.clear();
  requests = [];
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const data = files.get(request.url ?? '');
    response.writeHead(data ? 200 : 404, { etag: '"1"' }).end(data);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  cache = new ImageCache({
    directory: join(home, 'images'),
    catalogue: join(home, 'catalogue.json'),
    cacheDir: join(home, 'cache'),
    pauseMs: 1,
    buildTiny: async ({ outDir }) => {
      mkdirSync(outDir, { recursive: true });
      return { disk: join(outDir, 'tiny.qcow2'), kernel: 'k', initrd: 'i', commandLine: 'quiet' };
    },
  });
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(home, { recursive: true, force: true });
});

describe('the catalogue', () => {
  it('has each image once for each architecture, by https, with a guest OS that is known', () => {
    const entries = builtInCatalogue();
    const keys = entries.map(({ id, arch }) => `${id} ${arch}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const entry of entries) {
      expect(findGuestOs(entry.guestOS)).toMatchObject({ known: true, os: { id: entry.guestOS } });
      if (entry.kind === 'embedded') continue;
      for (const url of [entry.url, entry.checksum.kind === 'sums' ? entry.checksum.url : entry.url]) {
        expect(url).toMatch(/^https:\/\/[^{}]+$/u);
      }
    }
  });

  it.each([
    ['no JSON', '{'],
    ['another form', '[]'],
    ['an unknown key', '{"images": [], "more": 1}'],
    [
      'a file URL',
      '{"images": [{"id": "a", "arch": "aarch64", "url": "file:///etc/passwd", "checksum": "x"}]}',
    ],
    [
      'an id with a slash',
      '{"images": [{"id": "../a", "arch": "aarch64", "url": "https://h/a", "checksum": "x"}]}',
    ],
    [
      'the id tiny',
      `{"images": [{"id": "tiny", "arch": "aarch64", "url": "https://h/a", "checksum": "${'a'.repeat(64)}"}]}`,
    ],
    ['no checksum', '{"images": [{"id": "a", "arch": "aarch64", "url": "https://h/a"}]}'],
    [
      'a checksum of no kind',
      '{"images": [{"id": "a", "arch": "aarch64", "url": "https://h/a", "checksum": "abc"}]}',
    ],
  ])('of a user with %s is refused, naming the file', async (_name, text) => {
    const path = join(home, 'catalogue.json');
    writeFileSync(path, text);
    await expect(readUserCatalogue(path)).rejects.toMatchObject({
      code: 'INVALID_VALUE',
      message: expect.stringContaining(path) as string,
    });
  });
});

describe('resolving', () => {
  it('downloads an image of the catalogue once, checked by its sums, and lists it', async () => {
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

  it('replaces a cached image when it is refreshed and has changed', async () => {
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

  it('stores the same content of two names once, and removes it with the last', async () => {
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
    execFileSync('qemu-img', [
      'create',
      '-q',
      '-u',
      '-f',
      'qcow2',
      '-b',
      '/etc/passwd',
      '-F',
      'raw',
      overlay,
      '1M',
    ]);
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

  it('takes a URL with a checksum, and one without with a note', async () => {
    const image = makeQcow2('a.qcow2', '1G');
    files.set('/dir/a.qcow2', image);
    const url = `${origin}/dir/a.qcow2`;
    const plain = await cache.resolve(url, { arch }, silentProgress());
    expect(plain).toMatchObject({
      id: 'a.qcow2',
      format: 'qcow2',
      note: expect.stringContaining('checksum') as string,
    });
    const proved = await cache.resolve(`${url}#sha256=${sha256(image)}`, { arch }, silentProgress());
    expect(proved.note).toBeUndefined();
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

  it('takes the path of a disk or a CD', async () => {
    makeQcow2('my.qcow2', '1G');
    const path = join(home, 'my.qcow2');
    expect(await cache.resolve(path, { arch }, silentProgress())).toEqual({
      id: 'my.qcow2',
      disk: path,
      format: 'qcow2',
      cloudInit: true,
    });
    await expect(cache.resolve(home, { arch }, silentProgress())).rejects.toMatchObject({
      code: 'BAD_IMAGE',
    });
    await expect(cache.resolve('/nowhere', { arch }, silentProgress())).rejects.toMatchObject({
      code: 'NO_SUCH_IMAGE',
    });
  });

  it('builds the embedded image, and names what there is for a name that is not', async () => {
    const tiny = await cache.resolve('tiny', { arch: 'x86_64' }, silentProgress());
    expect(tiny).toMatchObject({ id: 'tiny', directBoot: { commandLine: 'quiet' }, cloudInit: false });
    expect((await cache.list()).filter(({ id, cached }) => id === 'tiny' && cached)).toHaveLength(1);
    await cache.remove('tiny');
    expect((await cache.list()).filter(({ cached }) => cached)).toEqual([]);
    await expect(cache.resolve('debain-12', { arch }, silentProgress())).rejects.toMatchObject({
      code: 'NO_SUCH_IMAGE',
      next: expect.stringContaining('debian-12') as string,
    });
  });
});

describe('importing', () => {
  it('keeps a copy under a name', async () => {
    makeQcow2('my disk.qcow2', '1G');
    const info = await cache.importImage(join(home, 'my disk.qcow2'), {}, silentProgress());
    expect(info).toMatchObject({ id: 'my disk', source: 'imported', cached: true });
    rmSync(join(home, 'my disk.qcow2'));
    expect(await cache.resolve('my disk', { arch }, silentProgress())).toMatchObject({
      format: 'qcow2',
      disk: info.path,
    });
    const again = cache.importImage(info.path ?? '', { name: 'my disk' }, silentProgress());
    await expect(again).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  it.each(['../x', '', '-x', 'x'.repeat(300), 'a\nb', 'tiny'])('refuses the name %j', async (name) => {
    makeQcow2('a.qcow2', '1G');
    await expect(cache.importImage(join(home, 'a.qcow2'), { name }, silentProgress())).rejects.toMatchObject({
      code: name === 'tiny' ? 'ALREADY_EXISTS' : 'INVALID_NAME',
    });
    expect(stored()).toEqual([]);
  });
});

describe('half-done leftovers', () => {
  it('are collected; what is whole or may be continued stays', async () => {
    const image = makeQcow2('a.qcow2', '1G');
    await cache.importImage(join(home, 'a.qcow2'), { name: 'a' }, silentProgress());
    const images = join(home, 'images');
    mkdirSync(join(images, 'downloads'));
    writeFileSync(join(images, `${'0'.repeat(64)}.img`), image);
    writeFileSync(join(images, `${'1'.repeat(64)}.json`), '{"__proto__": {}}');
    writeFileSync(join(images, '.import.0123456789ab.tmp'), 'x');
    writeFileSync(join(images, 'downloads', 'new.part'), 'x');
    writeFileSync(join(images, 'downloads', 'old.part'), 'x');
    utimesSync(join(images, 'downloads', 'old.part'), 0, 0);
    await cache.collectGarbage();
    expect(stored()).toEqual([`${sha256(image)}.img`, `${sha256(image)}.json`]);
    expect(readdirSync(join(images, 'downloads'))).toEqual(['new.part']);
  });

  it('a stored file of another size is not taken', async () => {
    makeQcow2('a.qcow2', '1G');
    const { path } = await cache.importImage(join(home, 'a.qcow2'), { name: 'a' }, silentProgress());
    writeFileSync(path ?? '', 'cut');
    await expect(cache.resolve('a', { arch }, silentProgress())).rejects.toMatchObject({
      code: 'NO_SUCH_IMAGE',
    });
  });
});
