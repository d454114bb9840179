import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFailed } from 'vitest';
import * as z from 'zod';
import { snapshot, snapshotDetails, takenSnapshot, type SnapshotDetails } from '../../src/api/checkpoint.ts';
import { expectWholeLayers, Guest } from '../support/checkpoints.ts';
import { demo, home } from '../support/one-guest.ts';
import { refusal } from '../support/refusal.ts';

// The Intel and the EFI guest stand for themselves.

function keepEvidence(name: string): void {
  onTestFailed(async () => await home.postMortem(`snapshots ${name}`));
}

/** What a guest is: a file in its memory, one on its disk, and the boot it is in. */
const look = `sync; echo 3 >/proc/sys/vm/drop_caches; md5sum /root/disk /dev/shm/memory 2>/dev/null
cat /proc/sys/kernel/random/boot_id; pidof tail || echo no process`;

/** Puts content that nobody else has on disk and in memory, and a process beside it. */
async function become(guest: Guest, what: string): Promise<string> {
  await guest.sh(`yes 'disk of ${what}' | head -c 3000000 >/root/disk
yes 'memory of ${what}' | head -c 3000000 >/dev/shm/memory
kill $(pidof tail) 2>/dev/null; setsid tail -f /dev/null >/dev/null 2>&1 </dev/null & usleep 50000; sync`);
  return await guest.sh(look);
}

function sum(what: string): string {
  const text = Buffer.alloc(3_000_000, `${what}\n`);
  return createHash('md5').update(text).digest('hex');
}

/** Content of the disk alone, as after a boot. */
function diskOf(what: string): string {
  return `${sum(`disk of ${what}`)}  /root/disk\n`;
}

const diskLook = 'md5sum /root/disk';

