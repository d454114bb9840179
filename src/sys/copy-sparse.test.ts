import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { copySparse } from './copy-sparse.ts';

const directory = useTemporaryDirectory();

describe('copySparse', () => {
  it('copies every byte, and leaves holes in place of zeros', async () => {
    const folder = directory();
    const data = Buffer.alloc(8 * 1024 * 1024 + 7);
    data.write('begin', 0);
    data.write('end', data.length - 3);
    writeFileSync(join(folder, 'from'), data);
    await copySparse(join(folder, 'from'), join(folder, 'to'));
    expect(readFileSync(join(folder, 'to')).equals(data)).toBe(true);
    const { blocks, mode } = statSync(join(folder, 'to'));
    expect(blocks * 512).toBeLessThan(1024 * 1024);
    expect(mode & 0o777).toBe(0o600);
  });

  it('leaves nothing when it fails, and names the file', async () => {
    const folder = directory();
    await expect(copySparse(join(folder, 'none'), join(folder, 'to'))).rejects.toMatchObject({
      code: 'FILE_ACCESS',
      details: { path: join(folder, 'none') },
    });
    writeFileSync(join(folder, 'from'), 'x');
    await expect(copySparse(join(folder, 'from'), join(folder, 'no/to'))).rejects.toMatchObject({
      code: 'FILE_ACCESS',
    });
    expect(readdirSync(folder)).toEqual(['from']);
  });
});
