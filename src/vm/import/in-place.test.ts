import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cloneBody, revertBody, takeBody } from '../../../test/support/bodies.ts';
import { writeDisk } from '../../../test/support/disk-content.ts';
import { fingerprints, layOutForeign } from '../../../test/support/foreign-bundle.ts';
import { importInPlace, shownIn } from '../../../test/support/in-place.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { canBeAnother, secondUser, withRightsOfSecondUser } from '../../../test/support/second-user.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import { openChain } from '../../disk/chain-disk.ts';
import { readChain } from '../../disk/chain.ts';
import { planMap } from '../../disk/write-map.ts';
import { clone } from '../clone/clone.ts';
import { checkDisks } from '../disk/check.ts';
import { compactDisk } from '../disk/compact.ts';
import { growDisk } from '../disk/grow.ts';
import { removeDisk } from '../disk/remove.ts';
import { exportMachine } from '../export/export.ts';
import { remove } from '../library/delete.ts';
import { register } from '../library/register.ts';
import { repair } from '../library/repair.ts';
import { show } from '../running/describe.ts';
import { revertSnapshot } from '../snapshot/revert.ts';
import { deleteSnapshot, takeSnapshot } from '../snapshot/snapshots.ts';
import { importMachine, reportImport, undoImport } from './import.ts';

const world = useWorld();
const mebibyte = 1024 * 1024;
let original = '';
let before: Record<string, string> = {};
const web = () => new WorldMachine(world().home, 'web');

async function inPlace(subformat?: string, disks?: 'inPlace'): Promise<WorldMachine> {
  const imported = await importInPlace(world(), subformat, disks);
  ({ original, before } = imported);
  return imported.web;
}

const take = async (label: string) =>
  await takeSnapshot(world().host, 'web', takeBody({ label, diskOnly: true }), quiet);
const revert = async (label: string) => await revertSnapshot(world().host, 'web', label, revertBody(), quiet);

beforeEach(() => {
  before = {};
});

