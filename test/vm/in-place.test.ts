import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { clone, remove, states } from '../support/clones.ts';
import { fingerprints } from '../support/foreign-bundle.ts';
import { asForeign, readOnly } from '../support/foreign-guest.ts';
import { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';

const it = guestTest();

/** Reads a guest's disk, not what it remembers of it. */
const forget = 'echo 3 >/proc/sys/vm/drop_caches';
const read = async (guest: Guest): Promise<string> => await guest.sh(`${forget}; cat /root/state`);
const write = async (guest: Guest, word: string): Promise<void> => {
  await guest.sh(`echo ${word} >/root/state; sync`);
};

describe('a machine with a split VMDK', () => {
  it('is imported in place, runs, has snapshots, and the original is as it was', async ({ home, demo }) => {
    await write(demo, 'before');
    await demo.stop();
    const place = await asForeign(demo);
    const before = fingerprints(place);
    await home.json('import', place, '--dry-run');
    await home.json('import', place, 'web', '--in-place');

    const web = new Guest(home, 'web');
    await web.start();
    expect(await read(web)).toBe('before\n');
    expect(await readdir(web.file(''))).toContain('disk0-original.map');
    await web.take('then');
    await write(web, 'after');
    await web.revert('then');
    expect(await read(web)).toBe('before\n');
    await web.stop();
    await web.start();
    expect(await read(web)).toBe('before\n');
    await web.stop();

    expect(fingerprints(place)).toEqual(before);
    await home.json('import', '--undo', 'web', '--yes');
    expect(await readdir(join(home.path, 'machines'))).toEqual([`${demo.name}.vmwarevm`]);
    expect(fingerprints(place)).toEqual(before);
  });

  it('which nobody can write has clones, and its snapshots are merged while it runs', async ({
    home,
    demo,
  }) => {
    await write(demo, 'before');
    await demo.stop();
    const place = await asForeign(demo);
    const before = fingerprints(place);
    await using _mount = await readOnly(place);
    await expect(access(place, constants.W_OK)).rejects.toThrow(/EROFS|EACCES/);
    await home.json('import', place, 'web', '--in-place');
    const web = new Guest(home, 'web');
    await web.start();
    for (const word of ['one', 'two', 'three']) {
      await web.take(`before ${word}`);
      await write(web, word);
    }
    // Down to the disk, in between, and the layer that is written to.
    const cloned = ['--linked', '--snapshot', 'before two'];
    await clone(home, 'web', 'linked', ...cloned);
    await clone(home, 'web', 'instant', '--instant');
    const [linked, instant] = [new Guest(home, 'linked'), new Guest(home, 'instant')];
    await linked.start();
    expect([await read(web), await read(linked), await read(instant)]).toEqual([
      'three\n',
      'one\n',
      'three\n',
    ]);
    await write(linked, 'linked');
    await write(instant, 'instant');
    await remove(home, 'linked');
    for (const label of ['before one', 'before three', 'before two']) {
      await home.json('snapshot', 'delete', 'web', label, '--yes');
      expect(await read(web)).toBe('three\n');
    }
    expect(await read(instant)).toBe('instant\n');
    await remove(home, 'instant');
    await web.stop();
    await web.start();
    expect(await read(web)).toBe('three\n');
    await web.stop();
    expect(await states(home)).toEqual({ demo: 'stopped', web: 'stopped' });
    expect(fingerprints(place)).toEqual(before);
  });
});
