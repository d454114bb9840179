import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shells } from '../../../test/support/guest-tree.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { assetText } from '../../sys/assets.ts';

const directory = useTemporaryDirectory();

/** Runs guest/seed/install-tools.sh on this host, with a seed of these files; without them there is none. */
function installFrom(shell: readonly string[], seed: Readonly<Record<string, string>> | null) {
  const root = directory();
  const [fakes, disk, places] = ['fakes', 'disk', 'places'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [fakes, disk, places]) mkdirSync(path);
  for (const [name, text] of Object.entries(seed ?? {})) writeFileSync(join(disk, name), text);
  const fake = (name: string, body: string) =>
    writeFileSync(join(fakes, name), `#!/bin/sh\necho "${name} $*" >> ${root}/log\n${body}\n`, {
      mode: 0o755,
    });
  fake('blkid', seed ? `echo ${disk}` : 'exit 2');
  fake('findfs', 'exit 1');
  fake('mount', `[ "$3" = ${disk} ] || exit 32\ncp ${disk}/* "$4"/`);
  fake('umount', 'rm -f "$1"/*');
  const [program = '', ...args] = shell;
  const { status } = spawnSync(
    program,
    [...args, '-c', assetText('guest/seed/install-tools.sh'), 'sh', 'aarch64'],
    {
      env: { PATH: `${fakes}:/usr/bin:/bin`, TMPDIR: places },
      cwd: root,
      // A shell whose input is a socket, as a pipe of Node is, may think that it serves rsh.
      stdio: 'ignore',
    },
  );
  const log = readFileSync(join(root, 'log'), 'utf8').trimEnd().split('\n');
  return {
    status,
    log,
    left: readdirSync(places),
    read: (name: string) => readFileSync(join(root, name), 'utf8'),
  };
}

// That of busybox would take its own mount instead of the fake one.
describe.each(shells.filter(({ name }) => !name.startsWith('busybox')))(
  'the installation from a seed in $name',
  ({ shell }) => {
    it('runs its script with the program, and leaves nothing mounted', () => {
      const script = 'echo "$1 $(cat)" > installed';
      const { status, log, left, read } = installFrom(shell, {
        'kame-tools': 'a program',
        'install-tools.sh': script,
      });
      expect([status, left]).toEqual([0, []]);
      expect(read('installed')).toBe('aarch64 a program\n');
      expect(log.at(-1)).toMatch(/^umount /);
    });

    it.each([
      ['there is no seed', null],
      ['the seed has no tools', { 'meta-data': '' }],
      ['the script fails', { 'kame-tools': '', 'install-tools.sh': 'exit 4' }],
    ])('harms nothing when %s', (_when, seed) => {
      const { status, left } = installFrom(shell, seed);
      expect([status, left]).toEqual([0, []]);
    });
  },
);
