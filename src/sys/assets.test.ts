import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { assetPath } from './assets.ts';

describe('assetPath', () => {
  it('finds files of the package', async () => {
    expect(await readFile(assetPath('guest/tiny/init'), 'utf8')).toMatch(/^#!/);
  });

  it.each(['../secret', 'guest/../../secret', '/etc/passwd'])('refuses %s', (path) => {
    expect(() => assetPath(path)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });
});
