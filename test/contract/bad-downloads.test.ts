import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { joinedHomeTest, type JoinedHome } from '../support/joined-home.ts';
import { refusal } from '../support/refusal.ts';

/** Tests with a server whose files are other ones than anybody expects. */
const it = joinedHomeTest.extend<{ origin: string }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
  origin: async ({}, use) => {
    const server = createServer((_request, response) => response.end(randomBytes(300_000)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.close();
  },
});

/** The files in images/, without the tiny images. */
async function cached(home: JoinedHome): Promise<string[]> {
  const entries = await readdir(join(home.path, 'images'), { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe('a download with another checksum', () => {
  it('is discarded, by URL and by catalogue', async ({ home, origin }) => {
    const wrong = 'ab'.repeat(32);
    const message = /disk\.img has the sha256 [0-9a-f]{64}, but (ab){32} was expected/;
    expect(await home.kame(['create', 'x', '--image', `${origin}/disk.img#sha256=${wrong}`])).toEqual(
      refusal(1, message),
    );
    expect(await cached(home)).toEqual([]);
    const entry = { id: 'mine', arch: 'aarch64', url: `${origin}/disk.img`, checksum: `sha256=${wrong}` };
    await writeFile(join(home.path, 'catalogue.json'), JSON.stringify({ images: [entry] }));
    expect(await home.kame(['create', 'x', '--image', 'mine'])).toEqual(refusal(1, message));
    expect(await home.kame(['image', 'pull', 'mine'])).toEqual(refusal(1, message));
    expect(await cached(home)).toEqual([]);
  });

  it('or a malformed catalogue entry names what is wrong', async ({ home, origin }) => {
    const catalogue = join(home.path, 'catalogue.json');
    await writeFile(catalogue, '{"images": [{"id": "mine"}]}');
    expect(await home.kame(['create', 'x', '--image', 'mine'])).toEqual(
      refusal(2, `${catalogue} is invalid at images.0`),
    );
    await writeFile(catalogue, '{');
    expect(await home.kame(['create', 'x', '--image', 'mine'])).toEqual(
      refusal(2, `${catalogue} is not valid JSON`),
    );
    await rm(catalogue);
    expect(await home.kame(['create', 'x', '--image', `${origin}/a.img#md5=abc`])).toEqual(
      refusal(2, /"#md5=abc" is not a valid checksum/),
    );
    expect(await home.kame(['create', 'x', '--image', 'ftp://127.0.0.1/a.img'])).toEqual(refusal(1, /ftp/));
  });
});
