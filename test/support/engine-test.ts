import { existsSync } from 'node:fs';
import { inject, expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import type { Guest } from './guest.ts';
import { homeTest } from './home-test.ts';
import type { TestHome } from './home.ts';
import { layOut, stoppedMachine } from './template.ts';

/** Tests that begin with a stopped machine `demo`, in a home whose engines and `qemu-img` can fail: see setEngineMode. */
export const engineTest = homeTest.extend<{ home: TestHome; demo: Guest }>({
  home: async ({ makeHome }, use) =>
    await use(await makeHome({ env: { KAME_QEMU_DIR: inject('run').programs } })),
  demo: async ({ home, makeHome }, use) => await use(await layOut(stoppedMachine, home, makeHome)),
});

/** Nothing runs, the machine is not held, and nothing of a run is left. */
export async function expectStopped(demo: Guest): Promise<void> {
  expect(await demo.state()).toBe('stopped');
  expect(await demo.home.engines()).toEqual([]);
  expect(existsSync(demo.file('lock'))).toBe(false);
  expect(await demo.home.runDirectories()).toEqual([]);
}

/** Waits for the first engine of a home. @returns its pid */
export async function firstEngine(home: TestHome): Promise<number> {
  const found = await poll(async () => (await home.engines()).at(0), { deadlineMs: 20_000, maxStepMs: 20 });
  if (found === undefined) throw new Error('No engine came.');
  return found;
}

/** Waits until a home has no engine. */
export async function noEngine(home: TestHome): Promise<void> {
  const none = async () => ((await home.engines()).length === 0 ? true : undefined);
  if (!(await poll(none, { deadlineMs: 20_000 }))) throw new Error('An engine still runs.');
}
