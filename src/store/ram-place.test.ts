import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leaveRoom } from '../../test/support/ram-room.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { homeNames, runNames, type HomeNames } from './names.ts';
import { hasRamPlace, noRamPlace, ramRoom, reserveRam } from './ram-place.ts';

const gibibyte = 1024 ** 3;
const directory = useTemporaryDirectory();

function homeWith(ram: string): HomeNames {
  return { ...homeNames(join(ram, 'home')), ram };
}

function promise(ram: string, bytes: number): void {
  mkdirSync(ram, { recursive: true, mode: 0o700 });
  writeFileSync(join(ram, 'a.ram'), '');
  truncateSync(join(ram, 'a.ram'), bytes);
}

describe('the room for RAM files', () => {
  it('shrinks by what every guest may take, also those of other homes of this user', async () => {
    const shm = directory();
    const home = homeWith(join(shm, 'kame-1-aaaaaaaa'));
    const before = (await ramRoom(home)).bytes;
    promise(home.ram, gibibyte);
    promise(join(shm, 'kame-1-bbbbbbbb'), 2 * gibibyte);
    promise(join(shm, 'kame-2-cccccccc'), 4 * gibibyte);
    symlinkSync(home.ram, join(shm, 'kame-1-dddddddd'));
    // Other tests use the same file system.
    const taken = (before - (await ramRoom(home)).bytes) / gibibyte;
    expect(Math.abs(taken - Math.min(3, before / gibibyte))).toBeLessThan(0.5);
  });

  it('is zero in a directory that others can enter', async () => {
    const shm = directory();
    const home = homeWith(join(shm, 'open'));
    mkdirSync(home.ram, { mode: 0o755 });
    const room = await ramRoom(home);
    expect(room).toEqual({ directory: home.ram, total: 0, bytes: 0 });
    expect([await hasRamPlace(home, 1), noRamPlace(room, 1)]).toEqual([false, `${home.ram} cannot be used`]);
  });

  it('is reserved for one start at a time, and refused in bytes', async () => {
    const home = homeWith(join(directory(), 'ram'));
    leaveRoom(home.ram, 1.5 * gibibyte);
    const starts = ['a', 'b'].map(async (name) => {
      return await reserveRam(home, runNames(home, `/${name}.vmx`), gibibyte);
    });
    const [first, second] = await Promise.all(starts);
    expect(first).toHaveProperty('path');
    expect(second).toHaveProperty(
      'reason',
      expect.stringMatching(/has room for \d+ more bytes .* and 1073741824 bytes \(1 GiB\) are needed$/),
    );
  });
});
