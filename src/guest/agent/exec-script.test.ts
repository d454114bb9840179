import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shells, useTrees } from '../../../test/support/guest-tree.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { assetText } from '../../sys/assets.ts';

useTrees();

const directory = useTemporaryDirectory();

describe.each(shells)('the program that runs commands, in $name,', ({ shell: [name = '', ...options] }) => {
  const run = (...words: string[]) =>
    spawnSync(name, [...options, '-c', assetText('guest/agent/exec.sh'), 'kame', ...words], {
      encoding: 'utf8',
    });

  it('puts the output into the first writable directory, readable only by the owner', () => {
    const place = directory();
    const command = ['sh', '-c', 'echo "$0 $A $B"; echo wrong >&2; exit 3', 'a  b'];
    const { status } = run(`/nonexistent ${place}`, 'out', '2', 'A=1  2', 'B=$(reboot)', ...command);
    expect(status).toBe(3);
    expect(readdirSync(join(place, 'out')).toSorted()).toEqual(['e', 'o', 'r']);
    expect(readFileSync(join(place, 'out/o'), 'utf8')).toBe('a  b 1  2 $(reboot)\n');
    expect(readFileSync(join(place, 'out/e'), 'utf8')).toBe('wrong\n');
    expect([statSync(join(place, 'out')).mode & 0o777, statSync(join(place, 'out/o')).mode & 0o777]).toEqual([
      0o700, 0o600,
    ]);
  });

  it('runs nothing if no directory is writable', () => {
    const proof = join(directory(), 'proof');
    expect(run('/nonexistent /proc/self', 'out', '0', 'touch', proof).status).toBe(125);
    expect(() => statSync(proof)).toThrow('ENOENT');
  });
});
