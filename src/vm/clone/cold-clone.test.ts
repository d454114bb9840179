import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cloneBody, takeBody } from '../../../test/support/bodies.ts';
import { diskHas, writeDisk } from '../../../test/support/disk-content.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import { silentProgress } from '../../core/progress.ts';
import type { Host } from '../host/host.ts';
import { remove } from '../library/delete.ts';
import { unregister } from '../library/register.ts';
import { rename } from '../library/rename.ts';
import { start } from '../power/start.ts';
import { suspend } from '../power/suspend.ts';
import { list, show } from '../running/describe.ts';
import { listSnapshots, takeSnapshot } from '../snapshot/snapshots.ts';
import { clone } from './clone.ts';

const world = useWorld();
type Body = Parameters<typeof cloneBody>[0];
const make = async (body: Body, progress = quiet, source = 'demo') =>
  await clone(world().host, source, cloneBody({ wait: 'none', ...body }), progress);
const take = async (label: string) => await takeSnapshot(world().host, 'demo', takeBody({ label }), quiet);
const copyOf = (name: string) => new WorldMachine(world().home, name);

describe('a full clone', () => {
  it('has its own disk and its own identity, and the small files', async () => {
    const demo = world().machine();
    writeFileSync(demo.file('demo.nvram'), 'variables');
    const { machines, stoppedMs, agentMs } = await make({ name: 'copy', kind: 'full' });
    expect([machines[0]?.state, stoppedMs, agentMs]).toEqual(['stopped', null, [null]]);
    rmSync(demo.directory, { recursive: true });
    const copy = copyOf('copy');
    expect(copy.files()).toEqual(['copy.nvram', 'copy.vmx', 'disk0.qcow2', 'initrd', 'kernel']);
    expect(diskHas(copy.top(), 7)).toBe(true);
    expect(world().events.at(-1)).toMatchObject({ type: 'machine.created', machine: 'copy' });
  });

  it('of a snapshot has what was then', async () => {
    const demo = world().machine();
    await take('then');
    writeDisk(demo.top(), 8);
    await make({ name: 'copy', kind: 'full', snapshot: 'then' });
    expect(diskHas(copyOf('copy').top(), 7)).toBe(true);
  });

  it('can keep the identity, be several, and start at once', async () => {
    world().machine();
    await make({ name: 'twin', kind: 'full', keepIdentity: true });
    expect((await show(world().host, 'twin')).id).toBe((await show(world().host, 'demo')).id);
    const { machines } = await make({ name: 'c', kind: 'full', count: 2, start: true, wait: 'agent' });
    expect(machines.map(({ name, state }) => [name, state])).toEqual([
      ['c-1', 'running'],
      ['c-2', 'running'],
    ]);
  });

  it('can be elsewhere, with disks that programs of VMware look for', async () => {
    world().machine();
    const vmx = join(world().home, 'out', 'packer', 'image.vmx');
    const { machines } = await make({ name: 'image', kind: 'full', path: vmx });
    expect(machines).toMatchObject([{ name: 'image', path: vmx, state: 'stopped' }]);
    expect(readdirSync(dirname(vmx)).sort()).toEqual(['disk0.vmdk', 'image.vmx', 'initrd', 'kernel']);
    expect(diskHas(join(dirname(vmx), 'disk0.vmdk'), 7)).toBe(true);
    await make(
      { name: 'linked', kind: 'linked', path: join(world().home, 'out', 'linked', 'l.vmx') },
      quiet,
      vmx,
    );
    await start(world().host, 'linked', { wait: 'none', timeoutMs: 1, discardState: false }, quiet);
    const error = await refused(make({ name: 'again', kind: 'full', path: vmx }));
    expect([error.code, error.message]).toEqual(['ALREADY_EXISTS', like(/out\/packer is not empty/)]);
    for (const body of [{ kind: 'instant' }, { count: 2 }, { path: 'relative.vmx' }] as const)
      expect((await refused(make({ name: 'no', kind: 'full', path: '/tmp/x/x.vmx', ...body }))).code).toBe(
        'USAGE',
      );
  });

  it('leaves nothing behind when it is cancelled', async () => {
    world().machine();
    const before = await list(world().host);
    const cut = silentProgress(AbortSignal.abort());
    expect((await refused(make({ name: 'copy', kind: 'full' }, cut))).code).toBe('CANCELLED');
    await cancelAtEachStage(
      async (progress) => await make({ name: 'copy', kind: 'full' }, progress),
      async ({ code }) => {
        expect(existsSync(copyOf('copy').directory)).toBe(code === null);
        if (code === null) await remove(world().host, 'copy');
        expect(await list(world().host)).toEqual(before);
      },
    );
  });
});

