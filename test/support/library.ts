import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { register } from '../../src/vm/library/register.ts';
import { list } from '../../src/vm/running/describe.ts';
import type { World } from './world.ts';

/** The names in the list of machines. */
export async function namesIn({ host }: World): Promise<string[]> {
  return (await list(host)).map(({ name }) => name);
}

/** Moves a new machine out of the home. @returns the path of its `.vmx` */
export function elsewhere(world: World, name: string, bundle = true): string {
  const machine = world.machine(name);
  const place = join(world.home, bundle ? `far/${name}.vmwarevm` : 'far');
  mkdirSync(join(world.home, 'far'), { recursive: true });
  if (!bundle) rmSync(place, { recursive: true });
  renameSync(machine.directory, place);
  return join(place, `${name}.vmx`);
}

/** Registers a machine without a bundle, whose kernel and initrd could be any files. */
export async function registerLoose({ host }: World, vmx: string): Promise<void> {
  const files = ['kernel', 'initrd'].map((name) => join(vmx, '..', name));
  await register(host, { path: vmx, allowOutside: files });
}