describe('a snapshot', () => {
  it('of a running machine brings back memory, disk and processes', async () => {
    keepEvidence('running');
    const before = await become(demo, 'a');
    expect(before).toContain(sum('memory of a'));
    expect(before).toContain(sum('disk of a'));
    const taken = await demo.take('a', '--description', 'the first\nof "all"');
    expect(takenSnapshot.parse(taken)).toEqual(taken);
    expect(taken).toMatchObject({
      uid: 1,
      label: 'a',
      description: 'the first\nof "all"',
      parent: null,
      path: '/a',
      depth: 0,
      current: true,
      state: 'running',
      memory: true,
      stoppedMs: expect.any(Number) as number,
      notes: [],
    });
    // It goes on at once, with what it had.
    expect(await demo.sh(look)).toBe(before);
    const uptime = Number((await demo.sh('cut -d" " -f1 /proc/uptime')).trim());
    await become(demo, 'what is lost');
    expect(await demo.revert('a')).toMatchObject({ state: 'running', snapshot: 'a', notes: [], agent: true });
    expect(await demo.sh(look)).toBe(before);
    const after = Number((await demo.sh('cut -d" " -f1 /proc/uptime')).trim());
    expect(after - uptime).toBeLessThan(30);
    expect(await demo.state()).toBe('running');
    // Again, from the same snapshot.
    await become(demo, 'what is lost too');
    await demo.revert('/a');
    expect(await demo.sh(look)).toBe(before);
    const list = await demo.snapshots();
    expect(z.array(snapshot).parse(list)).toEqual(list);
    const details = await home.json<SnapshotDetails>('snapshot', 'show', 'demo', '#1');
    expect(snapshotDetails.parse(details)).toEqual(details);
    expect(details).toMatchObject({
      problems: [],
      engine: { accelerator: 'tcg' },
      disks: [{ slot: 'nvme0:0' }],
    });
    expect(details.bytes).toBeGreaterThan(30_000_000);
  });

  it('of a paused machine brings it back paused', async () => {
    keepEvidence('paused');
    const before = await become(demo, 'p');
    await home.json('pause', 'demo');
    expect(await demo.take('p')).toMatchObject({ state: 'paused', memory: true, stoppedMs: null });
    expect(await demo.state()).toBe('paused');
    await home.json('unpause', 'demo');
    await become(demo, 'what is lost');
    expect(await demo.revert('p')).toMatchObject({ state: 'paused' });
    expect(await demo.state()).toBe('paused');
    expect((await home.kame(['exec', 'demo', '--', 'true'])).code).toBe(4);
    await home.json('unpause', 'demo');
    expect(await demo.sh(look)).toBe(before);
  });

  it('with --disk-only is as after a power cut, and with --quiesce as after a sync', async () => {
    keepEvidence('disk only');
    await become(demo, 'd');
    const taken = await demo.take('d', '--disk-only', '--quiesce');
    expect(taken).toMatchObject({ memory: false, state: 'stopped', notes: [] });
    expect(existsSync(demo.file('checkpoints', String(taken.uid), 'ram'))).toBe(false);
    // The guest's file systems are not frozen any more.
    await become(demo, 'what is lost');
    expect(await demo.revert('d')).toMatchObject({ state: 'stopped', agent: false });
    expect(await home.engines()).toEqual([]);
    await demo.start();
    expect(await demo.sh(diskLook)).toBe(diskOf('d'));
    expect(await demo.sh('ls /dev/shm')).toBe('');
    const memoryToo = await demo.take('quiesced with memory', '--quiesce');
    expect(memoryToo).toMatchObject({ memory: true, notes: [expect.stringMatching(/[Mm]emory/) as string] });
    await home.json('snapshot', 'delete', 'demo', 'quiesced with memory');
  });

  it('of a stopped machine brings it back stopped', async () => {
    keepEvidence('stopped');
    await become(demo, 's');
    await demo.stop();
    expect(await demo.take('s')).toMatchObject({ memory: false, state: 'stopped', stoppedMs: null });
    await demo.start();
    await become(demo, 'what is lost');
    expect(await demo.revert('s')).toMatchObject({ state: 'stopped' });
    expect(await home.engines()).toEqual([]);
    await demo.start();
    expect(await demo.sh(diskLook)).toBe(diskOf('s'));
  });

  it('of a suspended machine has the memory that it is suspended in', async () => {
    keepEvidence('suspended');
    const before = await become(demo, 'u');
    await home.json('suspend', 'demo');
    expect(await demo.take('u')).toMatchObject({ memory: true, state: 'running', stoppedMs: null });
    expect(await demo.state()).toBe('suspended');
    await demo.start();
    expect(await demo.sh(look)).toBe(before);
    await become(demo, 'what is lost');
    // With --no-start it is suspended in the snapshot; a start goes on from there and the snapshot stays.
    for (let round = 0; round < 2; round += 1) {
      expect(await demo.revert('u', '--no-start')).toMatchObject({ state: 'suspended' });
      expect(await home.engines()).toEqual([]);
      await demo.start();
      expect(await demo.sh(look)).toBe(before);
      await become(demo, `what is lost in round ${round}`);
    }
  });

  it('can be reverted to in any order', async () => {
    keepEvidence('any order');
    expect(await demo.tree()).toEqual(['/a', '/a/p', '/a/p/d', '/a/p/d/s', '/a/p/d/s/u *']);
    await demo.revert('p');
    expect((await demo.sh(look).catch(() => 'paused')).includes('paused')).toBe(true);
    await home.json('unpause', 'demo');
    expect(await demo.sh(look)).toContain(sum('memory of p'));
    await demo.revert('u');
    expect(await demo.sh(look)).toContain(sum('memory of u'));
    await demo.revert('a');
    expect(await demo.sh(look)).toContain(sum('memory of a'));
    expect(await demo.tree()).toEqual(['/a *', '/a/p', '/a/p/d', '/a/p/d/s', '/a/p/d/s/u']);
  });
});

