import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { silentProgress } from '../../src/core/progress.ts';
import { buildTiny } from '../../src/image/tiny/build.ts';
import { builtIn, sharedTiny, useHome, type TestHome } from '../../test/support/home.ts';

export const kameProgram = join(builtIn, 'kame.mjs');

/** Milliseconds of wall time that a program of Node takes, from before its start until its end. */
export function wallOf(args: readonly string[], env: Readonly<Record<string, string>> = {}): number {
  const started = performance.now();
  const { status, stderr, error } = spawnSync(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ms = performance.now() - started;
  if (error) throw error;
  if (status !== 0)
    throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr.toString('utf8')}`);
  return ms;
}

/** Milliseconds of wall time of a command of `kame`, the whole process. */
export function kameWall(home: TestHome, ...args: readonly string[]): number {
  return wallOf([kameProgram, ...args], home.env);
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** A home of the benchmark's own. Disposing ends all that runs in it and removes it. */
export async function benchHome(): Promise<TestHome> {
  if (!existsSync(kameProgram)) throw new Error(`${kameProgram} is not there: npm run build makes it.`);
  return await useHome();
}

/** Makes sure that the tiny image is there, so that a home links to it. */
export async function needTiny(arch: 'aarch64' | 'x86_64', say: (text: string) => void): Promise<void> {
  const { cacheDir, outDir } = sharedTiny(arch);
  say(`tiny image for ${arch}`);
  await buildTiny({ arch, cacheDir, outDir, progress: silentProgress() });
}
