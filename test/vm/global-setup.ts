import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { silentProgress } from '../../src/core/progress.ts';
import { buildTiny } from '../../src/image/tiny/build.ts';
import { builtIn, sharedTiny } from '../support/home.ts';
import { makeRunDirectory, type RunDirectory } from '../support/run-directory.ts';

declare module 'vitest' {
  interface ProvidedContext {
    run: RunDirectory;
  }
}

/** Once for all real-guest tests: the programs as users run them, the tiny images, and the directory of the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts', '--out', builtIn], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const arch of ['aarch64', 'x86_64'] as const) {
    const { cacheDir, outDir } = sharedTiny(arch);
    const toolsDirectory = join(builtIn, 'tools');
    await buildTiny({ arch, cacheDir, outDir, toolsDirectory, progress: silentProgress() });
  }
  const run = await makeRunDirectory();
  project.provide('run', run);
  return async () => await rm(run.path, { recursive: true, force: true });
}
