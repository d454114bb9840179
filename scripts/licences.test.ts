import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { noticesFor, packagesOf } from './licences.ts';

let directory = '';
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'kame-licences-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function makePackage(name: string, license: string, text?: string): string {
  const path = join(directory, 'node_modules', name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name, version: '1.2.3', license }));
  if (text !== undefined) writeFileSync(join(path, 'LICENCE.md'), text);
  return path;
}

it('names each package in a bundle once, the innermost of nested ones, and none for sources', () => {
  expect(
    packagesOf([
      'src/bin/kame.ts',
      'node_modules/ws/lib/a.js',
      'node_modules/ws/lib/b.js',
      'node_modules/@fastify/error/index.js',
      'node_modules/fastify/node_modules/semver/index.js',
    ]),
  ).toEqual(['node_modules/@fastify/error', 'node_modules/fastify/node_modules/semver', 'node_modules/ws']);
});

it('contains the licence text of every package, bundled or vendored', () => {
  const text = noticesFor(
    [makePackage('a', 'MIT', 'Text of a')],
    [makePackage('b', 'LGPL-3.0+', 'Text of b')],
  );
  expect(text).toContain('a 1.2.3 (MIT)\n\nText of a');
  expect(text).toContain('In vendor/: b 1.2.3 (LGPL-3.0+)\n\nText of b');
});

it('says where the sources are of a package whose licence wants that, and has the licences of what is within it', () => {
  const path = makePackage('d', 'MPL-2.0', 'Text of d');
  const repository = { url: 'https://example.org/d' };
  writeFileSync(
    join(path, 'package.json'),
    JSON.stringify({ name: 'd', version: '1.2.3', license: 'MPL-2.0', repository }),
  );
  for (const folder of ['docs', 'vendor/e']) {
    mkdirSync(join(path, folder), { recursive: true });
    writeFileSync(join(path, folder, 'LICENSE.txt'), `Text in ${folder}`);
  }
  const text = noticesFor([path], []);
  expect(text).toContain('of version 1.2.3 at https://example.org/d');
  for (const part of ['Text of d', 'Text in docs', 'Text in vendor/e']) expect(text).toContain(part);
});

it('rejects a bundled package with a licence that is not on the list', () => {
  expect(() => noticesFor([makePackage('c', 'AGPL-3.0', 'Text')], [])).toThrow(/c has the licence AGPL-3.0/);
  expect(() => noticesFor([join(directory, 'nothing')], [])).toThrow(/is not a package/);
});
