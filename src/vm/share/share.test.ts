import { mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeWebdavd } from '../../../test/support/fake-webdavd.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import { cloneBody, revertBody, takeBody } from '../../../test/support/bodies.ts';
import { clone } from '../clone/clone.ts';
import { revertSnapshot } from '../snapshot/revert.ts';
import { takeSnapshot } from '../snapshot/snapshots.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { addShare } from './add.ts';
import { allowShares } from './allow.ts';
import { listShares } from './list.ts';
import { removeShare } from './remove.ts';

const world = useWorld();
const makeDirectory = useTemporaryDirectory();
let guest: FakeWebdavd | undefined;

afterEach(async () => {
  await guest?.[Symbol.asyncDispose]();
  guest = undefined;
});

/** A folder of the host with a file. */
function folder(name = 'work'): string {
  const path = join(realpathSync(makeDirectory()), name);
  mkdirSync(path);
  writeFileSync(join(path, 'file'), 'content');
  return path;
}

const add = async (hostPath: string, more: { name?: string; readOnly?: boolean } = {}) =>
  await addShare(world().host, 'demo', { hostPath, readOnly: false, ...more });
const states = async () =>
  (await listShares(world().host, 'demo')).folders.map(({ name, state }) => `${name} ${state}`);
const vmx = (machine: { read(name: string): string }) => machine.read('demo.vmx');

/** Starts the machine; a program in its guest has the port open as soon as `arrive` is called. */
async function begin(): Promise<FakeWebdavd> {
  await world().start();
  guest = await FakeWebdavd.listen(join(world().running().run.directory, 'webdav'));
  return guest;
}

function arrive(open = true): void {
  world().engines.of('demo').event('VSERPORT_CHANGE', { id: 'webdav0', open });
}

