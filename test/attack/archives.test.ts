import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { extract } from '../../src/archive/extract.ts';
import { endOfArchive, headerOf } from '../../src/archive/tar-header.ts';
import { readArchive } from '../../src/archive/tar-read.ts';
import { KameError } from '../../src/core/errors.ts';
import { fuzz } from './fuzz.ts';
import type { Corpus } from './mutation.ts';

const common = { mode: 0o644, uid: 0, gid: 0, mtime: 0, size: 0, linkName: '' };
const sample = (long: boolean) => {
  const name = long ? 'n'.repeat(150) : 'name';
  return Buffer.concat([
    headerOf({ ...common, path: 'd', type: 'directory' }),
    headerOf({ ...common, path: `d/${name}`, type: 'file', size: 5 }),
    Buffer.from('12345'.padEnd(512, '\0')),
    headerOf({ ...common, path: 'd/s', type: 'symlink', linkName: '../..' }),
    headerOf({ ...common, path: 'd/h', type: 'link', linkName: `d/${name}` }),
    endOfArchive,
  ]);
};
const part = fc.constantFrom('a', 'd', '..', '.', '', 'd/s', 'n'.repeat(90), '\u202e', 'con');
const anyHeader = fc.tuple(
  fc.array(part, { maxLength: 3 }).map((parts) => parts.join('/').slice(0, 99)),
  fc.constantFrom('directory', 'file', 'symlink', 'link'),
  fc.constantFrom(0, 0, 1, 5, 512, 513, 2 ** 33),
  fc.constantFrom('', '../..', 'd/a', '/etc/passwd'),
);

/** Entries with any names, in any order, some of whose content is missing. */
const anyArchive = fc.array(anyHeader, { maxLength: 4 }).map((headers) =>
  Buffer.concat([
    ...headers.flatMap(([path, type, size, linkName]) => {
      const header = headerOf({ ...common, path, type, linkName, size: type === 'file' ? size : 0 });
      return [header, Buffer.alloc(type === 'file' && size < 1024 ? Math.ceil(size / 512) * 512 : 0, 'x')];
    }),
    endOfArchive,
  ]),
);

const corpus: Corpus = {
  generated: anyArchive,
  samples: [sample(false), sample(true)],
  pieces: ['../', '/', 'd/s/', 'ustar  ', '././@LongLink'].map((word) => Buffer.from(word)),
};

const refuse = (reason: string) => new KameError('GUEST_FAILED', reason);
const limits = { maxBytes: 1024 * 1024, maxEntries: 1000 };

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}

/** The header's sum, as a guest that forges archives would have it right. */
function withSums(archive: Buffer): Buffer {
  const bytes = Buffer.from(archive);
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    bytes.write('        ', at + 148, 'latin1');
    const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return bytes;
}

const place = mkdtempSync(join(tmpdir(), 'kame-attack-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

it('reads any archive, or refuses it', async () => {
  const { read, refused } = await fuzz(corpus, async (input) => {
    for await (const { entry, content } of readArchive(once(withSums(input)), { refuse, limits })) {
      if (/^\/|(^|\/)\.\.(\/|$)|\0/.test(entry.path)) throw new Error(`It has the path ${entry.path}`);
      for await (const _part of content);
    }
  });
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['GUEST_FAILED']);
});

it('lays any archive out in its place, and nowhere else', async () => {
  const runs = Math.ceil(Number(process.env['KAME_FUZZ_RUNS'] ?? 100_000) / 100);
  const directory = join(place, 'in');
  const { read } = await fuzz(
    corpus,
    async (input) => {
      const target = mkdtempSync(`${directory}-`);
      try {
        const items = readArchive(once(withSums(input)), { refuse, limits });
        await extract(items, {
          directory: target,
          owner: false,
          refuse,
          signal: new AbortController().signal,
        });
      } finally {
        rmSync(target, { recursive: true, force: true });
      }
      if (readdirSync(place).length > 0 || existsSync(join(place, '..', 's')))
        throw new Error('It left something.');
    },
    { firstSeed: Number(process.env['KAME_TEST_SEED'] ?? 1), runs },
  );
  expect(read).toBeGreaterThan(0);
});
