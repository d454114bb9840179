import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { silentProgress } from '../../src/core/progress.ts';
import { buildTiny } from '../../src/image/tiny/build.ts';
import { builtIn, kameProgram, sharedTiny, useHome, type TestHome } from '../../test/support/home.ts';

export { kameProgram };
export const vmrunProgram = join(builtIn, 'vmrun.cjs');

/** Wall time of a Node program in milliseconds, from before its start until its end. */
export function wallOf(args: readonly string[], env: Readonly<Record<string, string>> = {}): number {
  const started = performance.now();
  const { status, stderr, error } = spawnSync(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ms = performance.now() - started;
  if (error) throw error;
  if (status !== 0)
    throw new Error(`node ${args.join(' ')} exited with code ${status}: ${stderr.toString('utf8')}`);
  return ms;
}

/** Wall time of a `kame` command in milliseconds, for the whole process. */
export function kameWall(home: TestHome, ...args: readonly string[]): number {
  return wallOf([kameProgram, ...args], home.env);
}

/** Duration of `work` in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** A separate home for a benchmark. Disposing ends everything that runs in it, and removes it. */
export async function benchHome(): Promise<TestHome> {
  if (!existsSync(kameProgram)) throw new Error(`${kameProgram} does not exist. Run \`npm run build\`.`);
  return await useHome();
}

/** Builds the tiny image if necessary, so that a home can link to it. */
export async function needTiny(arch: 'aarch64' | 'x86_64', say: (text: string) => void): Promise<void> {
  const { cacheDir, outDir } = sharedTiny(arch);
  say(`tiny image for ${arch}`);
  await buildTiny({ arch, cacheDir, outDir, progress: silentProgress() });
}