describe('a machine that is imported in place', () => {
  it.each(['monolithicSparse', 'monolithicFlat', 'twoGbMaxExtentSparse', 'twoGbMaxExtentFlat'])(
    'with a %s disk shows what is in the files of the original, and starts with them',
    async (subformat) => {
      const machine = await inPlace(subformat, 'inPlace');
      expect(machine.files()).toEqual(['disk0-original.map', 'disk0.qcow2', 'initrd', 'kernel', 'web.vmx']);
      expect(await shownIn(machine.top())).toBe('7 0 0 0');
      const { outsideFiles, problems } = await show(world().host, 'web');
      expect(problems).toEqual([]);
      expect(outsideFiles.every(({ agreed, writable }) => agreed && !writable)).toBe(true);
      expect(outsideFiles.map(({ path }) => path)).toContain(join(original, 'Virtual Disk.vmdk'));
      await world().start('web');
      expect((await show(world().host, 'web')).state).toBe('running');
      expect(fingerprints(original)).toEqual(before);
    },
  );

  it('is reported before anything is written', async () => {
    const path = layOutForeign(world(), [], 'monolithicSparse');
    const { disks, notes } = await reportImport(world().host, { path }, quiet);
    expect(disks).toMatchObject([{ inPlace: true }]);
    expect(notes.join(' ')).not.toMatch(/copied/);
    expect(readdirSync(world().host.names.machines)).toEqual([]);
  });

  it('is undone, and the original is as it was', async () => {
    const machine = await inPlace();
    writeDisk(machine.top(), 2, 2);
    await undoImport(world().host, 'web');
    expect(readdirSync(world().host.names.machines)).toEqual([]);
    expect(fingerprints(original)).toEqual(before);
  });

  it('has snapshots, and layers are merged down to the disk but never into the original', async () => {
    const machine = await inPlace();
    writeDisk(machine.top(), 2, 2);
    await take('a');
    writeDisk(machine.top(), 3, 3);
    await take('b');
    writeDisk(machine.top(), 4, 4);
    expect(await shownIn(machine.top())).toBe('7 2 3 4');
    await revert('a');
    expect(await shownIn(machine.top())).toBe('7 2 0 0');
    await revert('b');
    await deleteSnapshot(world().host, 'web', 'a', { children: false }, quiet);
    expect(await shownIn(machine.top())).toBe('7 2 3 0');
    await deleteSnapshot(world().host, 'web', 'b', { children: false }, quiet);
    expect(await shownIn(machine.top())).toBe('7 2 3 0');
    expect(machine.files().filter((name) => name.startsWith('disk0'))).toEqual([
      'disk0-original.map',
      'disk0.qcow2',
    ]);
    expect(fingerprints(original)).toEqual(before);
  });

  it('is cloned, linked and in full', async () => {
    await inPlace();
    const body = { wait: 'none' } as const;
    await clone(world().host, 'web', cloneBody({ ...body, name: 'full', kind: 'full' }), quiet);
    await clone(world().host, 'web', cloneBody({ ...body, name: 'linked', kind: 'linked' }), quiet);
    const [full, linked] = ['full', 'linked'].map((name) => new WorldMachine(world().home, name));
    expect(
      await Promise.all([full, linked].map(async (each) => await shownIn((each as WorldMachine).top()))),
    ).toEqual(['7 0 0 0', '7 0 0 0']);
    await world().start('linked');
    expect(fingerprints(original)).toEqual(before);
    rmSync(original, { recursive: true });
    expect(await shownIn((full as WorldMachine).top())).toBe('7 0 0 0');
  });

  it('is exported and imported again with the same content', async () => {
    const machine = await inPlace();
    writeDisk(machine.top(), 2, 2);
    const path = join(world().home, 'web.ova');
    await exportMachine(world().host, 'web', { path }, quiet);
    await importMachine(world().host, { path, name: 'again' }, quiet);
    const again = new WorldMachine(world().home, 'again');
    const top = again.file(again.files().find((file) => file.endsWith('.qcow2')) ?? '');
    await using disk = await openChain(await readChain(top, { inside: ['/'] }));
    const blocks: number[] = [];
    for await (const { offset, data } of disk.blocks()) if (data[0] !== 0) blocks.push(offset / mebibyte);
    expect(blocks).toEqual([1, 2]);
  });

  it('has a disk that is checked, grows, is compacted, and is kept without the original', async () => {
    const machine = await inPlace();
    const { host } = world();
    writeDisk(machine.top(), 2, 2);
    writeDisk(machine.top(), 0, 3);
    const checked = await checkDisks(host, 'web', null, { repair: true }, quiet);
    expect(checked.layers.map(({ ok }) => ok)).toEqual([true, true]);
    await growDisk(host, 'web', 'nvme0:0', { sizeBytes: 80 * mebibyte }, quiet);
    await compactDisk(host, 'web', 'nvme0:0', quiet);
    expect(await shownIn(machine.top())).toBe('7 2 0 0');
    const top = machine.top();
    await removeDisk(host, 'web', 'nvme0:0', { keepFile: true }, quiet);
    rmSync(original, { recursive: true });
    await using disk = await openChain(await readChain(top, { inside: [] }));
    expect(disk.size).toBe(80 * mebibyte);
    expect(machine.files()).not.toContain('disk0-original.map');
  });
});

const startRefusal = async () => await refused(world().start('web'));

