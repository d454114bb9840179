import { describe, expect, it } from 'vitest';
import type { DebFile } from '../debian/deb.ts';
import { makeElf } from './fixtures/make-elf.ts';
import { targets } from './recipe.ts';
import { buildRoot, busyboxApplets, isProgramFile, type RootParts } from './root.ts';

const applets = ['[', '[[', ...Array.from({ length: 120 }, (_, index) => `applet${index}`), 'mke2fs', 'sh'];
const busybox = Buffer.concat([makeElf(), Buffer.from(`before\0${applets.join('\0')}\0\0after\0`)]);

function file(name: string, data: Uint8Array): [string, DebFile] {
  return [name, { path: name, type: 'file', mode: 0o755, size: data.length, linkName: '', data }];
}

function link(name: string, linkName: string): [string, DebFile] {
  return [name, { path: name, type: 'symlink', mode: 0o777, size: 0, linkName, data: Buffer.alloc(0) }];
}

const lib = 'usr/lib/aarch64-linux-gnu';
const files = new Map<string, DebFile>([
  file('bin/busybox', busybox),
  file('usr/sbin/qemu-ga', makeElf({ needed: ['libglib.so.0', 'libc.so.6'] })),
  file('sbin/mke2fs', makeElf({ needed: ['libc.so.6'] })),
  file('sbin/resize2fs', makeElf()),
  link(`${lib}/libglib.so.0`, 'libglib.so.0.7'),
  file(`${lib}/libglib.so.0.7`, makeElf({ needed: ['libpcre.so'] })),
  file(`${lib}/libpcre.so`, makeElf({ needed: ['libc.so.6'] })),
  file('lib/aarch64-linux-gnu/libc.so.6', makeElf({ needed: ['ld-linux-aarch64.so.1'] })),
  file('lib/aarch64-linux-gnu/ld-linux-aarch64.so.1', makeElf()),
  file(`${lib}/libunused.so`, makeElf()),
]);
const parts: RootParts = {
  target: targets.aarch64,
  files,
  modules: [],
  kernelVersion: '6.1.0-1-arm64',
  guestFiles: new Map([['init', { data: Buffer.from('#!/usr/bin/busybox sh\n'), mode: 0o755 }]]),
  osRelease: 'ID=kame-tiny\n',
};

describe('buildRoot', () => {
  it('has the programs, all libraries they need, directly or indirectly, and nothing else', () => {
    const tree = buildRoot(parts);
    expect([...tree.keys()].filter((path) => path.includes('.so')).sort()).toEqual([
      `${lib}/libc.so.6`,
      `${lib}/libglib.so.0`,
      `${lib}/libpcre.so`,
      'usr/lib/ld-linux-aarch64.so.1',
    ]);
    expect(tree.get('usr/bin/sh')).toEqual({ type: 'symlink', target: 'busybox' });
    expect(tree.get('usr/bin/mke2fs')).toMatchObject({ type: 'file' });
    expect(tree.get('init')).toMatchObject({ type: 'file', mode: 0o755 });
  });

  it('has every directory before its contents', () => {
    const seen = new Set<string>();
    for (const [path, entry] of buildRoot(parts)) {
      const parent = path.split('/').slice(0, -1).join('/');
      expect([...seen, '']).toContain(parent);
      if (entry.type === 'directory') seen.add(path);
    }
    expect(seen.size).toBeGreaterThan(10);
  });

  it('names what is missing from the packages', () => {
    const without = (name: string) => new Map([...files].filter(([path]) => !path.endsWith(name)));
    expect(() => buildRoot({ ...parts, files: without('qemu-ga') })).toThrow(/do not contain qemu-ga/);
    expect(() => buildRoot({ ...parts, files: without('libpcre.so') })).toThrow(/do not contain libpcre.so/);
  });

  it('does not follow links forever', () => {
    const circle = new Map([...files, link(`${lib}/libpcre.so`, 'libpcre.so')]);
    expect(() => buildRoot({ ...parts, files: circle })).toThrow(/libpcre.so/);
  });
});

describe('busyboxApplets', () => {
  it('reads the list from the binary', () => {
    expect(busyboxApplets(busybox)).toEqual(applets);
  });

  it('rejects a binary without a list, or with invalid names', () => {
    expect(() => busyboxApplets(makeElf())).toThrow(/list of busybox applets/);
    const hostile = Buffer.from(busybox.toString('latin1').replace('applet7\0', '../etc\0'), 'latin1');
    expect(() => busyboxApplets(hostile)).toThrow(/list of busybox applets/);
  });
});

describe('isProgramFile', () => {
  it.each([
    'usr/sbin/qemu-ga',
    'bin/busybox',
    'lib/ld-linux-aarch64.so.1',
    `${lib}/libm.so.6`,
    'lib64/ld-linux-x86-64.so.2',
  ])('keeps %s', (path) => expect(isProgramFile(path)).toBe(true));
  it.each(['usr/bin/other', `${lib}/engines/x.so`, 'usr/share/doc/libm.so.6.gz', 'etc/passwd'])(
    'passes over %s',
    (path) => expect(isProgramFile(path)).toBe(false),
  );
});
