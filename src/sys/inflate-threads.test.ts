import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildModule, type BuiltModule } from '../../test/support/built-module.ts';
import { InflateThreads, type InflatedBatch, type PackedBatch } from './inflate-threads.ts';

const pieceBytes = 4096;

// Built as it is shipped, because threads of the test runner cannot load TypeScript.
let built: BuiltModule;
beforeAll(async () => {
  built = await buildModule(new URL('../bin/inflater.ts', import.meta.url));
});
afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

function batchOf(pieces: readonly Buffer[]): PackedBatch {
  const packed = new ArrayBuffer(64 * 1024);
  Buffer.concat(pieces).copy(Buffer.from(packed));
  const plain = new ArrayBuffer(pieces.length * pieceBytes);
  return { packed, plain, sizes: pieces.map(({ length }) => length), pieceBytes };
}

function textsOf({ plain, lengths }: InflatedBatch): string[] {
  return lengths.map((length, at) => Buffer.from(plain, at * pieceBytes, length).toString('latin1'));
}

const piece = (text: string) => deflateSync(Buffer.from(text, 'latin1'));

describe('InflateThreads', () => {
  it('answers each batch with its own pieces, and with its memory', async () => {
    using threads = await InflateThreads.start(built.url, 2);
    const texts = Array.from({ length: 9 }, (_none, at) => [`${at}`.repeat(pieceBytes), `short ${at}`]);
    const results = await Promise.all(
      texts.map(async (pair) => await threads.inflate(batchOf(pair.map(piece)))),
    );
    expect(results.map(textsOf)).toEqual(texts);
    expect(results.every(({ packed, failure }) => packed.byteLength === 64 * 1024 && !failure)).toBe(true);
  });

  it('gives no piece more than its room, and says which of them is wrong', async () => {
    using threads = await InflateThreads.start(built.url, 1);
    const damaged = piece('damaged').fill(255, 4, 8);
    for (const wrong of [piece('x'.repeat(pieceBytes + 1)), piece('x'.repeat(2 ** 22)), damaged]) {
      const result = await threads.inflate(batchOf([piece('good'), wrong, piece('not reached')]));
      expect(textsOf(result)).toEqual(['good']);
      expect(result.failure).toMatch(/larger than|invalid|incorrect/);
    }
  });

  it('tells whoever waits that a thread has ended, and whoever asks afterwards', async () => {
    using threads = await InflateThreads.start(built.url, 1);
    const broken = { ...batchOf([piece('x')]), plain: new ArrayBuffer(1) };
    const ended = { message: expect.stringMatching(/outside|bounds|length/) as string };
    await expect(threads.inflate(broken)).rejects.toMatchObject(ended);
    await expect(threads.inflate(batchOf([piece('x')]))).rejects.toMatchObject(ended);
  });

  it('fails when a thread cannot start', async () => {
    await expect(InflateThreads.start(new URL('missing.mjs', built.url), 2)).rejects.toThrow(/missing\.mjs/);
  });
});
