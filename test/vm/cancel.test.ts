import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { TaskOptions } from '../../src/client/core/options.ts';
import { KameError } from '../../src/core/errors.ts';
import { homeNames } from '../../src/store/names.ts';
import type { Guest } from '../support/guest.ts';
import { guestTest, settled } from '../support/guest-test.ts';

const it = guestTest({
  name: 'with-a-snapshot',
  create: ['--memory', '192MiB'],
  prepare: async (demo) => {
    await settled(demo);
    await demo.take('first');
    await demo.sh('echo kept >/root/disk; sync');
  },
});

/** What an operation that was cancelled may not have changed, nor left behind. */
async function traces(demo: Guest): Promise<Record<string, unknown>> {
  const { home } = demo;
  const { state, pid } = await demo.details();
  const checkpoints = await readdir(demo.file('checkpoints'));
  const vmx = await readFile(demo.file('demo.vmx'), 'utf8');
  // A layer that was added may be merged into the one below or the other way round, whichever has less in it (ADR 0026).
  const active = /"(disk0-\d{6}\.qcow2)"/.exec(vmx)?.[1] ?? '';
  const files = (await readdir(demo.directory)).filter((name) => !name.endsWith('.log'));
  return {
    state,
    pid,
    files: files.map((name) => (name === active ? 'the active layer' : name)).toSorted(),
    vmx: vmx.replace(active, 'the active layer'),
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
async function cancelAtEach(demo: Guest, work: (options: TaskOptions) => Promise<unknown>): Promise<number> {
  const before = await traces(demo);
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
    if (error === undefined) return cancelled;
    expect(error).toBeInstanceOf(KameError);
    expect(error).toMatchObject({
      code: 'CANCELLED',
      message: expect.stringContaining('of demo was cancelled'),
    });
    expect({ cancelled, ...(await traces(demo)) }).toEqual({ cancelled, ...before });
  }
  return most;
}

describe('an operation that is cancelled leaves all as it was:', () => {
  it('take', async ({ demo }) => {
    const client = demo.home.client();
    const take = async (options: TaskOptions) =>
      await client.snapshots.take('demo', { label: 'second' }, options);
    expect(await cancelAtEach(demo, take)).toBeGreaterThan(0);
  });

  it('suspend', async ({ demo }) => {
    const suspend = async (options: TaskOptions) =>
      await demo.home.client().machines.suspend('demo', options);
    expect(await cancelAtEach(demo, suspend)).toBeGreaterThan(0);
  });

  it('instant clones', async ({ demo }) => {
    const clone = async (options: TaskOptions) =>
      await demo.home.client().machines.clone('demo', { name: 'copy', kind: 'instant', count: 2 }, options);
    expect(await cancelAtEach(demo, clone)).toBeGreaterThan(0);
  });
});
