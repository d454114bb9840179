import { readdir } from 'node:fs/promises';
import { describe, expect } from 'vitest';
import type { Snapshot } from '../../src/api/checkpoint.ts';
import { guestTest } from '../support/guest-test.ts';
import { Guest } from '../support/guest.ts';
import { homeTest } from '../support/home-test.ts';
import type { TestHome } from '../support/home.ts';
import { diskLook, diskOf, look, memoryOf } from '../support/marks.ts';
import { snapshotOfEachKind } from '../support/recipes.ts';
import { refusal } from '../support/refusal.ts';
import { expectWholeLayers } from '../support/scratch.ts';

/** A stopped machine `demo` with a snapshot of each label, one beneath the other. */
async function stoppedWith(home: TestHome, ...labels: string[]): Promise<Guest> {
  await home.json('create', 'demo');
  const demo = new Guest(home, 'demo');
  for (const label of labels) await demo.take(label);
  return demo;
}

/** When a `.vmsd` says that a snapshot was taken: microseconds since 1970, in a high and a low half, the low one signed. */
function takenAt(vmsd: Record<string, string>, prefix: string): number {
  const [high, low] = [vmsd[`${prefix}.createTimeHigh`], vmsd[`${prefix}.createTimeLow`]];
  const micros = (BigInt(high ?? '') << 32n) + BigInt.asUintN(32, BigInt(low ?? ''));
  return Number(micros / 1000n);
}

/** What VMware's description of a snapshot says of one that the API lists. */
function written(prefix: string, { uid, label, parent, memory }: Snapshot): Record<string, unknown> {
  return {
    [`${prefix}.displayName`]: label,
    [`${prefix}.filename`]: `demo-Snapshot${uid}.vmsn`,
    [`${prefix}.numDisks`]: '1',
    [`${prefix}.disk0.node`]: 'nvme0:0',
    [`${prefix}.disk0.fileName`]: expect.stringMatching(/^disk0(-\d{6})?\.qcow2$/) as string,
    ...(parent === null ? {} : { [`${prefix}.parent`]: String(parent) }),
    ...(memory ? { [`${prefix}.type`]: '1' } : {}),
  };
}

