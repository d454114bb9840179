import { readdir, readFile, rename } from 'node:fs/promises';
import { basename } from 'node:path';
import { expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import { atFileEvent } from '../support/file-event.ts';
import { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';
import { homeTest } from '../support/home-test.ts';
import { become, look } from '../support/marks.ts';
import { refusal } from '../support/refusal.ts';
import { expectWholeLayers } from '../support/scratch.ts';

const it = guestTest();

homeTest(
  'a device that can’t be saved is named with what to do, before anything is touched',
  async ({ home }) => {
    const nvme = new Guest(home, 'nvme');
    await home.json('create', 'nvme', '--memory', '192MiB', '--set', 'kame.nvme0.device=nvme');
    await nvme.start('--wait', 'none');
    const files = async () => ({
      names: await readdir(nvme.directory),
      vmx: await readFile(nvme.file('nvme.vmx'), 'utf8'),
    });
    const before = await files();
    for (const args of [
      ['snapshot', 'take', 'nvme', 'a'],
      ['suspend', 'nvme'],
      ['clone', 'nvme', 'copy', '--instant'],
    ]) {
      const result = await home.kame(args);
      expect({ args, ...result }).toEqual({ args, ...refusal(4, 'nvme0, an NVMe controller') });
      expect(result.stderr).toContain('kame set nvme kame.nvme0.device=virtio-blk');
      expect(result.stderr).toContain('--disk-only');
    }
    expect(await files()).toEqual(before);
    expect(await nvme.state()).toBe('running');
    expect(await nvme.take('disks', '--disk-only')).toMatchObject({ memory: false });
    await nvme.stop();
    await home.json('set', 'nvme', 'kame.nvme0.device=virtio-blk');
    await nvme.start('--wait', 'none');
    expect(await nvme.take('all')).toMatchObject({ memory: true });
  },
);

it('a merge whose .vmx cannot be written is undone in the engine, and done later; the guest loses nothing', async ({
  home,
  demo,
}) => {
  const fill = async (name: string) => await demo.sh(`head -c 2000000 /dev/urandom >/root/${name}; sync`);
  await fill('before');
  await demo.take('mid', '--disk-only');
  await fill('middle');
  const vmx = demo.file('demo.vmx');
  const top = await demo.top();
  const pid = (await demo.details()).pid ?? 0;
  // The engine hangs from the moment when the snapshot is no longer listed, so that the merge waits.
  using unlisted = atFileEvent(demo.directory, /^demo\.vmsd$/, () => process.kill(pid, 'SIGSTOP'));
  const deleting = home.kame(['snapshot', 'delete', 'demo', 'mid', '--json']);
  await unlisted.happened;
  expect(await readFile(demo.file('demo.vmsd'), 'utf8')).not.toContain('"mid"');
  await rename(vmx, `${vmx}.away`);
  process.kill(pid, 'SIGCONT');
  expect((await deleting).stdout).toContain('has not been merged with its backing layer yet');
  await rename(`${vmx}.away`, vmx);
  expect(await readFile(vmx, 'utf8')).toContain(basename(top));
  expect(await demo.vmsd()).toMatchObject({ 'snapshot.needConsolidate': 'TRUE' });
  // What the guest writes now must be in the layer that the .vmx names.
  await fill('after');
  const sums = 'echo 3 >/proc/sys/vm/drop_caches; md5sum /root/before /root/middle /root/after';
  const before = await demo.sh(sums);
  await demo.take('last', '--disk-only');
  await home.json('snapshot', 'delete', 'demo', 'last');
  expect(await demo.vmsd()).toMatchObject({ 'snapshot.needConsolidate': 'FALSE' });
  expect(await demo.sh(sums)).toBe(before);
  await demo.stop();
  await expectWholeLayers(demo);
  await demo.start();
  expect(await demo.sh(sums)).toBe(before);
});

it('an operation in progress excludes others until it has ended', async ({ home, demo }) => {
  await demo.take('first');
  const before = await become(demo, 'busy');
  const pid = (await demo.details()).pid ?? 0;
  // An engine that hangs keeps the operation from ending.
  process.kill(pid, 'SIGSTOP');
  const taking = home.kame(['snapshot', 'take', 'demo', 'second']);
  const begun = async () => (await home.client().tasks.list()).at(0);
  expect(await poll(begun, { deadlineMs: 20_000 })).toMatchObject({ machine: 'demo' });
  for (const args of [
    ['snapshot', 'take', 'demo', 'third'],
    ['snapshot', 'delete', 'demo', 'first'],
    ['snapshot', 'revert', 'demo', 'first'],
    ['suspend', 'demo'],
    ['clone', 'demo', 'copy', '--instant'],
    ['pause', 'demo'],
  ]) {
    expect({ args, ...(await home.kame(args)) }).toEqual({
      args,
      ...refusal(4, 'a snapshot of it is being taken'),
    });
  }
  process.kill(pid, 'SIGCONT');
  expect(await taking).toMatchObject({ code: 0 });
  expect(await demo.sh(look)).toBe(before);
  expect(await demo.tree()).toEqual(['/first', '/first/second *']);
  await demo.stop();
  await expectWholeLayers(demo);
});
