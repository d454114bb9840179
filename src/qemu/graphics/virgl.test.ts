import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeDisplay3d, type Display3dOptions } from '../../../test/support/fake-display-3d.ts';
import { refused } from '../../../test/support/refused.ts';
import { ControlQueue } from './control-queue.ts';
import { MachineBus } from './machine-bus.ts';
import { QtestClient } from './qtest.ts';
import { capsets, capsetsOf, createContext, render, rendererFrom, rendererOf } from './virgl.ts';

const made: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const undo of made.splice(0).reverse()) await undo();
});

async function connect(options: Display3dOptions = {}, signal = new AbortController().signal) {
  const directory = mkdtempSync(join(tmpdir(), 'kame-gl-'));
  const path = join(directory, 'qtest');
  const display = await FakeDisplay3d.listen(path, options);
  const qtest = await QtestClient.connect(path, { deadlineMs: 2000, signal });
  made.push(async () => {
    qtest[Symbol.dispose]();
    await display[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  const open = async () =>
    await ControlQueue.open(new MachineBus(qtest, options.arch ?? 'aarch64'), 2, signal);
  return { display, qtest, open };
}

async function prove(options: Display3dOptions = {}) {
  const { open } = await connect(options);
  const queue = await open();
  const renderer = await rendererOf(queue, await capsetsOf(queue));
  await render(queue);
  return renderer;
}

describe('a display with 3D', () => {
  it.each(['aarch64', 'x86_64'] as const)('tells who renders, and fills a square, on %s', async (arch) => {
    expect(await prove({ arch, renderer: 'LLVMPIPE (LLVM 15.0.6, 256 bits)' })).toEqual({
      name: 'LLVMPIPE (LLVM 15.0.6, 256 bits)',
      openGl: '4.5',
    });
  });

  it('makes a context for Vulkan only where it has that', async () => {
    const { open, display } = await connect({ capsets: [1, 2, 4] });
    const queue = await open();
    expect((await capsetsOf(queue)).map(({ id }) => id)).toEqual([1, 2, 4]);
    await createContext(queue, 2, capsets.venus);
    expect(display.commands.at(-1)).toBe(0x0200);
  });

  it.each([
    [460, '4.6'],
    [330, '3.3'],
    [150, '3.2'],
    [140, '3.1'],
    [130, '3.0'],
    [120, '2.1'],
  ])('has the OpenGL that belongs to GLSL %i', (glslLevel, openGl) => {
    const data = Buffer.alloc(1376);
    data.writeUInt32LE(glslLevel, 264);
    data.write('\u001B[31mred\nname\0hidden', 696, 'latin1');
    expect(rendererFrom(data)).toEqual({ name: '?[31mred?name', openGl });
  });

  it.each([
    ['is not there', { isMissing: true }, /no virtio device in slot 2/],
    ['does not have 3D', { has3d: false }, /does not render in 3D/],
    ['has no set of virgl', { capsets: [] }, /no OpenGL by virgl/],
    ['has too short a set', { capsetBytes: 308 }, /too old to name its renderer/],
    ['refuses to make a context', { refuses: [0x0200] }, /answers 0x1200 to the command 0x200/],
    ['renders another colour', { pixel: [0, 0, 0, 255] }, /did not fill a square/],
    ['is not QEMU', { says: 'HTTP/1.1 400 Bad Request' }, /does not speak its protocol/],
    ['refuses the protocol', { says: 'FAIL no' }, /refused to test a device: no/],
    ['sends a line without an end', { says: `OK 0x${'0'.repeat(70_000)}` }, /exceeds 65536 bytes/],
  ])('is not proved when it %s', async (_what, options: Display3dOptions, reason) => {
    const error = await refused(prove(options));
    expect(error.code).toBe('ENGINE_FAILED');
    expect(error.message).toMatch(reason);
  });

  it('is given up with the signal when it does not answer', async () => {
    const stop = new AbortController();
    const { open, display } = await connect({ ignores: [0x0108] }, stop.signal);
    const queue = await open();
    const asking = refused(capsetsOf(queue));
    await expect.poll(() => display.commands).toContain(0x0108);
    stop.abort();
    expect(['CANCELLED', 'ENGINE_FAILED']).toContain((await asking).code);
  });

  it('is over when the engine ends', async () => {
    const { open, display, qtest } = await connect();
    const queue = await open();
    display.hangUp();
    expect((await refused(capsetsOf(queue))).message).toMatch(/ended in the middle/);
    expect((await refused(qtest.read('l', 0))).code).toBe('ENGINE_FAILED');
  });
});
