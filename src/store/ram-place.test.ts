import { existsSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leaveRoom } from '../../test/support/ram-room.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { homeNames, runNames, type HomeNames } from './names.ts';
import {
  foundWaitingRam,
  hasRamPlace,
  noRamPlace,
  ramFileOf,
  ramRoom,
  removeEngineRam,
  reserveRam,
  waitingRam,
} from './ram-place.ts';

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
    expect([await hasRamPlace(home, 1), noRamPlace(room, 1)]).toEqual([
      false,
      `${home.ram} cannot be used: it must be a directory that only this user can enter`,
    ]);
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

describe.runIf(process.platform === 'linux')('a RAM file', () => {
  /** A home whose directory for RAM is a link, and the files of a machine in the target. */
  function linked() {
    const target = join(directory(), 'photos');
    const home = homeWith(join(directory(), 'kame-1-eeeeeeee'));
    mkdirSync(target, { mode: 0o700 });
    symlinkSync(target, home.ram);
    const run = runNames(home, '/a.vmx');
    const files = [ramFileOf(home, run), waitingRam(home, run)] as const;
    for (const file of files) writeFileSync(file, 'mine');
    return { home, run, files };
  }

  it('behind a link is neither removed nor taken for the memory of a snapshot', async () => {
    const { home, run, files } = linked();
    await removeEngineRam(home, run);
    expect(await foundWaitingRam(home, run)).toBeUndefined();
    expect(files.map((file) => existsSync(file))).toEqual([true, true]);
  });

  it('of a snapshot is found after a kill, and outlives that of the engine', async () => {
    const home = homeWith(join(directory(), 'kame-1-ffffffff'));
    mkdirSync(home.ram, { mode: 0o700 });
    const run = runNames(home, '/a.vmx');
    expect(await foundWaitingRam(home, run)).toBeUndefined();
    for (const file of [ramFileOf(home, run), waitingRam(home, run)]) writeFileSync(file, '');
    await removeEngineRam(home, run);
    expect([existsSync(ramFileOf(home, run)), await foundWaitingRam(home, run)]).toEqual([
      false,
      waitingRam(home, run),
    ]);
  });
});