describe('the tree', () => {
  it('has branches, as VMware writes them', async () => {
    keepEvidence('branches');
    await become(demo, 'branch');
    await demo.take('branch', '--disk-only');
    await demo.take('twig');
    expect(await demo.tree()).toEqual([
      '/a',
      '/a/p',
      '/a/p/d',
      '/a/p/d/s',
      '/a/p/d/s/u',
      '/a/branch',
      '/a/branch/twig *',
    ]);
    const vmsd = await demo.vmsd();
    const byUid = new Map(
      Array.from({ length: 7 }, (_none, at) => [vmsd[`snapshot${at}.uid`] ?? '', `snapshot${at}`] as const),
    );
    const list = await demo.snapshots();
    expect(vmsd).toMatchObject({
      '.encoding': 'UTF-8',
      'snapshot.numSnapshots': '7',
      'snapshot.current': String(list.find(({ label }) => label === 'twig')?.uid),
      'snapshot.lastUID': String(Math.max(...list.map(({ uid }) => uid))),
    });
    expect(vmsd).not.toHaveProperty('snapshot7.uid');
    for (const { uid, label, parent, memory } of list) {
      const prefix = byUid.get(String(uid)) ?? '';
      expect(vmsd).toMatchObject({
        [`${prefix}.displayName`]: label,
        [`${prefix}.filename`]: `demo-Snapshot${uid}.vmsn`,
        [`${prefix}.numDisks`]: '1',
        [`${prefix}.disk0.node`]: 'nvme0:0',
        [`${prefix}.disk0.fileName`]: expect.stringMatching(/^disk0(-\d{6})?\.qcow2$/) as string,
      });
      expect(vmsd[`${prefix}.parent`]).toBe(parent === null ? undefined : String(parent));
      expect(vmsd[`${prefix}.type`]).toBe(memory ? '1' : undefined);
      // Microseconds since 1970: high and low half, the low one signed.
      const [high, low] = [vmsd[`${prefix}.createTimeHigh`], vmsd[`${prefix}.createTimeLow`]];
      const micros = (BigInt(high ?? '') << 32n) + BigInt.asUintN(32, BigInt(low ?? ''));
      expect(Math.abs(Number(micros / 1000n) - Date.now())).toBeLessThan(3_600_000);
    }
    // A line feed can't stand in a line of a .vmsd: VMware writes it as |0A.
    expect(vmsd[`${byUid.get('1')}.description`]).toBe('the first|0Aof |22all|22');
  });

  it('has labels of all kinds, and names for them', async () => {
    keepEvidence('labels');
    await demo.revert('branch');
    const labels = [
      'it’s "quoted"',
      'Vor dem Änderungstag',
      'a/b',
      '#3',
      ' spaces ',
      '100% |22 $HOME',
      '日本語',
      '--full',
    ];
    for (const label of labels) {
      const uid = (await demo.take('for now', '--disk-only')).uid;
      const words = ['snapshot', 'rename', 'demo', '--json', '--', 'for now', label];
      expect(await home.kame(words)).toMatchObject({ code: 0 });
      expect(await home.json('snapshot', 'show', 'demo', `#${uid}`)).toMatchObject({ label });
    }
    const list = await demo.snapshots();
    expect(list.slice(-labels.length - 1, -1).map(({ label }) => label)).toContain('#3');
    expect(list.map(({ label }) => label)).toEqual(expect.arrayContaining(labels));
    for (const label of labels) {
      const uid = list.find((one) => one.label === label)?.uid ?? 0;
      const again = await home.kame(['snapshot', 'take', 'demo', '--disk-only', '--', label]);
      expect(again).toEqual(refusal(1, 'has a snapshot'));
      // What could be a uid or a path is one; the label then is reached by #uid.
      const named = label === '#3' || label === 'a/b' ? `#${uid}` : label;
      expect(await home.kame(['snapshot', 'delete', 'demo', '--json', '--', named])).toMatchObject({
        code: 0,
      });
    }
    expect(await demo.tree()).toContain('/a/branch *');
  });

  it('takes new labels and descriptions, and refuses those that are taken', async () => {
    keepEvidence('rename');
    const rename = async (...args: string[]) => await home.kame(['snapshot', 'rename', 'demo', ...args]);
    expect(await rename('twig', 'Zweig', '--description', 'grüner')).toMatchObject({ code: 0 });
    expect(await home.json('snapshot', 'show', 'demo', '/a/branch/Zweig')).toMatchObject({
      label: 'Zweig',
      description: 'grüner',
    });
    expect(await rename('Zweig', '--description', '')).toMatchObject({ code: 0 });
    expect(await home.json('snapshot', 'show', 'demo', 'Zweig')).toMatchObject({ description: '' });
    expect(await rename('Zweig', 'a')).toEqual(refusal(1, 'demo already has a snapshot a'));
    expect(await rename('Zweig', 'Zweig')).toMatchObject({ code: 0 });
    expect(await rename('Zwieg', 'x')).toEqual(refusal(3, 'Did you mean Zweig?'));
    expect(await rename('Zweig', 'one\nline')).toMatchObject({ code: 2 });
    expect(await home.kame(['snapshot', 'take', 'demo', 'a'])).toEqual(
      refusal(1, 'demo already has a snapshot a'),
    );
    expect(await home.kame(['snapshot', 'take', 'demo', ''])).toMatchObject({ code: 2 });
    expect(await home.kame(['snapshot', 'take', 'demo', 'x'.repeat(256)])).toMatchObject({ code: 2 });
    // Without a label it is called as Fusion calls it.
    expect((await demo.take('x'.repeat(255), '--disk-only')).label).toHaveLength(255);
    const { label, uid } = await home.json<{ label: string; uid: number }>(
      'snapshot',
      'take',
      'demo',
      '--disk-only',
    );
    expect(label).toBe(`Snapshot ${uid}`);
  });

  it('loses what is deleted and keeps all else: a leaf, the middle while it runs, the root, a branch', async () => {
    keepEvidence('delete');
    await demo.revert('u');
    const remove = async (...args: string[]) =>
      await home.json<object>('snapshot', 'delete', 'demo', ...args);
    expect(await remove('/a/branch', '--children', '--yes')).toMatchObject({
      deleted: expect.arrayContaining(['branch', 'Zweig', 'x'.repeat(255)]) as string[],
      notes: [],
    });
    expect(await demo.tree()).toEqual(['/a', '/a/p', '/a/p/d', '/a/p/d/s', '/a/p/d/s/u *']);
    // In the middle, while the machine runs on the chain over it.
    expect(await remove('d')).toMatchObject({ deleted: ['d'], notes: [] });
    expect(await demo.tree()).toEqual(['/a', '/a/p', '/a/p/s', '/a/p/s/u *']);
    expect(await demo.sh(look)).toContain(sum('memory of u'));
    expect(await remove('a')).toMatchObject({ deleted: ['a'], notes: [] });
    expect(await demo.tree()).toEqual(['/p', '/p/s', '/p/s/u *']);
    expect(await demo.sh(look)).toContain(sum('disk of u'));
    expect(await demo.revert('p')).toMatchObject({ state: 'paused' });
    await home.json('unpause', 'demo');
    expect(await demo.sh(look)).toContain(sum('memory of p'));
    expect(await demo.sh(diskLook)).toBe(diskOf('p'));
    await demo.revert('u');
    expect(await demo.sh(look)).toContain(sum('memory of u'));
    // A leaf that the machine is below: it goes on with what it has.
    expect(await remove('u')).toMatchObject({ deleted: ['u'] });
    expect(await demo.tree()).toEqual(['/p', '/p/s *']);
    expect(await demo.sh(look)).toContain(sum('memory of u'));
    expect(await demo.sh(diskLook)).toBe(diskOf('u'));
    await remove('p', '--children', '--yes');
    expect(await demo.snapshots()).toEqual([]);
    const vmsd = await demo.vmsd();
    expect(vmsd).toMatchObject({ 'snapshot.numSnapshots': '0' });
    expect(vmsd['snapshot.current'] ?? '0').toBe('0');
    expect(await demo.sh(diskLook)).toBe(diskOf('u'));
    // Nothing is left over of all that.
    expect(await demo.layers()).toHaveLength(1);
    expect(await readdir(demo.file('checkpoints'))).toEqual([]);
    await demo.stop();
    await expectWholeLayers(demo);
    await demo.start();
    expect(await demo.sh(diskLook)).toBe(diskOf('u'));
    expect(await home.kame(['snapshot', 'revert', 'demo', 'u'])).toEqual(
      refusal(3, 'demo has no snapshot u'),
    );
  });
});

