import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildModule, type BuiltModule } from '../../test/support/built-module.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { CopyThreads } from './copy-threads.ts';
import { mergeExtents, type Extent } from './extents.ts';

const directory = useTemporaryDirectory();
const mebibyte = 1024 * 1024;
/** Of a prime length: repeated, no piece of it looks right in the place of another. */
const pattern = Buffer.from(Array.from({ length: 65_537 }, (_, at) => (at * 7 + (at >> 12)) % 251));

// Built as it is shipped, because threads of the test runner cannot load TypeScript.
let built: BuiltModule;
let file: URL;
beforeAll(async () => {
  built = await buildModule(new URL('../bin/memory-copier.ts', import.meta.url));
  file = built.url;
});
afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

describe('CopyThreads', () => {
  it.each([1, 3])('copies parts to their places, %i at once, and nothing else', async (count) => {
    const [from, to] = [join(directory(), 'from'), join(directory(), 'to')];
    const data = Buffer.alloc(9 * mebibyte, pattern);
    await writeFile(from, data);
    await writeFile(to, Buffer.alloc(data.length, 255));
    const extents: Extent[] = [
      [4096, 100],
      [2 * mebibyte - 5, 5 * mebibyte],
      [9 * mebibyte - 10, 10],
    ];
    using threads = await CopyThreads.start(file, count);
    await threads.copy(from, to, extents);
    const expected = Buffer.alloc(data.length, 255);
    for (const [start, length] of extents) data.copy(expected, start, start, start + length);
    expect((await readFile(to)).equals(expected)).toBe(true);
    // Once more, with another order.
    await threads.copy(from, to, mergeExtents([[0, data.length]], 0));
    expect((await readFile(to)).equals(data)).toBe(true);
  });

  it('writes zeros for extents beyond the end of the source', async () => {
    const [from, to] = [join(directory(), 'short'), join(directory(), 'long')];
    await writeFile(from, 'abc');
    await writeFile(to, '');
    await truncate(to, 8192);
    using threads = await CopyThreads.start(file, 1);
    await threads.copy(from, to, [[0, 8192]]);
    expect((await stat(to)).size).toBe(8192);
    expect((await readFile(to, 'utf8')).startsWith('abc\0\0')).toBe(true);
  });

  it('names the file that cannot be written, and can still be used', async () => {
    const [from, to] = [join(directory(), 'from'), join(directory(), 'to')];
    await writeFile(from, 'abc');
    using threads = await CopyThreads.start(file, 2);
    await expect(threads.copy(from, join(directory(), 'none'), [[0, 3]])).rejects.toMatchObject({
      code: 'FILE_ACCESS',
      message: expect.stringMatching(/none does not exist/) as string,
    });
    await writeFile(to, '');
    await threads.copy(from, to, [[0, 3]]);
    expect(await readFile(to, 'utf8')).toBe('abc');
  });

  it('fails when a thread cannot start', async () => {
    await expect(CopyThreads.start(new URL('missing.mjs', file), 1)).rejects.toThrow(/missing\.mjs/);
  });
});
