import { readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cloneBody, revertBody, takeBody } from '../../../test/support/bodies.ts';
import { diskHas, shownOn, writeDisk } from '../../../test/support/disk-content.ts';
import { refused } from '../../../test/support/refused.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import type { WorldMachine } from '../../../test/support/world-machine.ts';
import { clone } from '../clone/clone.ts';
import { pause } from '../power/pause.ts';
import { suspend } from '../power/suspend.ts';
import { list, show } from '../running/describe.ts';
import { revertSnapshot } from '../snapshot/revert.ts';
import { deleteSnapshot, listSnapshots, showSnapshot, takeSnapshot } from '../snapshot/snapshots.ts';
import { adoptAll } from './adopt.ts';

const world = useWorld();
const take = async (body: Parameters<typeof takeBody>[0]) =>
  await takeSnapshot(world().host, 'demo', takeBody(body), quiet);
const state = async () => (await show(world().host, 'demo')).state;

/** Whether the engine dies together with the daemon, as when all of a session is killed. */
const fates = ['the engine lives', 'the engine dies too'] as const;

/** The next daemon takes over. */
async function recover(fate: (typeof fates)[number]): Promise<void> {
  if (fate === 'the engine dies too') {
    for (const engine of world().engines.all) if (engine.alive) await engine.crash();
  }
  await adoptAll(world().host);
}

/** A machine that runs, with something on its disk and in its memory. */
async function running(): Promise<WorldMachine> {
  const demo = world().machine();
  const engine = await world().start('demo', { wait: 'agent' });
  engine.memory = 'a thought';
  return demo;
}

/** What the guest of the machine remembers once it runs; empty when it does not. */
async function recall(): Promise<string> {
  if ((await state()) === 'suspended') await world().start();
  return (await state()) === 'running' ? world().engines.of('demo').memory : '';
}

/** What every machine is like once it is settled. */
async function expectInOrder(demo: WorldMachine): Promise<void> {
  expect(demo.files()).not.toContain('operation.json');
  expect(diskHas(demo.top(), 7)).toBe(true);
  const engines = world().host.running.all();
  expect(readdirSync(world().host.names.ram)).toHaveLength(engines.length);
  for (const { label } of await listSnapshots(world().host, 'demo')) {
    expect((await showSnapshot(world().host, 'demo', label)).problems).toEqual([]);
  }
  if (!world().host.running.get(demo.vmx)) return;
  expect(world().engines.of('demo').blocks.chainOf('drive-nvme0-0')[0]).toBe(demo.top());
}

