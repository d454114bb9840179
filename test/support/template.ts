import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, rename } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import { errnoOf } from '../../src/core/errors.ts';
import { Guest } from './guest.ts';
import type { MakeHome } from './home-test.ts';
import type { TestHome } from './home.ts';

/** A machine `demo` in a state that tests begin with. */
export interface Recipe {
  /** Of the recipe; no other one of a run has it. */
  readonly name: string;
  /** Arguments of `kame create demo`. */
  readonly create: readonly string[];
  /** What is done before its first start. */
  readonly adapt?: (demo: Guest) => Promise<void>;
  /**
   * What is done when the guest has booted; null leaves the machine stopped as it was created. Otherwise it is suspended
   * afterwards, unless it is already.
   */
  readonly prepare: ((demo: Guest) => Promise<void>) | null;
}

/** A machine whose guest never boots, for tests of its engine. */
export const stoppedMachine: Recipe = {
  name: 'stopped',
  create: ['--set', 'accelerator=tcg'],
  prepare: null,
};

/** Of a home, what the first start on a host learns, and the machine. */
const parts = ['machines', 'cache'];

/** Makes the machine of a recipe, once in a run. @returns the directory to copy from */
async function templateOf(recipe: Recipe, makeHome: MakeHome): Promise<string> {
  const template = join(inject('run').path, 'templates', recipe.name);
  if (existsSync(template)) return template;
  const home = await makeHome();
  const demo = new Guest(home, 'demo');
  await home.json('create', demo.name, ...recipe.create);
  await recipe.adapt?.(demo);
  if (recipe.prepare === null) {
    // It is asked for a launch plan, so that copies need not ask the engine what it can do.
    await home.json('start', demo.name, '--dry-run');
  } else {
    await demo.start();
    await recipe.prepare(demo);
    if ((await demo.state()) !== 'suspended') await demo.suspend();
  }
  await home.client().stopDaemon();
  await mkdir(dirname(template), { recursive: true });
  const made = await mkdtemp(`${template}.`);
  for (const part of parts) await rename(join(home.path, part), join(made, part));
  await rename(made, template).catch((error: unknown) => {
    // Another worker has made the same one meanwhile.
    if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
  });
  await home[Symbol.asyncDispose]();
  return template;
}

/** What a machine only reads, and a resume removes: it is linked. The rest is copied, with holes for zeros. */
const readOnly = /\/(?:kernel|initrd|checkpoints\/s-[0-9a-f]{8}\/[^/]+)$/;

/** @returns false where the home is on another file system */
async function linked(from: string, to: string): Promise<boolean> {
  return await link(from, to).then(
    () => true,
    (error: unknown) => {
      if (errnoOf(error) === 'EXDEV') return false;
      throw error;
    },
  );
}

async function copyFiles(from: string, to: string): Promise<void> {
  const sparse = process.platform === 'darwin' ? [] : ['--sparse=always'];
  for (const entry of await readdir(from, { withFileTypes: true, recursive: true })) {
    const source = join(entry.parentPath, entry.name);
    const target = join(to, relative(from, source));
    if (entry.isDirectory()) await mkdir(target, { recursive: true, mode: 0o700 });
    else if (!readOnly.test(source) || !(await linked(source, target)))
      await execa('cp', ['-p', ...sparse, source, target]);
  }
}

/** Puts the machine of a recipe into a home. One that is suspended starts in half a second, not in a boot's five. */
export async function layOut(recipe: Recipe, home: TestHome, makeHome: MakeHome): Promise<Guest> {
  await copyFiles(await templateOf(recipe, makeHome), home.path);
  return new Guest(home, 'demo');
}
