import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { readChain } from '../../src/disk/chain.ts';
import { clone } from '../../src/vm/clone/clone.ts';
import type { Host } from '../../src/vm/host/host.ts';
import { remove } from '../../src/vm/library/delete.ts';
import { unregister } from '../../src/vm/library/register.ts';
import { rename } from '../../src/vm/library/rename.ts';
import { deleteSnapshot, listSnapshots, takeSnapshot } from '../../src/vm/snapshot/snapshots.ts';
import { cloneBody, takeBody } from './bodies.ts';
import { writeDisk } from './disk-content.ts';
import { refused } from './refused.ts';
import { quiet, type World } from './world.ts';
import { WorldMachine } from './world-machine.ts';

/** The snapshot that is taken for the first linked clone. */
export const base = 'Base of clones 1';
export const held = ['HAS_CLONES', 'HAS_CLONES', 'HAS_CLONES', 'HAS_CLONES'];
export const nothing = { forget: [], acceptBase: false };

export function machine(home: string, name: string): WorldMachine {
  return new WorldMachine(home, name);
}

/** How the header of a layer names the file beneath it. */
export async function backingOf(path: string): Promise<string | null> {
  return (await readChain(path, { inside: ['/'], tables: false })).backingName;
}

/** What tests of linked clones do in a world. */
export interface LinkedPair {
  readonly host: () => Host;
  readonly link: (name: string, source?: string) => Promise<unknown>;
  readonly take: (label: string) => Promise<unknown>;
  readonly dropBase: (of?: Host) => Promise<unknown>;
  readonly clonesOf: (of?: Host) => Promise<string[]>;
  /** Moves a bundle to another directory by hand; where it is then. */
  readonly move: (name: string) => { readonly vmx: string; readonly directory: string };
  /** A parent, and a linked clone with something of its own on its disk. */
  readonly pair: () => Promise<{ readonly demo: WorldMachine; readonly copy: WorldMachine }>;
  /** How the verbs that would take the base from the clone end: `held` if none does. */
  readonly takings: (of?: Host) => Promise<string[]>;
}

export function linkedPair(world: () => World): LinkedPair {
  const host = () => world().host;
  const link = async (name: string, source = 'demo') =>
    await clone(host(), source, cloneBody({ name, kind: 'linked', wait: 'none' }), quiet);
  const dropBase = async (of = host()) => await deleteSnapshot(of, 'demo', base, { children: false }, quiet);
  return {
    host,
    link,
    dropBase,
    take: async (label) => await takeSnapshot(host(), 'demo', takeBody({ label }), quiet),
    clonesOf: async (of = host()) => (await listSnapshots(of, 'demo')).flatMap(({ clones }) => clones),
    move: (name) => {
      const target = join(world().home, 'elsewhere', `${name}.vmwarevm`);
      mkdirSync(join(target, '..'), { recursive: true });
      renameSync(machine(world().home, name).directory, target);
      return { vmx: join(target, `${name}.vmx`), directory: target };
    },
    pair: async () => {
      const demo = world().machine();
      await link('copy');
      const copy = machine(world().home, 'copy');
      writeDisk(copy.top(), 9, 9);
      return { demo, copy };
    },
    takings: async (of = host()) => {
      const codes: string[] = [];
      for (const use of [
        async () => await dropBase(of),
        async () => await remove(of, 'demo'),
        async () => await rename(of, 'demo', 'other'),
        async () => await unregister(of, 'demo'),
      ])
        codes.push((await refused(use())).code);
      return codes;
    },
  };
}
