import { mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeWebdavd, webdavFrame } from '../../../test/support/fake-webdavd.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { Shares } from '../../webdav/share.ts';
import { SharePort } from './share-port.ts';

const makeDirectory = useTemporaryDirectory();
let work = '';
let guest: FakeWebdavd;
let port: SharePort;

beforeEach(async () => {
  const root = realpathSync(makeDirectory());
  work = join(root, 'work');
  mkdirSync(work);
  writeFileSync(join(work, 'file'), 'content');
  guest = await FakeWebdavd.listen(join(root, 'webdav'));
  port = new SharePort({ path: join(root, 'webdav') });
});

afterEach(async () => {
  port.close();
  await guest[Symbol.asyncDispose]();
});

const shares = (writable = true): Shares => ({
  list: [{ name: 'work', path: work, writable }],
  hidden: new Set(),
  pinned: new Set(),
});

async function connect(): Promise<void> {
  port.setShares(shares());
  port.portChanged(true);
  await guest.until(() => guest.connected);
}

describe('the port for shared folders', () => {
  it('is connected while a program has it open and there is something to share', async () => {
    port.portChanged(true);
    expect(port.isOpen).toBe(true);
    port.setShares(shares());
    await guest.until(() => guest.connected);
    port.setShares({ ...shares(), list: [] });
    await guest.until(() => !guest.connected);
    port.portChanged(false);
    port.setShares(shares());
    port.portChanged(true);
    await guest.until(() => guest.connected);
    expect(guest.connections).toBe(2);
  });

  it('serves several connections of the guest, one request after the other on each', async () => {
    await connect();
    guest.ask(1, 'GET /work/file');
    guest.ask(-2, 'GET /');
    expect(await guest.answered(1, /content$/)).toMatch(/^HTTP\/1.1 200/);
    expect(await guest.answered(-2, /work\//)).toMatch(/^HTTP\/1.1 200/);
    guest.ask(1, 'GET /work/none');
    await guest.answered(1, /404 Not Found/);
    guest.send(webdavFrame(1, ''));
    await guest.until(() => guest.ended.includes(1));
    // The same id is a new connection then.
    guest.received.clear();
    guest.ask(1, 'GET /work/file');
    await guest.answered(1, /content$/);
  });

  it('writes a large file that comes in many frames, whatever else is asked meanwhile', async () => {
    await connect();
    const part = 'x'.repeat(60_000);
    guest.send(
      webdavFrame(1, `PUT /work/large HTTP/1.1\r\nHost: h\r\nContent-Length: ${60_000 * 50}\r\n\r\n`),
    );
    for (let count = 0; count < 50; count += 1) guest.send(webdavFrame(1, part));
    guest.ask(2, 'GET /work/file');
    await guest.answered(2, /content$/);
    expect(await guest.answered(1, /\r\n\r\n$/)).toMatch(/^HTTP\/1.1 201/);
  });

  it('gives up the connection that was used least recently in a flood of them', async () => {
    await connect();
    for (let id = 1; id <= 300; id += 1) guest.send(webdavFrame(id, 'GET '));
    await guest.until(() => guest.ended.length >= 300 - 64);
    expect(guest.ended.slice(0, 3)).toEqual([1, 2, 3]);
    guest.ask(1000, 'GET /work/file');
    await guest.answered(1000, /content$/);
  });

  it('lets a guest wait that sends and does not read', async () => {
    writeFileSync(join(work, 'big'), Buffer.alloc(20_000_000));
    await connect();
    for (let id = 1; id <= 20; id += 1) guest.ask(id, 'GET /work/big');
    await guest.answered(1, /200 OK/);
    guest.stopReading();
    const before = process.memoryUsage().rss;
    for (let id = 21; id <= 60; id += 1) guest.ask(id, 'GET /work/big');
    for (let count = 0; count < 100; count += 1) await new Promise((resolve) => setImmediate(resolve));
    // All files together have 1,200 MB.
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
  });

  it('begins anew with a guest that is in the middle of something, as after a restart of the daemon', async () => {
    await connect();
    guest.send(webdavFrame(5, 'this is the rest of a body'));
    await guest.until(() => !guest.connected);
    await guest.until(() => guest.connected);
    guest.ask(6, 'GET /work/file');
    await guest.answered(6, /content$/);
    expect(guest.received.has(5)).toBe(false);
  });

  it('ends what is being written when the folder becomes read-only', async () => {
    await connect();
    guest.send(webdavFrame(1, 'PUT /work/new HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nbegin'));
    guest.ask(2, 'GET /work/file');
    await guest.answered(2, /content$/);
    port.setShares(shares(false));
    await guest.until(() => !guest.connected);
    await guest.until(() => guest.connected);
    guest.ask(3, 'PUT /work/new', 'x');
    await guest.answered(3, /403 Forbidden/);
    expect(readdirSync(work)).toEqual(['file']);
  });
});
