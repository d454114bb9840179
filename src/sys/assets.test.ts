import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { assetPath, assetText } from './assets.ts';

describe('assetPath', () => {
  it('finds files of the package', async () => {
    expect(await readFile(assetPath('guest/tiny/init'), 'utf8')).toMatch(/^#!/);
  });

  it.each(['../secret', 'guest/../../secret', '/etc/passwd'])('refuses %s', (path) => {
    expect(() => assetPath(path)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });
});

describe('assetText', () => {
  it('reads a program for guests', async () => {
    expect(assetText('guest/tiny/init')).toBe(await readFile(assetPath('guest/tiny/init'), 'utf8'));
  });

  it('says that the package is not whole when a file is missing', () => {
    expect(() => assetText('guest/no-such-program')).toThrow(
      expect.objectContaining({ code: 'INTERNAL', next: expect.stringContaining('not whole') as string }),
    );
  });
});