describe('shared folders of a machine', () => {
  it('are added, listed and removed, in the keys of VMware', async () => {
    const machine = world().machine();
    const path = folder();
    const added = await add(path, { readOnly: true });
    expect(added).toMatchObject({
      machine: 'demo',
      folders: [{ name: 'work', hostPath: path, writable: false, state: 'shared', reason: null }],
      connected: null,
      note: null,
    });
    const text = vmx(machine);
    for (const line of [
      'sharedFolder0.present = "TRUE"',
      'sharedFolder0.enabled = "TRUE"',
      'sharedFolder0.readAccess = "TRUE"',
      'sharedFolder0.writeAccess = "FALSE"',
      `sharedFolder0.hostPath = "${path}"`,
      'sharedFolder0.guestName = "work"',
      'sharedFolder0.expiration = "never"',
      'sharedFolder.maxNum = "1"',
      'isolation.tools.hgfs.disable = "FALSE"',
    ])
      expect(text).toContain(line);
    await add(folder('other'));
    expect((await add(path)).folders.map(({ name, writable }) => [name, writable])).toEqual([
      ['work', true],
      ['other', true],
    ]);
    await removeShare(world().host, 'demo', 'work');
    expect(await states()).toEqual(['other shared']);
    expect(vmx(machine)).not.toContain('sharedFolder0');
    expect(vmx(machine)).toContain('sharedFolder.maxNum = "2"');
    expect(await refused(removeShare(world().host, 'demo', 'work'))).toMatchObject({
      code: 'NO_SUCH_SHARE',
      next: like(/other/),
    });
  });

  it('are refused by a name that is taken, and where they must not be', async () => {
    const machine = world().machine();
    const path = folder();
    await add(path);
    expect(await refused(add(folder('other'), { name: 'work' }))).toMatchObject({ code: 'ALREADY_EXISTS' });
    const { home } = world();
    for (const [place, why] of [
      ['/', /whole host/],
      ['/dev', /kernel/],
      ...(process.platform === 'linux'
        ? ([
            ['/proc/self', /kernel/],
            ['/dev/shm', /kernel/],
          ] as const)
        : []),
      ['relative', /not absolute/],
      [join(path, 'none'), /does not exist/],
      [join(path, 'file'), /not a folder/],
      [home, /files of Kame/],
      [join(home, 'machines', 'demo.vmwarevm'), /files of Kame/],
    ] as const)
      expect(await refused(add(place))).toMatchObject({ code: 'INVALID_VALUE', message: like(why) });
    const bad = folder('bad');
    for (const name of ['..', 'a/b', 'a\nb'])
      expect((await refused(add(bad, { name }))).code).toBe('INVALID_VALUE');
    // What was refused has not been agreed to.
    expect(await world().host.inventory.agreedFiles(machine.vmx)).toEqual([`share:rw:${path}`]);
    const link = join(path, '..', 'link');
    symlinkSync(path, link);
    expect((await add(link, { name: 'linked' })).folders.at(-1)).toMatchObject({ hostPath: path });
    symlinkSync(home, join(path, 'home'));
    expect((await refused(add(join(path, 'home')))).message).toMatch(/files of Kame/);
  });

  it('are off when the .vmx says so, which adding does not change', async () => {
    const machine = world().machine('demo', ['isolation.tools.hgfs.disable = "TRUE"']);
    const path = folder();
    expect(await refused(add(path))).toMatchObject({
      code: 'WRONG_STATE',
      next: like(/kame set demo isolation.tools.hgfs.disable=FALSE/),
    });
    writeFileSync(machine.vmx, vmx(machine).replace('disable = "TRUE"', 'disable = "FALSE"'));
    await add(path);
    writeFileSync(machine.vmx, vmx(machine).replace('disable = "FALSE"', 'disable = "TRUE"'));
    expect(await states()).toEqual(['work off']);
    await removeShare(world().host, 'demo', 'work');
    expect(vmx(machine)).toContain('isolation.tools.hgfs.disable = "TRUE"');
  });

  it('are served only if a person has agreed, whatever a .vmx names', async () => {
    const path = folder();
    const machine = world().machine('demo', [
      'sharedFolder0.present = "TRUE"',
      `sharedFolder0.hostPath = "${path}"`,
      'sharedFolder0.guestName = "work"',
      'sharedFolder0.writeAccess = "TRUE"',
      'isolation.tools.hgfs.disable = "FALSE"',
    ]);
    const fake = await begin();
    arrive();
    const [found] = (await listShares(world().host, 'demo')).folders;
    expect(found).toMatchObject({ state: 'unconfirmed', reason: like(/kame share add demo/) });
    await add(path, { readOnly: true });
    await fake.until(() => fake.connected);
    // Somebody makes it writable.
    writeFileSync(machine.vmx, vmx(machine).replace('writeAccess = "FALSE"', 'writeAccess = "TRUE"'));
    expect(await states()).toEqual(['work unconfirmed']);
  });

  it('reach a running guest at once, and leave it at once', async () => {
    world().machine();
    const fake = await begin();
    arrive();
    await until(() => world().running().channels.shares.isOpen);
    expect(fake.connected).toBe(false);
    expect(await add(folder())).toMatchObject({ connected: true, note: null });
    await fake.until(() => fake.connected);
    fake.ask(1, 'GET /work/file');
    await fake.answered(1, /content$/);
    await removeShare(world().host, 'demo', 'work');
    await fake.until(() => !fake.connected);
  });

  it('are taken back before they leave the .vmx, so that a daemon that is killed in between shares nothing', async () => {
    world().machine();
    const fake = await begin();
    arrive();
    await add(folder());
    await fake.until(() => fake.connected);
    const { inventory } = world().host;
    const agree = inventory.agree.bind(inventory);
    vi.spyOn(inventory, 'agree').mockImplementationOnce(async (...of) => {
      await agree(...of);
      throw new Error('killed');
    });
    await expect(removeShare(world().host, 'demo', 'work')).rejects.toThrow('killed');
    await fake.until(() => !fake.connected);
    expect(await states()).toEqual(['work unconfirmed']);
    await removeShare(world().host, 'demo', 'work');
    expect(await states()).toEqual([]);
  });

  it('tell that no program in the guest serves them, or that it has no port', async () => {
    world().machine();
    await begin();
    expect(await add(folder())).toMatchObject({ connected: false, note: like(/kame tools install demo/) });
    const machine = world().running();
    machine.record = { ...machine.record, hardware: 2 };
    expect((await listShares(world().host, 'demo')).note).toMatch(/kame restart demo/);
  });

  it('are not served by a port that the guest closes while the host looks for them', async () => {
    world().machine();
    await add(folder());
    const fake = await begin();
    const { shares } = world().running().channels;
    const told = vi.spyOn(shares, 'portChanged');
    arrive();
    arrive(false);
    await until(() => told.mock.calls.length === 2);
    expect(shares.isOpen).toBe(false);
    expect(fake.connections).toBe(0);
  });

  it('are told as gone while their folder is, and served again when it is back', async () => {
    world().machine();
    const path = folder();
    const fake = await begin();
    arrive();
    await add(path);
    rmSync(path, { recursive: true });
    expect(await states()).toEqual(['work gone']);
    await fake.until(() => fake.connected);
    fake.ask(1, 'GET /work/file');
    await fake.answered(1, /404 Not Found/);
    mkdirSync(path);
    writeFileSync(join(path, 'file'), 'again');
    fake.ask(2, 'GET /work/file');
    await fake.answered(2, /again$/);
    expect(await states()).toEqual(['work shared']);
  });

  it('are served by the next daemon', async () => {
    world().machine();
    const fake = await begin();
    arrive();
    await add(folder());
    await fake.until(() => fake.connected);
    await world().host.running.detachAll();
    await fake.until(() => !fake.connected);
    world().engines.of('demo').openPorts.add('webdav');
    await world().replaceHost();
    await adoptAll(world().host);
    await fake.until(() => fake.connected);
    fake.ask(1, 'GET /work/file');
    expect(await fake.answered(1, /content$/)).toMatch(/^HTTP\/1.1 200/);
  });

  it('are those of the source in a clone, as far as somebody has agreed', async () => {
    const other = folder('other');
    world().machine('demo', [
      'sharedFolder7.present = "TRUE"',
      `sharedFolder7.hostPath = "${other}"`,
      'sharedFolder7.guestName = "other"',
      'isolation.tools.hgfs.disable = "FALSE"',
    ]);
    await add(folder());
    await clone(world().host, 'demo', cloneBody({ name: 'copy', kind: 'full', wait: 'none' }), quiet);
    const { folders } = await listShares(world().host, 'copy');
    expect(folders.map(({ name, state }) => [name, state])).toEqual([
      ['work', 'shared'],
      ['other', 'unconfirmed'],
    ]);
  });

  it('do not get wider by a revert than somebody has agreed to since', async () => {
    world().machine();
    const path = folder();
    await add(path);
    await takeSnapshot(world().host, 'demo', takeBody({ label: 'then' }), quiet);
    await add(path, { readOnly: true });
    await revertSnapshot(world().host, 'demo', 'then', revertBody(), quiet);
    expect(await states()).toEqual(['work unconfirmed']);
  });

  it('are all forbidden and permitted, also while the machine runs', async () => {
    const machine = world().machine();
    await add(folder());
    await allowShares(world().host, 'demo', false);
    expect([await states(), vmx(machine)]).toEqual([['work off'], like(/hgfs\.disable = "TRUE"/)]);
    expect((await refused(add(folder('other')))).code).toBe('WRONG_STATE');
    await world().start();
    await allowShares(world().host, 'demo', true);
    expect(await states()).toEqual(['work shared']);
  });

  it('leave the rest of the .vmx as it was', async () => {
    const machine = world().machine();
    const before = vmx(machine);
    await add(folder());
    await removeShare(world().host, 'demo', 'work');
    const rest = vmx(machine).replace('isolation.tools.hgfs.disable = "FALSE"\n', '');
    expect(rest).toBe(before);
    expect(readFileSync(machine.vmx, 'utf8')).toBe(vmx(machine));
  });
});