describe.each(fates)('after a kill of the daemon; %s', (fate) => {
  const left = fate === 'the engine lives' ? 'running' : 'stopped';

  it.each(['blockdev-add', 'migrate', 'query-migrate', 'stop', 'transaction', 'cont'])(
    'in a snapshot, at %s',
    async (command) => {
      const demo = await running();
      await world().killDaemonAt(command, async () => await take({ label: 'one' }));
      await recover(fate);
      await expectInOrder(demo);
      expect(await state()).toBe(left);
      expect(await listSnapshots(world().host, 'demo')).toEqual([]);
    },
  );

  it.each(['blockdev-add', 'transaction', 'cont'])(
    'in a snapshot of frozen disks, at %s',
    async (command) => {
      const demo = await running();
      const body = { label: 'one', diskOnly: true, quiesce: true };
      await world().killDaemonAt(command, async () => await take(body));
      await recover(fate);
      await expectInOrder(demo);
      expect(await state()).toBe(left);
      const engine = world().engines.of('demo');
      await expect.poll(() => engine.alive && engine.guest.frozen).toBe(false);
    },
  );

  it.each([
    ['migrate', left],
    ['query-migrate', left],
    ['quit', 'suspended'],
  ])('in a suspend, at %s', async (command, expected) => {
    const demo = await running();
    await world().killDaemonAt(command, async () => await suspend(world().host, 'demo', quiet));
    await recover(fate);
    await expectInOrder(demo);
    expect(await state()).toBe(expected);
    expect(await recall()).toBe(expected === 'stopped' ? '' : 'a thought');
  });

  it.each([
    ['migrate-incoming', 'suspended'],
    ['query-migrate', 'suspended'],
    ['cont', left],
  ])('in a resume, at %s', async (command, expected) => {
    const demo = await running();
    await suspend(world().host, 'demo', quiet);
    await world().killDaemonAt(command, async () => await world().start());
    await recover(fate);
    await expectInOrder(demo);
    expect(await state()).toBe(expected);
    expect(await recall()).toBe(expected === 'stopped' ? '' : 'a thought');
  });

  it.each([
    ['quit', left],
    ['migrate-incoming', 'suspended'],
    ['cont', left],
  ])('in a revert, at %s', async (command, expected) => {
    const demo = await running();
    await take({ label: 'then' });
    world().engines.of('demo').memory = 'another thought';
    await world().killDaemonAt(command, async () => {
      await revertSnapshot(world().host, 'demo', 'then', revertBody(), quiet);
    });
    await recover(fate);
    await expectInOrder(demo);
    expect(await state()).toBe(expected);
    // Before its engine was to end, nothing of the machine had changed.
    const remembered = command === 'quit' ? 'another thought' : 'a thought';
    expect(await recall()).toBe(expected === 'stopped' ? '' : remembered);
  });

  it.each(['query-jobs', 'block-commit', 'job-complete', 'job-finalize', 'blockdev-del', 'cont'])(
    'in a deletion, at %s',
    async (command) => {
      const demo = await running();
      await take({ label: 'a', diskOnly: true });
      writeDisk(demo.top(), 2, 2);
      await world().killDaemonAt(command, async () => {
        await deleteSnapshot(world().host, 'demo', 'a', { children: false }, quiet);
      });
      await recover(fate);
      await expectInOrder(demo);
      expect([await listSnapshots(world().host, 'demo'), await state()]).toEqual([[], left]);
      expect(demo.files().filter((name) => name.includes('qcow2'))).toHaveLength(1);
      expect(shownOn(demo.top(), [2])).toEqual([2]);
    },
  );

  it.each([
    ['demo', 'migrate'],
    ['demo', 'transaction'],
    ['demo', 'cont'],
    ['copy', 'blockdev-add'],
    ['copy', 'migrate-incoming'],
    ['copy', 'cont'],
  ])('in an instant clone, at the command of %s: %s', async (machine, command) => {
    const demo = await running();
    const copy = () => world().engines.all.find(({ name }) => name === 'copy');
    await world().killDaemonAt(
      command,
      async () => await clone(world().host, 'demo', cloneBody({ name: 'copy', kind: 'instant' }), quiet),
      { machine },
      async () => {
        const [greeted, recorded] = ['qmp_capabilities', () => !demo.files().includes('operation.json')];
        await until(() => (machine === 'demo' ? copy()?.received.includes(greeted) === true : recorded()));
      },
    );
    await recover(fate);
    await expectInOrder(demo);
    // The clone was not handed over yet.
    expect((await list(world().host)).map(({ name, state }) => [name, state])).toEqual([['demo', left]]);
  });
});

describe('an operation that was begun', () => {
  it('on a paused machine leaves it paused', async () => {
    const demo = await running();
    await pause(world().host, 'demo', quiet);
    await world().killDaemonAt('transaction', async () => await take({ label: 'one' }));
    await adoptAll(world().host);
    await expectInOrder(demo);
    expect([await state(), world().engines.of('demo').state]).toEqual(['paused', 'postmigrate']);
  });

  it('whose record is malformed keeps the machine from being changed', async () => {
    const demo = world().machine();
    writeFileSync(demo.file('operation.json'), '{"kind":"magic"}');
    expect((await refused(take({ label: 'one' }))).code).toBe('BROKEN_MACHINE');
    expect((await refused(world().start())).code).toBe('BROKEN_MACHINE');
    await adoptAll(world().host);
    expect(world().logged.join()).toContain('operation.json');
  });
});