describe('other machines', () => {
  it('with an Intel processor: memory and disk come back', async () => {
    keepEvidence('intel');
    const intel = new Guest(home, 'intel');
    await home.json('create', 'intel', '--arch', 'x86_64', '--memory', '256MiB');
    await intel.start();
    const before = await become(intel, 'intel');
    expect(await intel.take('a')).toMatchObject({ memory: true, state: 'running' });
    await become(intel, 'what is lost');
    expect(await intel.revert('a')).toMatchObject({ state: 'running' });
    expect(await intel.sh(look)).toBe(before);
    await home.json('snapshot', 'delete', 'intel', 'a');
    expect(await intel.sh(look)).toBe(before);
    await intel.stop();
    await home.json('delete', 'intel', '--yes');
  });

  it('with EFI: its variables come back too', async () => {
    keepEvidence('efi');
    const efi = new Guest(home, 'efi');
    await home.json('create', 'efi', '--memory', '256MiB', '--cpus', '1', '--set', 'boot=firmware');
    await efi.start();
    const before = await become(efi, 'efi');
    await efi.take('a');
    const nvram = efi.file('efi.nvram');
    const taken = createHash('md5')
      .update(await readFile(nvram))
      .digest('hex');
    await efi.stop();
    {
      // As if the firmware had written to its variables meanwhile.
      await using file = await open(nvram, 'r+');
      await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, 1024 * 1024);
    }
    expect(await efi.revert('a')).toMatchObject({ state: 'running' });
    expect(await efi.sh(look)).toBe(before);
    expect(
      createHash('md5')
        .update(await readFile(nvram))
        .digest('hex'),
    ).toBe(taken);
    // And it boots with them.
    await efi.sh('sync');
    await efi.stop();
    await efi.start();
    expect(await efi.sh(diskLook)).toBe(diskOf('efi'));
    await efi.stop();
    expect(existsSync(join(efi.directory, 'checkpoints', '1', 'nvram'))).toBe(true);
  });
});
