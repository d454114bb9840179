import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { inject, test, type RunnerTestCase } from 'vitest';
import { keepEvidence } from './evidence.ts';
import { useHome, type HomeOptions, type TestHome } from './home.ts';
import { trailVariable } from './run-directory.ts';

export interface OwnHomeOptions extends HomeOptions {
  /** What the home is on; it is disposed after the home. */
  readonly on?: AsyncDisposable;
}

export type MakeHome = (options?: OwnHomeOptions) => Promise<TestHome>;

/** A home whose engines write down what is said over QMP. */
async function traced(options: HomeOptions): Promise<TestHome> {
  const { path, engines } = inject('run');
  const trail = join(path, 'trails', String(process.hrtime.bigint()));
  await mkdir(trail, { recursive: true });
  return await useHome({ ...options, env: { ...engines, [trailVariable]: trail, ...options.env } });
}

async function keepIfFailed(task: Readonly<RunnerTestCase>, homes: readonly TestHome[]): Promise<void> {
  if (task.result?.state !== 'fail') return;
  for (const [at, home] of homes.entries())
    await keepEvidence(home, `${basename(task.file.name, '.test.ts')} ${task.fullTestName} ${at + 1}`);
}

/**
 * Tests with homes of their own. When a test has ended, all that runs in its homes is ended and they are removed; when it
 * has failed, evidence of the cause is kept first.
 */
export const homeTest = test.extend<{ makeHome: MakeHome; home: TestHome }>({
  makeHome: async ({ task }, use) => {
    const made: { home: TestHome; on: AsyncDisposable | undefined }[] = [];
    await use(async (options = {}) => {
      const home = await traced(options);
      made.push({ home, on: options.on });
      return home;
    });
    await keepIfFailed(
      task,
      made.map(({ home }) => home),
    );
    for (const { home, on } of made.toReversed()) {
      await home[Symbol.asyncDispose]();
      await on?.[Symbol.asyncDispose]();
    }
  },
  home: async ({ makeHome }, use) => await use(await makeHome()),
});
