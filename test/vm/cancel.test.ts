import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { TaskOptions } from '../../src/client/core/options.ts';
import { KameError } from '../../src/core/errors.ts';
import { homeNames } from '../../src/store/names.ts';
import { Guest } from '../support/checkpoints.ts';
import { useHome, type TestHome } from '../support/home.ts';

// One guest for the whole file, with a snapshot; each test leaves it running.
let home: TestHome;
let demo: Guest;

beforeAll(async () => {
  home = await useHome();
  demo = new Guest(home, 'demo');
  await home.json('create', 'demo', '--memory', '192MiB');
  await demo.start();
  await demo.take('first');
  await demo.sh('echo kept >/root/disk; sync');
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

/** What an operation that was cancelled may not have changed, nor left behind. */
async function traces(): Promise<unknown> {
  const { state, pid } = await demo.details();
  const checkpoints = await readdir(demo.file('checkpoints'));
  return {
    state,
    pid,
    files: (await readdir(demo.directory)).filter((name) => !name.endsWith('.log')).toSorted(),
    vmx: await readFile(demo.file('demo.vmx'), 'utf8'),
    vmsd: await readFile(demo.file('demo.vmsd'), 'utf8'),
    checkpoints: await Promise.all(
      checkpoints.map(async (id) => [id, (await readdir(demo.file('checkpoints', id))).toSorted()]),
    ),
    machines: (await readdir(join(home.path, 'machines'))).toSorted(),
    engines: await home.engines(),
    ram: await readdir(homeNames(home.path).ram),
    seen: await demo.sh('cat /root/disk'),
  };
}

/** Times that one operation is cancelled: copying memory reports often. */
const most = 6;

/**
 * Cancels an operation at its first report, then at its second, and so on until it ends first. When its answer comes, all
 * is as before, or done. Returns how often it was cancelled.
 */
async function cancelAtEach(
  work: (options: TaskOptions) => Promise<unknown>,
  undo: () => Promise<unknown>,
): Promise<number> {
  const before = await traces();
  for (let cancelled = 0; cancelled < most; cancelled += 1) {
    const stop = new AbortController();
    let reports = 0;
    const onProgress = () => {
      reports += 1;
      if (reports > cancelled) stop.abort();
    };
    const error = await work({ signal: stop.signal, onProgress }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error === undefined) {
      await undo();
      return cancelled;
    }
    expect(error).toBeInstanceOf(KameError);
    expect(error).toMatchObject({
      code: 'CANCELLED',
      message: expect.stringContaining('of demo was cancelled'),
    });
    expect({ cancelled, ...((await traces()) as object) }).toEqual({ cancelled, ...(before as object) });
  }
  return most;
}

describe('an operation that is cancelled', () => {
  const kinds: readonly (readonly [
    string,
    (options: TaskOptions) => Promise<unknown>,
    () => Promise<unknown>,
  ])[] = [
    [
      'take',
      async (options) => await home.client().snapshots.take('demo', { label: 'second' }, options),
      async () => await home.json('snapshot', 'delete', 'demo', 'second'),
    ],
    [
      'suspend',
      async (options) => await home.client().machines.suspend('demo', options),
      async () => await demo.start(),
    ],
    [
      'instant clones',
      async (options) =>
        await home.client().machines.clone('demo', { name: 'copy', kind: 'instant', count: 2 }, options),
      async () => {
        for (const name of ['copy-1', 'copy-2']) {
          await home.json('stop', name, '--hard');
          await home.json('delete', name, '--yes');
        }
      },
    ],
  ];
  for (const [name, work, undo] of kinds) {
    it(`leaves all as it was: ${name}`, async () => {
      onTestFailed(async () => await home.postMortem(`cancel ${name}`));
      expect(await cancelAtEach(work, undo)).toBeGreaterThan(0);
    });
  }
});
