import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexText } from './fixtures/signed-archive.ts';
import { dependencyClosure, parseDepends, parsePackages } from './packages.ts';

const data = Buffer.from('x');
const text = indexText([
  { name: 'tool', data, depends: 'libone (>= 1.0), missing | libtwo, libfour:any [amd64]' },
  { name: 'libone', data, depends: 'libtwo' },
  { name: 'libtwo', data, depends: 'libone (= 1)' },
  { name: 'libfour', data, depends: 'unwanted' },
  { name: 'broken', data, depends: 'nowhere' },
  { name: '__proto__', data },
]);

describe('parsePackages', () => {
  it('finds packages by their exact name', () => {
    const index = parsePackages(text);
    expect(index.get('tool')).toMatchObject({
      version: '1.0-1',
      filename: 'pool/main/tool_1.0-1_arm64.deb',
      size: 1,
    });
    expect(index.get('lib')).toBeUndefined();
    expect(index.get('toString')).toBeUndefined();
    expect(index.get('__proto__')?.name).toBe('__proto__');
    expect(index.size).toBe(6);
  });

  it.each([
    ['a path that leaves the archive', text.replace('pool/main/tool', 'pool/../../tool')],
    ['an absolute path', text.replace('pool/main/tool', '/etc/tool')],
    ['no hash', text.replace('SHA256:', 'MD5:')],
    ['no size', text.replace('Size: 1', 'Size: many')],
  ])('refuses a package with %s', (_, bad) => {
    expect(() => parsePackages(bad).get('tool')).toThrow(expect.objectContaining({ code: 'BAD_IMAGE' }));
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string(), (any) => {
        expect(parsePackages(any).get('tool\u0000')).toBeUndefined();
      }),
    );
  });
});

describe('parseDepends', () => {
  it('reads alternatives, and ignores versions and architectures', () => {
    expect(parseDepends('libc6 (>= 2.34), kmod | linux-base:any,, x [arm64] <!nocheck>')).toEqual([
      ['libc6'],
      ['kmod', 'linux-base'],
      ['x'],
    ]);
    expect(parseDepends('')).toEqual([]);
    expect(parseDepends('-rf, ../x')).toEqual([]);
  });
});

describe('dependencyClosure', () => {
  const index = parsePackages(text);

  it('follows dependencies once, even in cycles, and chooses the first alternative that exists', () => {
    const names = dependencyClosure(index, ['tool'], (name) => name === 'unwanted').map((one) => one.name);
    expect(names).toEqual(['tool', 'libone', 'libtwo', 'libfour']);
  });

  it('names what is missing', () => {
    expect(() => dependencyClosure(index, ['broken'])).toThrow(/no package nowhere/);
    expect(() => dependencyClosure(index, ['absent'])).toThrow(/no package absent/);
  });
});
