import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeSparse } from './extents.ts';

describe('writeSparse', () => {
  it('writes extents at their offsets and zeros elsewhere, and does not replace a file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kame-extents-'));
    try {
      const path = join(directory, 'disk');
      const large = Buffer.alloc(300_000, 0);
      large[200_000] = 5;
      await writeSparse(path, 1_000_000, [
        { offset: 10, data: Buffer.from('ten') },
        { offset: 500_000, data: large },
      ]);
      const expected = Buffer.alloc(1_000_000);
      expected.write('ten', 10);
      expected[700_000] = 5;
      expect((await readFile(path)).equals(expected)).toBe(true);
      expect((await stat(path)).size).toBe(1_000_000);
      await expect(writeSparse(path, 10, [])).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
