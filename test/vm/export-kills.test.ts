import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { FileEvents } from '../faults/moment.ts';
import { engineTest as it } from '../support/engine-test.ts';
import { qemuImg } from '../support/qemu-img.ts';
import type { TestHome } from '../support/home.ts';

/** All files below a directory, each with its hash. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(
    files.sort().map(async (path) => {
      return `${path} ${createHash('sha256')
        .update(await readFile(path))
        .digest('hex')}`;
    }),
  );
}

/** Kills the daemon when a command has made that many changes to files. @returns the exit code, or undefined if it ended before */
async function killedAt(
  home: TestHome,
  args: readonly string[],
  events: number,
): Promise<number | undefined> {
  await home.json('daemon', 'start');
  const pid = await home.daemonPid();
  let struck = false;
  const places = [join(home.path, 'machines'), join(home.path, 'out')];
  using _watch = new FileEvents(places, (count) => {
    if (struck || count < events || pid === undefined) return;
    struck = true;
    process.kill(pid, 'SIGKILL');
  });
  const code = (await home.begin(args).ended) ?? -1;
  return struck ? code : undefined;
}

/**
 * Runs a command again and again, killed at each change of files, until it ends before that.
 * @param check what must hold after the next start of the daemon
 */
async function sweep(home: TestHome, args: (at: number) => readonly string[], check: () => Promise<void>) {
  for (let at = 1; ; at += 1) {
    const code = await killedAt(home, args(at), at);
    if (code === undefined) return at;
    await home.json('daemon', 'start');
    await check();
  }
}

const unfinished = /^\..+\.(?:creating|placing|deleting|tmp)$/;

describe('killed at each of its changes to files,', () => {
  it('an import leaves a whole machine or nothing, and the original as it was', async ({ home, demo }) => {
    const old = join(home.path, 'old');
    await mkdir(old);
    await mkdir(join(home.path, 'out'));
    await home.json('export', demo.name, join(old, 'web.ova'));
    await home.json('export', demo.name, join(old, 'web.vmwarevm'));
    qemuImg('convert', '-f', 'qcow2', '-O', 'vhdx', await demo.top(), join(old, 'web.vhdx'));
    const before = await filesIn(old);
    for (const kind of ['ova', 'vmwarevm', 'vhdx']) {
      const kills = await sweep(
        home,
        (at) => ['import', join(old, `web.${kind}`), `${kind}${at}`],
        async () => {
          const names = await readdir(join(home.path, 'machines'));
          expect(names.filter((name) => unfinished.test(name))).toEqual([]);
          const machines = await home.json<{ state: string }[]>('list');
          expect(machines.filter(({ state }) => state !== 'stopped')).toEqual([]);
        },
      );
      expect({ kind, kills: kills > 3 }).toEqual({ kind, kills: true });
    }
    expect(await filesIn(old)).toEqual(before);
  });

  it('an export leaves all of its files or none, and what was there', async ({ home, demo }) => {
    const out = join(home.path, 'out');
    await mkdir(out);
    await writeFile(join(out, 'mine'), 'mine');
    const source = await filesIn(demo.directory);
    for (const kind of ['ova', 'ovf', 'vmwarevm']) {
      const kills = await sweep(
        home,
        (at) => ['export', demo.name, join(out, `${kind}${at}.${kind}`)],
        async () => {
          const names = await readdir(out);
          expect(names).toContain('mine');
          expect(names.filter((name) => unfinished.test(name))).toEqual([]);
          for (const name of names.filter((name) => name.endsWith('.vmdk')))
            expect(names).toContain(name.replace(/-disk\d+\.vmdk$/, '.ovf'));
        },
      );
      expect({ kind, kills: kills > 3 }).toEqual({ kind, kills: true });
    }
    expect(await filesIn(demo.directory)).toEqual(source);
  });
});
