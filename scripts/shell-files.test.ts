import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { shellFile, shellFiles } from './shell-files.ts';

describe('a shell program', () => {
  it.each([
    ['run', '#!/usr/bin/env bash\nset -eu\n', undefined],
    ['late.sh', '#!/bin/sh\n', undefined],
    ['part.sh', 'say() { :; }\n', undefined],
    ['ours', '# shellcheck shell=dash\nours() { :; }\n', undefined],
    ['init', '#!/usr/bin/busybox sh\nexec init\n', 'dash'],
  ])('is %s', (path, text, dialect) => {
    expect(shellFile(path, text)).toEqual({ path, dialect });
  });

  it.each([
    ['kame.ts', '#!/usr/bin/env node\n'],
    ['fstab', 'proc /proc proc\n#!/bin/sh\n'],
    ['notes', '# a shellcheck shell=sh\n'],
    ['shells', '/bin/sh\n'],
    ['empty', ''],
  ])('is not %s', (path, text) => {
    expect(shellFile(path, text)).toBeUndefined();
  });

  it('is found wherever the repository has one', () => {
    const paths = shellFiles(fileURLToPath(new URL('..', import.meta.url))).map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'run',
        '.ci/run',
        'bench/debian/late.sh',
        'guest/agent/exec.sh',
        'guest/identity/names.sh',
        'guest/tiny/init',
        'guest/tiny/usr/lib/kame/ours',
        'guest/tiny/etc/acpi/PWRF/00000080',
      ]),
    );
    expect(paths).not.toContain('guest/tiny/etc/fstab');
  });
});
