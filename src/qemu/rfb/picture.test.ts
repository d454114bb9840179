import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeRfb, type FakeRectangle, type FakeRfbOptions } from '../../../test/support/fake-rfb.ts';
import { refused } from '../../../test/support/refused.ts';
import { readPicture } from './picture.ts';

const made: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const undo of made.splice(0)) await undo();
});

async function listen(options: FakeRfbOptions) {
  const directory = mkdtempSync(join(tmpdir(), 'kame-rfb-'));
  const path = join(directory, 'vnc');
  const server = await FakeRfb.listen(path, { size: { width: 3, height: 2 }, ...options });
  made.push(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  return { server, path };
}

/** A rectangle of pixels of one colour. */
function filled(x: number, y: number, width: number, height: number, colour: number): FakeRectangle {
  const pixels = Buffer.alloc(width * height * 4, Buffer.from([colour, colour + 1, colour + 2, 0xee]));
  return { x, y, width, height, pixels };
}

const { signal } = new AbortController();

describe('readPicture', () => {
  it('puts the rectangles of a display together', async () => {
    const { server, path } = await listen({ picture: [filled(0, 0, 1, 2, 10), filled(1, 0, 2, 2, 20)] });
    const { width, height, rgb } = await readPicture(path, signal);
    expect([width, height]).toEqual([3, 2]);
    const row = [10, 11, 12, 20, 21, 22, 20, 21, 22];
    expect([...rgb]).toEqual([...row, ...row]);
    // 32 bits, 24 of colour, red first; then all of the display, whatever was sent before.
    expect(server.pictureRequests).toEqual(['000000002018000100ff00ff00ff00081000000003000000000000030002']);
    await server.untilLeft();
  });

  it('waits for what comes later', async () => {
    const { server, path } = await listen({ picture: [filled(0, 0, 3, 1, 1)] });
    const reading = readPicture(path, signal);
    await expect.poll(() => server.pictureRequests).toHaveLength(1);
    const rest = Buffer.alloc(16);
    rest.set([0, 0, 0, 1, 0, 0, 0, 1, 0, 3, 0, 1]);
    server.raw(Buffer.concat([rest, Buffer.alloc(12, 7)]));
    expect([...(await reading).rgb.subarray(9)]).toEqual(Array(9).fill(7));
  });

  it.each([
    ['a rectangle beside the display', { picture: [filled(1, 0, 3, 1, 1)] }, /beside its display/],
    ['a display without pixels', { size: { width: 0, height: 2 }, picture: [] }, /a display of 0x2/],
    ['a display of impossible size', { size: { width: 65_535, height: 65_535 }, picture: [] }, /65535x65535/],
  ])('refuses %s', async (_what, options: FakeRfbOptions, reason) => {
    const { path } = await listen(options);
    const error = await refused(readPicture(path, signal));
    expect(error.code).toBe('ENGINE_FAILED');
    expect(error.message).toMatch(reason);
  });

  it('ends with the signal', async () => {
    const { server, path } = await listen({ picture: [] });
    const stop = new AbortController();
    const reading = refused(readPicture(path, stop.signal));
    await expect.poll(() => server.pictureRequests).toHaveLength(1);
    stop.abort();
    expect((await reading).code).toBe('ENGINE_FAILED');
  });
});
