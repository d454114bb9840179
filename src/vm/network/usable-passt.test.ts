import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { releaseDate, usablePasst } from './usable-passt.ts';

const temporary = useTemporaryDirectory();

async function passt(version: string): Promise<string> {
  const directory = temporary();
  await writeFile(join(directory, 'passt'), `#!/bin/sh\necho "passt ${version}"\n`, { mode: 0o755 });
  return directory;
}

describe('passt', () => {
  it.each([
    ['passt 2025_09_11.623dbf6', 20_250_911],
    ['passt 0.0~git20250503.587980c-2', 20_250_503],
    ['passt unknown version', 0],
  ])('has a date in its version: %s', (version, date) => {
    expect(releaseDate(version)).toBe(date);
  });

  it('is used if it is asked for and new enough, or named', async () => {
    const [now, old] = [await passt('2025_09_11.623dbf6'), await passt('unknown version')];
    const found = async (PATH: string, KAME_PASST?: string, os: 'linux' | 'darwin' = 'linux') =>
      await usablePasst({ env: { PATH, KAME_PASST }, os });
    expect(await found(now, 'on')).toEqual({ program: join(now, 'passt') });
    expect(await found(old, 'on')).toHaveProperty('none');
    expect(await found(old, join(old, 'passt'))).toEqual({ program: join(old, 'passt') });
    for (const chosen of [undefined, '', 'off'])
      expect(await found(now, chosen)).toEqual({ none: 'KAME_PASST does not ask for it' });
    expect(await found(now, 'on', 'darwin')).toHaveProperty('none');
  });
});