describe('the original', () => {
  it('that has changed is never shown', async () => {
    await inPlace();
    const path = join(original, 'Virtual Disk.vmdk');
    utimesSync(path, new Date(), new Date(Date.now() + 60_000));
    expect(await startRefusal()).toMatchObject({
      code: 'BROKEN_MACHINE',
      message: like(/Virtual Disk\.vmdk has changed since .* was written to on/),
    });
    appendFileSync(path, 'x');
    expect(await startRefusal()).toMatchObject({ message: like(/has \d+ bytes, not \d+/) });
  });

  it('that is gone or open in VMware is named', async () => {
    await inPlace();
    renameSync(original, `${original}.away`);
    expect(await startRefusal()).toMatchObject({
      code: 'FILE_ACCESS',
      message: like(/Virtual Disk\.vmdk does not exist/),
    });
    renameSync(`${original}.away`, original);
    mkdirSync(join(original, 'Virtual Disk.vmdk.lck'));
    expect(await startRefusal()).toMatchObject({ code: 'WRONG_STATE', message: like(/open in VMware/) });
  });

  it('that was moved is found where a person says, if it is the same', async () => {
    await inPlace('twoGbMaxExtentSparse');
    await clone(world().host, 'web', cloneBody({ name: 'linked', kind: 'linked', wait: 'none' }), quiet);
    const there = `${original}.there`;
    renameSync(original, there);
    const repaired = async (directory: string) =>
      await repair(world().host, 'web', { forget: [], acceptBase: false, original: directory });
    expect((await repaired(world().home)).problems.join()).toMatch(/is not in/);
    const { changes, problems } = await repaired(there);
    expect([changes[0], problems]).toEqual([like(/now shows the files in/), []]);
    expect((await repaired(there)).changes).toEqual([]);
    expect(await shownIn(web().top())).toBe('7 0 0 0');
    await world().start('linked');
    await world().start('web');
    expect((await repaired(original)).problems.join()).toMatch(/only while web is stopped/);
  });

  it.runIf(canBeAnother)('may be of another user, who lets others read it', async () => {
    const path = layOutForeign(world(), [], 'twoGbMaxExtentSparse');
    for (const name of readdirSync(path)) {
      chownSync(join(path, name), secondUser.uid, secondUser.gid);
      chmodSync(join(path, name), 0o444);
    }
    original = path;
    before = fingerprints(path);
    await importMachine(world().host, { path }, quiet);
    await world().start('web');
    expect([await shownIn(web().top()), fingerprints(path)]).toEqual(['7 0 0 0', before]);
    const disk = join(path, 'Virtual Disk.vmdk');
    chmodSync(world().home, 0o700);
    const plan = await withRightsOfSecondUser(async () => await refused(planMap(disk, quiet)));
    expect(plan).toMatchObject({ code: 'FILE_ACCESS', message: like(/Virtual Disk\.vmdk/) });
  });

  it('is not deleted as long as a machine shows its disks', async () => {
    original = layOutForeign(world(), [], 'monolithicSparse');
    await register(world().host, { path: join(original, 'web.vmx'), allowOutside: [] });
    await importMachine(world().host, { path: original, name: 'shown' }, quiet);
    expect(await refused(remove(world().host, join(original, 'web.vmx')))).toMatchObject({
      code: 'HAS_CLONES',
    });
  });
});

describe('a bundle with a map that comes from elsewhere', () => {
  it('shows no file of the host to which nobody has agreed', async () => {
    const machine = await inPlace();
    const place = join(world().home, 'from elsewhere.vmwarevm');
    cpSync(machine.directory, place, { recursive: true });
    await undoImport(world().host, 'web');
    const { host } = world();
    const path = join(place, 'web.vmx');
    expect(await refused(register(host, { path, allowOutside: [] }))).toMatchObject({
      code: 'OUTSIDE_FILES',
      message: like(/Virtual Disk\.vmdk \(original of disk nvme0:0\)/),
    });
    await host.inventory.register(path);
    expect(await startRefusal()).toMatchObject({ code: 'OUTSIDE_FILES' });
    const copies = [
      async () => await clone(host, 'web', cloneBody({ name: 'copy', kind: 'full', wait: 'none' }), quiet),
      async () => await exportMachine(host, 'web', { path: join(world().home, 'web.ova') }, quiet),
    ];
    for (const copy of copies) expect(await refused(copy())).toMatchObject({ message: like(/Virtual Disk/) });
    await register(host, { path, allowOutside: [join(original, 'Virtual Disk.vmdk')] });
    await world().start('web');
  });
});

describe('a disk that cannot be used in place', () => {
  it('is copied, which is reported, or refused if that was asked for', async () => {
    const path = layOutForeign(world(), [], 'streamOptimized');
    const { disks, notes } = await reportImport(world().host, { path }, quiet);
    expect(disks).toMatchObject([{ inPlace: false }]);
    expect(notes.join('\n')).toMatch(/nvme0:0 is copied, because .* is compressed \(streamOptimized\)/);
    expect(await refused(importMachine(world().host, { path, disks: 'inPlace' }, quiet))).toMatchObject({
      code: 'BAD_IMAGE',
      message: like(/cannot be used in place/),
    });
    await importMachine(world().host, { path }, quiet);
    expect(web().files()).toContain('disk0.qcow2');
    expect(web().files()).not.toContain('disk0-original.map');
  });
});
