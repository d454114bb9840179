import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import { Guest } from './guest.ts';
import type { MakeHome } from './home-test.ts';
import type { TestHome } from './home.ts';

/** A machine `demo` in a state that tests begin with. */
export interface Recipe {
  /** Of the recipe; no other one of a run has it. */
  readonly name: string;
  /** Arguments of `kame create demo`. */
  readonly create: readonly string[];
  /** What is done when the guest has booted. Afterwards it is suspended, unless it is already. */
  readonly prepare: (demo: Guest) => Promise<void>;
}

/** Of a home, what the first start on a host learns, and the machine. */
const parts = ['machines', 'cache'];

/** Makes the machine of a recipe, once in a run. @returns the directory to copy from */
async function templateOf(recipe: Recipe, makeHome: MakeHome): Promise<string> {
  const template = join(inject('run').path, 'templates', recipe.name);
  if (existsSync(template)) return template;
  const home = await makeHome();
  const demo = new Guest(home, 'demo');
  await home.json('create', demo.name, ...recipe.create);
  await demo.start();
  await recipe.prepare(demo);
  if ((await demo.state()) !== 'suspended') await home.json('suspend', demo.name);
  await home.client().stopDaemon();
  await mkdir(`${template}.part`, { recursive: true });
  for (const part of parts) await rename(join(home.path, part), join(`${template}.part`, part));
  await rename(`${template}.part`, template);
  await home[Symbol.asyncDispose]();
  return template;
}

/** Puts the machine of a recipe into a home, suspended: a start takes half a second instead of a boot. */
export async function layOut(recipe: Recipe, home: TestHome, makeHome: MakeHome): Promise<Guest> {
  const template = await templateOf(recipe, makeHome);
  const sparse = process.platform === 'darwin' ? ['-c'] : ['--sparse=always', '--reflink=auto'];
  await execa('cp', ['-R', '-p', ...sparse, ...parts.map((part) => join(template, part)), home.path]);
  return new Guest(home, 'demo');
}
