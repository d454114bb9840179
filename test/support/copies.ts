import { lstatSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { pack } from '../../src/archive/pack.ts';
import { deferred } from '../../src/core/deferred.ts';
import { putFiles, type PutOptions } from '../../src/vm/copy/put.ts';
import { digestOf } from './digest.ts';
import type { FakeHandler } from './fake-agent.ts';
import type { FakeEngine } from './fake-engine/engine.ts';
import { usualGuest } from './fake-engine/guest.ts';
import { ShellGuest } from './shell-guest.ts';
import { useTemporaryDirectory } from './temporary-directory.ts';
import { quiet, useWorld } from './world.ts';

export function archiveOf(...paths: string[]): AsyncGenerator<Buffer> {
  const sources = paths.map((path) => ({ path, name: path.split('/').at(-1) ?? '' }));
  return pack(sources, { owner: false, signal: new AbortController().signal });
}

/** What is at a path, and below it. */
export function look(path: string): Record<string, unknown> {
  const stats = lstatSync(path);
  const common = { mode: stats.mode, time: Math.floor(stats.mtimeMs / 1000) };
  if (stats.isDirectory())
    return {
      ...common,
      in: Object.fromEntries(readdirSync(path).map((name) => [name, look(join(path, name))])),
    };
  return stats.isFile() ? { ...common, content: digestOf(path) } : { mode: stats.mode };
}

/** What there is in /tmp of the guest in the end: nobody waits for the removal of what the agent's exec kept there. */
export async function expectInTmp({ root }: ShellGuest, names: readonly string[]): Promise<void> {
  await expect.poll(() => readdirSync(join(root, 'tmp')), { timeout: 10_000 }).toEqual(names);
}

export interface AgentChanges {
  /** Commands that the agent says it does not have. */
  readonly without?: readonly string[];
  readonly handlers?: Readonly<Record<string, FakeHandler>>;
}

/** Copies into and out of the guest of a machine `demo`, whose programs are of this host. */
export function useCopies() {
  const world = useWorld();
  const directory = useTemporaryDirectory();
  return {
    world,
    directory,

    /** Starts the machine. @param lines more of its `.vmx` @param changes of the agent of its guest */
    startGuest: async (
      lines: readonly string[] = [],
      { without = [], handlers = {} }: AgentChanges = {},
    ): Promise<{ guest: ShellGuest; engine: FakeEngine }> => {
      const guest = new ShellGuest(directory(), without);
      world().engines.guest = { ...usualGuest, handlers: { ...guest.handlers, ...handlers } };
      world().machine('demo', lines);
      const engine = await world().start();
      engine.transfer.guest = guest;
      return { guest, engine };
    },

    /** Small files, a large one, one that is mostly a hole, links, and a directory that is written after what is in it. */
    makeTree: (): string => {
      const root = join(directory(), 'tree');
      mkdirSync(join(root, 'sub dir'), { recursive: true });
      writeFileSync(join(root, 'small'), 'hello\n', { mode: 0o640 });
      writeFileSync(join(root, 'sub dir', ' odd "name" |'), 'x');
      writeFileSync(join(root, 'large'), Buffer.alloc(3_000_001, 'kame'));
      writeFileSync(join(root, 'hole'), 'begin');
      truncateSync(join(root, 'hole'), 20_000_000);
      symlinkSync('small', join(root, 'link'));
      return root;
    },

    /** An archive of a file that stops coming when several disks are full, until it is let go. */
    stalledArchive: (): { source: string; archive: AsyncGenerator<Buffer>; letGo: () => void } => {
      const stalled = deferred();
      const source = join(directory(), 'big');
      writeFileSync(source, Buffer.alloc(40 * 1024 * 1024, 1));
      async function* parts(): AsyncGenerator<Buffer> {
        let bytes = 0;
        for await (const part of archiveOf(source)) {
          yield part;
          bytes += part.length;
          if (bytes > 30_000_000) await stalled.promise;
        }
      }
      return { source, archive: parts(), letGo: stalled.resolve };
    },

    put: async (
      path: string,
      archive: AsyncIterable<Uint8Array>,
      options: Partial<PutOptions> = {},
      isDirectory = false,
    ) =>
      await putFiles(
        world().host,
        'demo',
        { path, directory: isDirectory },
        { ...quiet, archive, onRead: () => undefined, ...options },
      ),

    /** Nothing of a copy is left in an engine, or in its directory. */
    expectClean: ({ transfer }: FakeEngine): void => {
      expect([...transfer.devices.keys(), ...transfer.nodes.keys(), ...transfer.chardevs]).toEqual([]);
      const run = world().running().run.directory;
      expect(readdirSync(run).filter((name) => /^cp|^copy/.test(name))).toEqual([]);
    },
  };
}