describe('the tree of snapshots', () => {
  guestTest()('has branches, as VMware writes them', async ({ demo }) => {
    const before = Date.now();
    await demo.take('a', '--description', 'the first\nof "all"');
    await demo.take('b', '--disk-only');
    await demo.revert('a');
    await demo.take('branch', '--disk-only');
    await demo.take('twig');
    const after = Date.now();
    expect(await demo.tree()).toEqual(['/a', '/a/b', '/a/branch', '/a/branch/twig *']);
    const vmsd = await demo.vmsd();
    const byUid = new Map(
      [0, 1, 2, 3].map((at) => [vmsd[`snapshot${at}.uid`] ?? '', `snapshot${at}`] as const),
    );
    const list = await demo.snapshots();
    expect(vmsd).toMatchObject({
      '.encoding': 'UTF-8',
      'snapshot.numSnapshots': '4',
      'snapshot.current': String(list.find(({ label }) => label === 'twig')?.uid),
      'snapshot.lastUID': String(Math.max(...list.map(({ uid }) => uid))),
    });
    expect(vmsd).not.toHaveProperty('snapshot4.uid');
    for (const one of list) {
      const prefix = byUid.get(String(one.uid)) ?? '';
      expect(vmsd).toMatchObject(written(prefix, one));
      expect([before, takenAt(vmsd, prefix), after]).toEqual(
        [before, takenAt(vmsd, prefix), after].toSorted((a, b) => a - b),
      );
      if (one.parent === null) expect(vmsd).not.toHaveProperty([`${prefix}.parent`]);
      if (!one.memory) expect(vmsd).not.toHaveProperty([`${prefix}.type`]);
    }
    // A line feed can't stand in a line of a .vmsd: VMware writes it as |0A.
    expect(vmsd[`${byUid.get('1')}.description`]).toBe('the first|0Aof |22all|22');
  });

  homeTest('accepts all kinds of labels, and finds snapshots by them', async ({ home }) => {
    const demo = await stoppedWith(home, 'a', 'branch');
    const labels = [
      'it’s "quoted"',
      'Vor dem Änderungstag',
      'a/b',
      ' spaces ',
      '100% |22 $HOME',
      '日本語',
      '--full',
    ];
    for (const label of labels) {
      const { uid } = await demo.take('for now');
      const words = ['snapshot', 'rename', 'demo', '--json', '--', 'for now', label];
      expect(await home.kame(words)).toMatchObject({ code: 0 });
      expect(await home.json('snapshot', 'show', 'demo', `#${uid}`)).toMatchObject({ label });
    }
    const list = await demo.snapshots();
    expect(list.map(({ label }) => label)).toEqual(['a', 'branch', ...labels]);
    for (const label of labels) {
      const again = await home.kame(['snapshot', 'take', 'demo', '--', label]);
      expect(again).toEqual(refusal(1, 'has a snapshot'));
      expect(await home.kame(['snapshot', 'delete', 'demo', '--json', '--', label])).toMatchObject({
        code: 0,
      });
    }
    expect(await demo.tree()).toEqual(['/a', '/a/branch *']);
  });

  homeTest('accepts new labels and descriptions, and refuses labels that are taken', async ({ home }) => {
    const demo = await stoppedWith(home, 'a', 'twig');
    const rename = async (...args: string[]) => await home.kame(['snapshot', 'rename', 'demo', ...args]);
    expect(await rename('twig', 'Zweig', '--description', 'grüner')).toMatchObject({ code: 0 });
    expect(await home.json('snapshot', 'show', 'demo', '/a/Zweig')).toMatchObject({
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
    expect((await demo.take('x'.repeat(255))).label).toHaveLength(255);
    // Without a label it is named as Fusion names it.
    const { label, uid } = await home.json<{ label: string; uid: number }>('snapshot', 'take', 'demo');
    expect(label).toBe(`Snapshot ${uid}`);
  });
});

const itOfEachKind = guestTest(snapshotOfEachKind);

describe('the tree of snapshots, while the machine runs on it', () => {
  itOfEachKind(
    'loses what is deleted and keeps all else: a branch, the middle, the root, a leaf',
    async ({ home, demo }) => {
      const remove = async (...args: string[]) =>
        await home.json<object>('snapshot', 'delete', 'demo', ...args);
      await demo.revert('a');
      await demo.take('branch', '--disk-only');
      await demo.take('twig', '--disk-only');
      await demo.revert('u');
      expect(await remove('/a/branch', '--children', '--yes')).toMatchObject({
        deleted: expect.arrayContaining(['branch', 'twig']) as string[],
        notes: [],
      });
      expect(await demo.tree()).toEqual(['/a', '/a/p', '/a/p/d', '/a/p/d/s', '/a/p/d/s/u *']);
      // In the middle, while the machine runs on the chain over it.
      expect(await remove('d')).toMatchObject({ deleted: ['d'], notes: [] });
      expect(await demo.tree()).toEqual(['/a', '/a/p', '/a/p/s', '/a/p/s/u *']);
      expect(await demo.sh(look)).toContain(memoryOf('u'));
      expect(await remove('a')).toMatchObject({ deleted: ['a'], notes: [] });
      expect(await demo.tree()).toEqual(['/p', '/p/s', '/p/s/u *']);
      expect(await demo.sh(look)).toContain(diskOf('u'));
      expect(await demo.revert('p')).toMatchObject({ state: 'paused' });
      await demo.unpause();
      await demo.answers();
      expect(await demo.sh(look)).toContain(memoryOf('p'));
      expect(await demo.sh(diskLook)).toBe(diskOf('p'));
      await demo.revert('u');
      expect(await demo.sh(look)).toContain(memoryOf('u'));
      // A leaf that the machine is below: it keeps what it has.
      expect(await remove('u')).toMatchObject({ deleted: ['u'] });
      expect(await demo.tree()).toEqual(['/p', '/p/s *']);
      expect(await demo.sh(look)).toContain(memoryOf('u'));
      expect(await demo.sh(diskLook)).toBe(diskOf('u'));
      await remove('p', '--children', '--yes');
      expect(await demo.snapshots()).toEqual([]);
      const vmsd = await demo.vmsd();
      expect(vmsd).toMatchObject({ 'snapshot.numSnapshots': '0' });
      expect(vmsd).not.toHaveProperty(['snapshot.current']);
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
    },
  );
});
