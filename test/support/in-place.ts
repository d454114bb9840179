import { openChain } from '../../src/disk/chain-disk.ts';
import { readChain } from '../../src/disk/chain.ts';
import { importMachine } from '../../src/vm/import/import.ts';
import { fingerprints, layOutForeign } from './foreign-bundle.ts';
import { quiet, type World } from './world.ts';
import { WorldMachine } from './world-machine.ts';

const mebibyte = 1024 * 1024;

/** A machine whose disk is in place, and its original. */
export interface InPlace {
  readonly web: WorldMachine;
  /** Directory of the original. */
  readonly original: string;
  /** Its files as they were before the import. */
  readonly before: Record<string, string>;
}

/** Imports a foreign machine in place, as `web`. */
export async function importInPlace(
  world: World,
  subformat = 'monolithicSparse',
  disks?: 'inPlace',
): Promise<InPlace> {
  const original = layOutForeign(world, [], subformat);
  const before = fingerprints(original);
  await importMachine(world.host, { path: original, ...(disks ? { disks } : {}) }, quiet);
  return { web: new WorldMachine(world.home, 'web'), original, before };
}

/** Which bytes a disk shows at 1 to 4 MiB; the original has a 7 at 1 MiB only. @param top its top layer */
export async function shownIn(top: string): Promise<string> {
  await using disk = await openChain(await readChain(top, { inside: ['/'] }));
  const bytes = [0, 0, 0, 0];
  for await (const { offset, data } of disk.blocks()) {
    for (const [index, byte] of bytes.entries()) bytes[index] = data[(index + 1) * mebibyte - offset] ?? byte;
  }
  return bytes.join(' ');
}
