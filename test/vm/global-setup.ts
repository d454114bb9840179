import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { silentProgress } from '../../src/core/progress.ts';
import { buildTiny } from '../../src/image/tiny/build.ts';
import { builtIn, sharedTiny } from '../support/home.ts';

/** Once for all real-guest tests: the programs as users run them, and the tiny images, which every home links to. */
export default async function setup(): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts', '--out', builtIn], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const arch of ['aarch64', 'x86_64'] as const) {
    const { cacheDir, outDir } = sharedTiny(arch);
    await buildTiny({ arch, cacheDir, outDir, progress: silentProgress() });
  }
}
