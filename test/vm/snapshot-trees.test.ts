import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFailed } from 'vitest';
import {
  emptyContent,
  expectSeen,
  expectShown,
  expectWholeLayers,
  type Guest,
  seeded,
  type Content,
} from '../support/checkpoints.ts';
import { demo, home } from '../support/one-guest.ts';

function keepEvidence(name: string): void {
  onTestFailed(async () => await home.postMortem(`snapshot trees ${name}`));
}

/** What each snapshot must show, and the machine now. */
class Model {
  readonly kept = new Map<string, Content>();
  now: Content;

  constructor(now: Content) {
    this.now = now;
  }

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

const seed = Number(process.env['KAME_TEST_SEED'] ?? Date.now() % 1_000_000);

describe('many snapshots', () => {
  let now = emptyContent;

  it(`taken, reverted to and deleted in any order (KAME_TEST_SEED=${seed})`, async () => {
    keepEvidence('random');
    const random = seeded(seed);
    const model = new Model(now);
    const pick = () => [...model.kept.keys()][Math.floor(random() * model.kept.size)] ?? '';
    for (let step = 0; step < 24; step += 1) {
      const kind = model.kept.size < 2 ? 0 : random();
      if (kind < 0.5) {
        const changes = new Map(
          [0, 1, 2].map(() => [Math.floor(random() * 16), 1 + Math.floor(random() * 255)]),
        );
        await demo.write(changes);
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
      model.now = content;
      await expectSeen(demo, content);
    }
    now = model.now;
    await demo.stop();
    await expectWholeLayers(demo);
    for (const { label, parent } of await demo.snapshots())
      if (parent === null) await home.json('snapshot', 'delete', 'demo', label, '--children', '--yes');
    expect(await demo.layers()).toHaveLength(1);
    await demo.start();
  });

  it(`a chain of 30 boots, goes back and loses any of them (KAME_TEST_SEED=${seed})`, async () => {
    keepEvidence('chain');
    const random = seeded(seed + 1);
    const model = new Model(now);
    const withMemory = new Set([5, 15, 25]);
    for (let number = 1; number <= 30; number += 1) {
      const changes = new Map([
        [number % 16, number],
        [(number * 5) % 16, 100 + number],
      ]);
      await demo.write(changes);
      model.write(changes);
      await demo.take(`${number}`, ...(withMemory.has(number) ? [] : ['--disk-only']));
      model.kept.set(`${number}`, model.now);
    }
    await expectKept(model, demo);
    await demo.stop();
    await demo.start();
    await expectSeen(demo, model.now);
    for (const label of ['1', '15', '30']) {
      const { state } = await demo.revert(label);
      expect(state).toBe(withMemory.has(Number(label)) ? 'running' : 'stopped');
      if (state === 'stopped') await demo.start();
      await expectSeen(demo, model.kept.get(label) ?? []);
    }
    for (let round = 0; round < 10; round += 1) {
      const label = [...model.kept.keys()][Math.floor(random() * model.kept.size)] ?? '';
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
  });
});
