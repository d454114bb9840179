import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { findGuestOs } from '../model/guest-os.ts';
import { builtInCatalogue, readUserCatalogue } from './catalogue.ts';

const directory = useTemporaryDirectory();

describe('the catalogue', () => {
  it('has each image once per architecture, over https, with a known guest OS', () => {
    const entries = builtInCatalogue();
    const keys = entries.map(({ id, arch }) => `${id} ${arch}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const entry of entries) {
      expect(findGuestOs(entry.guestOS)).toMatchObject({ known: true, os: { id: entry.guestOS } });
      if (entry.kind === 'embedded') continue;
      for (const url of [entry.url, entry.checksum.kind === 'sums' ? entry.checksum.url : entry.url]) {
        expect(url).toMatch(/^https:\/\/[^{}]+$/u);
      }
    }
  });

  it.each([
    ['no JSON', '{'],
    ['another form', '[]'],
    ['an unknown key', '{"images": [], "more": 1}'],
    [
      'a file URL',
      '{"images": [{"id": "a", "arch": "aarch64", "url": "file:///etc/passwd", "checksum": "x"}]}',
    ],
    [
      'an id with a slash',
      '{"images": [{"id": "../a", "arch": "aarch64", "url": "https://h/a", "checksum": "x"}]}',
    ],
    [
      'the id tiny',
      `{"images": [{"id": "tiny", "arch": "aarch64", "url": "https://h/a", "checksum": "${'a'.repeat(64)}"}]}`,
    ],
    ['no checksum', '{"images": [{"id": "a", "arch": "aarch64", "url": "https://h/a"}]}'],
    [
      'a checksum of no kind',
      '{"images": [{"id": "a", "arch": "aarch64", "url": "https://h/a", "checksum": "abc"}]}',
    ],
  ])('of a user with %s is rejected, naming the file', async (_name, text) => {
    const path = join(directory(), 'catalogue.json');
    writeFileSync(path, text);
    await expect(readUserCatalogue(path)).rejects.toMatchObject({
      code: 'INVALID_VALUE',
      message: expect.stringContaining(path) as string,
    });
  });
});