async function renameIt(host: Host, name: string): Promise<void> {
  await rename(host, name, 'other');
}

describe('a linked clone', () => {
  it('builds on a snapshot that is taken for it, and that stays while it is there', async () => {
    const demo = world().machine();
    await make({ name: 'copy', kind: 'linked' });
    expect(diskHas(copyOf('copy').top(), 7)).toBe(true);
    expect(await listSnapshots(world().host, 'demo')).toMatchObject([
      { label: 'Base of clones 1', clones: [copyOf('copy').vmx] },
    ]);
    // The next one builds on the same, as long as nothing was written.
    await make({ name: 'other', kind: 'linked' });
    expect(await listSnapshots(world().host, 'demo')).toHaveLength(1);
    writeDisk(demo.top(), 8);
    await make({ name: 'third', kind: 'linked' });
    expect((await listSnapshots(world().host, 'demo')).map(({ label }) => label)).toEqual([
      'Base of clones 1',
      'Base of clones 2',
    ]);
    expect(await world().start('copy')).toMatchObject({ state: 'running' });
  });

  it('of a clone builds on both', async () => {
    const demo = world().machine();
    await make({ name: 'copy', kind: 'linked' });
    await make({ name: 'third', kind: 'linked' }, quiet, 'copy');
    expect(diskHas(copyOf('third').top(), 7)).toBe(true);
    const engine = await world().start('third');
    expect(engine.blocks.chainOf('drive-nvme0-0').at(-1)).toBe(demo.file('disk0.qcow2'));
    const [base] = await listSnapshots(world().host, 'demo');
    expect(base?.clones).toEqual([copyOf('copy').vmx, copyOf('third').vmx]);
  });

  it.each([
    ['deleted', remove],
    ['renamed', renameIt],
    ['taken off the list', unregister],
  ] as const)('keeps its parent from being %s', async (_verb, use) => {
    world().machine();
    const work = async (): Promise<unknown> => await use(world().host, 'demo');
    await make({ name: 'copy', kind: 'linked' });
    expect(await refused(work())).toMatchObject({ code: 'HAS_CLONES', message: like(/copy/) });
    await remove(world().host, 'copy');
    await work();
  });
});

describe('a clone is refused', () => {
  it('of a machine that runs, unless of a snapshot', async () => {
    world().machine();
    await take('then');
    await world().start();
    expect(await refused(make({ name: 'copy', kind: 'full' }))).toMatchObject({
      code: 'WRONG_STATE',
      next: like(/--instant/),
    });
    expect((await refused(make({ name: 'copy', kind: 'linked' }))).code).toBe('WRONG_STATE');
    expect((await refused(make({ name: 'copy', kind: 'full', snapshot: 'never' }))).code).toBe(
      'NO_SUCH_SNAPSHOT',
    );
    await make({ name: 'copy', kind: 'linked', snapshot: 'then' });
    expect((await show(world().host, 'copy')).state).toBe('stopped');
  });

  it('of independent disks of a snapshot', async () => {
    world().machine('demo', ['nvme0:0.mode = "independent-persistent"']);
    expect(await refused(make({ name: 'copy', kind: 'full' }))).toMatchObject({ code: 'INVALID_VALUE' });
    expect(existsSync(copyOf('copy').directory)).toBe(false);
  });

  it('whose disk is damaged', async () => {
    const demo = world().machine();
    writeFileSync(demo.file('disk0.qcow2'), 'no disk');
    expect((await refused(make({ name: 'copy', kind: 'full' }))).code).toBe('BAD_IMAGE');
  });
});

it('a clone of a suspended machine starts from its disks, which is said', async () => {
  const demo = world().machine();
  await world().start();
  await suspend(world().host, 'demo', quiet);
  const { notes } = await make({ name: 'copy', kind: 'full' });
  expect([notes.length, (await show(world().host, 'copy')).state]).toEqual([1, 'stopped']);
  expect(existsSync(join(demo.directory, 'checkpoints'))).toBe(true);
});
