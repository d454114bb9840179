import { existsSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { anySeed, Random } from '../faults/random.ts';
import type { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';
import {
  emptyContent,
  expectSeen,
  expectShown,
  expectWholeLayers,
  writeBlocks,
  type Content,
} from '../support/scratch.ts';

/** What each snapshot must show, and the machine now. */
class Model {
  readonly kept = new Map<string, Content>();
  now: Content = emptyContent;

  write(changes: ReadonlyMap<number, number>): void {
    this.now = this.now.map((byte, block) => changes.get(block) ?? byte);
  }
}

/** Every listed snapshot's own layer shows exactly its content, and no other one is listed. */
async function expectKept(model: Model, guest: Guest): Promise<void> {
  const vmsd = await guest.vmsd();
  const labels: string[] = [];
  for (let at = 0; at < Number(vmsd['snapshot.numSnapshots']); at += 1) {
    const label = vmsd[`snapshot${at}.displayName`] ?? '';
    labels.push(label);
    const layer = guest.file(vmsd[`snapshot${at}.disk0.fileName`] ?? '');
    await expectShown(layer, model.kept.get(label) ?? [], label);
  }
  expect(labels.toSorted()).toEqual([...model.kept.keys()].toSorted());
}

const seed = Number(process.env['KAME_TEST_SEED'] ?? anySeed());
const it = guestTest();

describe('many snapshots', () => {
  it(`can be taken, reverted to and deleted in any order (KAME_TEST_SEED=${seed})`, async ({
    home,
    demo,
  }) => {
    const random = new Random(seed);
    const model = new Model();
    const pick = () => random.pick([...model.kept.keys()]);
    for (let step = 0; step < 24; step += 1) {
      const kind = model.kept.size < 2 ? 0 : random.next();
      if (kind < 0.5) {
        const changes = new Map([0, 1, 2].map(() => [random.between(0, 15), random.between(1, 255)]));
        await writeBlocks(demo, changes);
        model.write(changes);
        await demo.take(`step ${step}`);
        model.kept.set(`step ${step}`, model.now);
      } else if (kind < 0.75) {
        const label = pick();
        await demo.revert(label);
        model.now = model.kept.get(label) ?? [];
      } else {
        const label = pick();
        await home.json('snapshot', 'delete', 'demo', label);
        model.kept.delete(label);
      }
    }
    await expectSeen(demo, model.now);
    await expectKept(model, demo);
    for (const [label, content] of [...model.kept].slice(0, 4)) {
      await demo.revert(label);
      await expectSeen(demo, content);
    }
    await demo.stop();
    await expectWholeLayers(demo);
    for (const { label, parent } of await demo.snapshots())
      if (parent === null) await home.json('snapshot', 'delete', 'demo', label, '--children', '--yes');
    expect(await demo.layers()).toHaveLength(1);
  });

  it(
    `form a chain of 30 that boots, goes back and can lose any of them (KAME_TEST_SEED=${seed})`,
    { timeout: 300_000 },
    async ({ home, demo }) => {
      const random = new Random(seed, 1);
      const model = new Model();
      const withMemory = new Set([5, 15, 25]);
      for (let number = 1; number <= 30; number += 1) {
        const changes = new Map([
          [number % 16, number],
          [(number * 5) % 16, 100 + number],
        ]);
        await writeBlocks(demo, changes);
        model.write(changes);
        await demo.take(`${number}`, ...(withMemory.has(number) ? [] : ['--disk-only']));
        model.kept.set(`${number}`, model.now);
      }
      await expectKept(model, demo);
      await demo.stop();
      await demo.start();
      await expectSeen(demo, model.now);
      for (const [label, after] of [
        ['1', 'stopped'],
        ['15', 'running'],
        ['30', 'stopped'],
      ] as const) {
        expect(await demo.revert(label)).toMatchObject({ state: after });
        if (after === 'stopped') await demo.start();
        await expectSeen(demo, model.kept.get(label) ?? []);
      }
      for (let round = 0; round < 10; round += 1) {
        const label = random.pick([...model.kept.keys()]);
        expect(await home.json('snapshot', 'delete', 'demo', label)).toMatchObject({
          deleted: [label],
          notes: [],
        });
        model.kept.delete(label);
      }
      expect(await demo.snapshots()).toHaveLength(20);
      await expectKept(model, demo);
      await expectSeen(demo, model.now);
      await demo.stop();
      await expectWholeLayers(demo);
      await expectKept(model, demo);
      expect(await demo.layers()).toHaveLength(21);
      await demo.start();
      await expectSeen(demo, model.now);
      await demo.stop();
      await home.json('delete', 'demo', '--yes');
      expect(existsSync(demo.directory)).toBe(false);
    },
  );
});
