import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { connect } from '../../src/bin/sdk.ts';
import { createNodeClient } from '../../src/client/node/client.ts';
import { KameError } from '../../src/core/errors.ts';
import { WebSocketChannel } from '../../src/daemon/websocket-channel.ts';
import { joinedHomeTest } from '../support/joined-home.ts';
import { refused } from '../support/refused.ts';
import { fakeDaemon } from './cli-support.ts';

const it = joinedHomeTest;

/** Just enough to be an ISO: the identifier of the first volume descriptor, in sector 16. */
function iso(bytes: number): Buffer {
  const image = Buffer.alloc(bytes, 7);
  image.write('\u0001CD001\u0001', 16 * 2048, 'latin1');
  return image;
}

describe('an image file of a client', () => {
  it('is sent, from where an earlier upload ended, and becomes an image', async ({ home }) => {
    await using client = await connect({ home: home.path });
    const content = iso(30 * 1024 * 1024 + 17);
    const about = { name: 'my setup.iso', sizeBytes: content.length, modifiedMs: 1 };
    const over = new AbortController();
    const first = client.images.upload(about, {
      read: async (from, to) => await Promise.resolve(content.subarray(from, to)),
      progress: (bytes) => {
        if (bytes > 0) over.abort();
      },
      signal: over.signal,
    });
    expect((await refused(first)).code).toBe('CANCELLED');
    const from: number[] = [];
    const image = await client.images.upload(about, {
      read: async (start, end) => await Promise.resolve(content.subarray(start, end)),
      progress: (bytes) => from.push(bytes),
    });
    expect(image).toMatchObject({ id: 'my setup', source: 'imported', sizeBytes: content.length });
    expect(from[0]).toBeGreaterThan(0);
    expect(from.at(-1)).toBe(content.length);
    expect(await readdir(join(home.path, 'images', 'downloads'))).toEqual([]);
  });

  it('is refused if it is none, or if its name is taken, and nothing of it stays', async ({ home }) => {
    await using client = await connect({ home: home.path });
    const upload = async (name: string, content: Buffer) =>
      await client.images.upload(
        { name, sizeBytes: content.length },
        { read: async (start, end) => await Promise.resolve(content.subarray(start, end)) },
      );
    expect((await refused(upload('text.iso', Buffer.from('no image at all')))).code).toBe('BAD_IMAGE');
    await upload('one.iso', iso(64 * 1024));
    expect(await upload('debian-12.5.iso', iso(64 * 1024))).toMatchObject({ id: 'debian-12.5' });
    expect((await refused(upload('one.iso', iso(64 * 1024)))).code).toBe('ALREADY_EXISTS');
    expect((await refused(upload('../../x.iso', iso(64 * 1024)))).code).toBe('INVALID_NAME');
    expect(await readdir(join(home.path, 'images', 'downloads'))).toEqual([]);
  });
});

describe('files of a client', () => {
  it('that the daemon gives up while they are sent are refused with its reason', async () => {
    await using daemon = await fakeDaemon();
    daemon.onSocket('/v1/uploads/send', (socket) => {
      const channel = new WebSocketChannel(socket);
      const giveUp = async () => {
        await channel.next();
        await channel.send(JSON.stringify({ type: 'ready', offset: 0 }));
        await channel.next();
        channel.fail(new KameError('DISK_FULL', 'The disk is full.'));
      };
      void giveUp();
    });
    await using client = createNodeClient({ env: { KAME_HOME: daemon.home }, daemon: undefined });
    const sizeBytes = 40 * 1024 * 1024;
    const sent = client.uploads.send(
      { files: [{ path: 'web.ova', sizeBytes, modifiedMs: 1 }] },
      { read: async (start, end) => await Promise.resolve(new Uint8Array(end - start)) },
    );
    expect(await refused(sent)).toMatchObject({ code: 'DISK_FULL', message: 'The disk is full.' });
  });
});
