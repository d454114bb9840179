import { readdir, readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import type { SnapshotDetails } from '../../src/api/checkpoint.ts';
import type { Guest } from './guest.ts';
import { refusal } from './refusal.ts';
import { emptyContent, expectSeen, writeBlocks, type Content } from './scratch.ts';
import type { Recipe } from './template.ts';

// A machine with a tree of which tests damage one branch:
//   /base (disks), /base/left (memory), /base/right (memory), and the machine runs from right.

export const left: Content = emptyContent.with(3, 0x11);
export const right: Content = emptyContent.with(3, 0x22);
export const uidOf = { base: '1', left: '2', right: '3' };

export const twoBranches: Recipe = {
  name: 'two-branches',
  create: ['--memory', '192MiB', '--cpus', '1'],
  prepare: async (demo) => {
    await demo.take('base', '--disk-only');
    await writeBlocks(demo, new Map([[3, 0x11]]));
    await demo.take('left');
    await demo.revert('base');
    await demo.start();
    await writeBlocks(demo, new Map([[3, 0x22]]));
    await demo.take('right');
  },
};

/** The layer that a snapshot names. */
export async function layerOf(demo: Guest, uid: string): Promise<string> {
  const vmsd = await demo.vmsd();
  const at = Object.keys(vmsd).find((key) => /^snapshot\d+\.uid$/.test(key) && vmsd[key] === uid) ?? '';
  return demo.file(vmsd[at.replace('uid', 'disk0.fileName')] ?? '');
}

/** What a refused command may not have changed. */
export async function traces(demo: Guest): Promise<Record<string, unknown>> {
  const { state, pid } = await demo.details();
  const files = (await readdir(demo.directory)).filter((name) => !name.endsWith('.log')).toSorted();
  const vmx = await readFile(demo.file('demo.vmx'), 'utf8');
  const vmsd = await readFile(demo.file('demo.vmsd'), 'utf8');
  return { state, pid, files, vmx, vmsd, checkpoints: await readdir(demo.file('checkpoints')) };
}

/** A revert to the damaged branch is refused before anything is touched; the rest of the tree is as good as before. */
export async function expectLeftRefused(demo: Guest, code: number, message: RegExp | string): Promise<void> {
  const before = await traces(demo);
  expect(await demo.home.kame(['snapshot', 'revert', 'demo', 'left'])).toEqual(refusal(code, message));
  expect(await traces(demo)).toEqual(before);
  expect(await demo.tree()).toEqual(['/base', '/base/left', '/base/right *']);
}

/** The same, and the snapshot itself says why. */
export async function expectLeftBroken(demo: Guest, code: number, message: RegExp | string): Promise<void> {
  await expectLeftRefused(demo, code, message);
  const { problems } = await demo.home.json<SnapshotDetails>('snapshot', 'show', 'demo', 'left');
  expect(problems).toEqual([expect.stringMatching(/./)]);
}

export async function expectRestUsable(demo: Guest): Promise<void> {
  expect(await demo.revert('base')).toMatchObject({ state: 'stopped' });
  expect(await demo.revert('right')).toMatchObject({ state: 'running' });
  await expectSeen(demo, right);
}
