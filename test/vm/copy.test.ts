import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { guestTest } from '../support/guest-test.ts';

const test = guestTest();

/** The sums of all files below a directory of this host, by path. */
const sumsHere = (directory: string) =>
  execFileSync('sh', ['-c', 'find . -type f | sort | xargs md5sum'], { cwd: directory, encoding: 'utf8' });

test('files go into a guest and come back as they were, and a snapshot can be taken after that', async ({
  home,
  demo,
}) => {
  const tree = join(home.path, 'tree');
  mkdirSync(join(tree, 'many'), { recursive: true });
  for (let index = 0; index < 200; index += 1)
    writeFileSync(join(tree, 'many', `file-${index}`), `content of ${index}`);
  writeFileSync(join(tree, 'large'), randomBytes(20_000_000));
  writeFileSync(join(tree, 'hole'), 'begin');
  truncateSync(join(tree, 'hole'), 50_000_000);
  symlinkSync('large', join(tree, 'link'));

  expect(await home.json('copy', tree, 'demo:/tmp/copied')).toEqual({
    files: 203,
    bytes: expect.any(Number) as number,
    problems: [],
  });
  expect(await demo.sh('cd /tmp/copied && find . -type f | sort | xargs md5sum')).toBe(sumsHere(tree));
  expect(Number(await demo.sh('stat -c %b /tmp/copied/hole'))).toBeLessThan(1000);
  expect(await demo.sh('readlink /tmp/copied/link; ls -A /tmp')).not.toContain('.kame-copy');

  await home.json('snapshot', 'take', 'demo', 'copied');
  const back = join(home.path, 'back');
  await home.json('copy', 'demo:/tmp/copied', back);
  expect(sumsHere(back)).toBe(sumsHere(tree));
  expect(lstatSync(join(back, 'hole')).blocks * 512).toBeLessThan(1_000_000);

  // A copy that the guest ends leaves nothing in it, nor here.
  await demo.sh('mkdir -p /tmp/small && mount -t tmpfs -o size=5m small /tmp/small');
  const failed = await home.kame(['copy', tree, 'demo:/tmp/small/']);
  expect(failed.stderr).toMatch(/No space left/);
  expect(await demo.sh('ls -A /tmp/small')).toBe('');
  expect(readdirSync(home.path).filter((name) => name.startsWith('.kame-copy'))).toEqual([]);

  await home.json('snapshot', 'revert', 'demo', 'copied');
  await demo.answers();
  await home.json('copy', join(tree, 'many'), 'demo:/tmp/again');
  expect(await demo.sh('ls /tmp/again | wc -l')).toBe('200\n');
});
