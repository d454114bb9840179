import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  arch,
  cache,
  home,
  makeQcow2,
  sha256,
  stored,
  useImageCache,
} from '../../test/support/image-cache.ts';
import { silentProgress } from '../core/progress.ts';

useImageCache();

describe('resolving', () => {
  it('accepts the path of a disk or a CD image', async () => {
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

  it('builds the embedded image, and lists the known images for an unknown name', async () => {
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
  it('stores a copy under a name', async () => {
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

describe('incomplete files', () => {
  it('are removed; complete ones, and downloads that can be continued, stay', async () => {
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

  it('are ignored if their size differs from the description', async () => {
    makeQcow2('a.qcow2', '1G');
    const { path } = await cache.importImage(join(home, 'a.qcow2'), { name: 'a' }, silentProgress());
    writeFileSync(path ?? '', 'cut');
    await expect(cache.resolve('a', { arch }, silentProgress())).rejects.toMatchObject({
      code: 'NO_SUCH_IMAGE',
    });
  });
});
