import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeRfb, type FakeRfbOptions } from '../../../test/support/fake-rfb.ts';
import { refused } from '../../../test/support/refused.ts';
import { RfbClient } from './rfb-client.ts';

const { signal } = new AbortController();
const made: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const undo of made.splice(0)) await undo();
});

async function listen(options: FakeRfbOptions = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'kame-rfb-'));
  const path = join(directory, 'vnc');
  const server = await FakeRfb.listen(path, options);
  made.push(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  return { server, path };
}

describe('RfbClient', () => {
  it('tells the size of the display, and asks for another', async () => {
    const { server, path } = await listen();
    using client = await RfbClient.connect(path, signal);
    expect(client.size).toEqual({ width: 1280, height: 800 });
    expect(await client.setDesktopSize({ width: 1600, height: 900 })).toBe(true);
    expect(server.wanted).toEqual([{ width: 1600, height: 900 }]);
    const changed = client.nextChange();
    server.change({ width: 1600, height: 900 });
    await changed;
    expect(client.size).toEqual({ width: 1600, height: 900 });
  });

  it('tells when the adapter does not pass a size on', async () => {
    const { path } = await listen({ status: 3 });
    using client = await RfbClient.connect(path, signal);
    expect(await client.setDesktopSize({ width: 1600, height: 900 })).toBe(false);
  });

  it('reads on after what it does not need: colours, a bell, a text', async () => {
    const { server, path } = await listen();
    using client = await RfbClient.connect(path, signal);
    const changed = client.nextChange();
    const colours = Buffer.from([1, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6]);
    server.raw(Buffer.concat([colours, Buffer.from([2]), Buffer.from([3, 0, 0, 0, 0, 0, 0, 2, 65, 66])]));
    server.change({ width: 640, height: 480 });
    await changed;
    expect(client.size).toEqual({ width: 640, height: 480 });
  });

  it('reads messages that come byte by byte', async () => {
    const { server, path } = await listen();
    using client = await RfbClient.connect(path, signal);
    const changed = client.nextChange();
    const bytes = Buffer.alloc(36);
    bytes.set([0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 1, 0, 0xff, 0xff, 0xfe, 0xcc, 1]);
    for (const byte of bytes) server.raw(Buffer.from([byte]));
    await changed;
    expect(client.size).toEqual({ width: 512, height: 256 });
  });

  it.each([
    ['names no version', { greeting: Buffer.from('HTTP/1.1 200') }],
    ['asks for a password', { security: [2] }],
    ['refuses', { security: [] }],
  ])('is not connected to a server that %s', async (_what, options) => {
    const { path } = await listen(options);
    expect((await refused(RfbClient.connect(path, signal))).code).toBe('ENGINE_FAILED');
  });

  it.each([
    ['an unknown message', Buffer.from([99])],
    ['a picture', Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.alloc(12)])],
    ['an endless text', Buffer.from([3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])],
  ])('fails with %s, at once and later', async (_what, bytes) => {
    const { server, path } = await listen();
    using client = await RfbClient.connect(path, signal);
    const over = client.nextChange();
    server.raw(bytes);
    await over;
    expect(() => client.size).toThrow(/does not speak RFB/);
    expect((await refused(client.setDesktopSize({ width: 1, height: 1 }))).code).toBe('ENGINE_FAILED');
    await client.nextChange();
  });

  it('ends with the signal, and with the engine', async () => {
    const { server, path } = await listen();
    const stop = new AbortController();
    using client = await RfbClient.connect(path, stop.signal);
    const over = client.nextChange();
    stop.abort();
    await over;
    await server.untilLeft();
    expect(() => client.size).toThrow(/closed the connection/);
    expect((await refused(RfbClient.connect(path, stop.signal))).code).toBe('CANCELLED');
  });
});
