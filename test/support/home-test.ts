import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { inject, test } from 'vitest';
import { keepEvidence } from './evidence.ts';
import { useHome, type HomeOptions, type TestHome } from './home.ts';
import { trailVariable } from './run-directory.ts';

export interface OwnHomeOptions extends HomeOptions {
  /** What the home is on; it is disposed after the home. */
  readonly on?: AsyncDisposable;
}

export type MakeHome = (options?: OwnHomeOptions) => Promise<TestHome>;

/** The directory of a home's QMP trail. */
async function makeTrail(run: string): Promise<string> {
  const trail = join(run, 'trails', String(process.hrtime.bigint()));
  await mkdir(trail, { recursive: true });
  return trail;
}

/**
 * Tests with homes of their own. When a test has ended, all that runs in its homes is ended and they are removed; when it
 * has failed, what tells why is kept before that.
 */
export const homeTest = test.extend<{ makeHome: MakeHome; home: TestHome }>({
  makeHome: async ({ task }, use) => {
    const made: { home: TestHome; trail: string; on: AsyncDisposable | undefined }[] = [];
    await use(async (options = {}) => {
      const { path, engines } = inject('run');
      const trail = await makeTrail(path);
      const env = { ...engines, [trailVariable]: trail, ...options.env };
      const home = await useHome({ ...options, env });
      made.push({ home, trail, on: options.on });
      return home;
    });
    for (const [at, { home, trail }] of made.entries()) {
      if (task.result?.state === 'fail')
        await keepEvidence(
          home,
          trail,
          `${basename(task.file.name, '.test.ts')} ${task.fullTestName} ${at + 1}`,
        );
    }
    for (const { home, on } of made.toReversed()) {
      await home[Symbol.asyncDispose]();
      await on?.[Symbol.asyncDispose]();
    }
  },
  home: async ({ makeHome }, use) => await use(await makeHome()),
});
