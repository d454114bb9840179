import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cloneBody, revertBody, takeBody } from '../../../test/support/bodies.ts';
import { diskHas, writeDisk } from '../../../test/support/disk-content.ts';
import { usualGuest, type Program } from '../../../test/support/fake-engine/guest.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { atEachCommand, cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import { silentProgress, type Progress } from '../../core/progress.ts';
import { remove } from '../library/delete.ts';
import { pause } from '../power/pause.ts';
import { list, show } from '../running/describe.ts';
import { revertSnapshot } from '../snapshot/revert.ts';
import { deleteSnapshot, takeSnapshot } from '../snapshot/snapshots.ts';
import { clone } from './clone.ts';

const world = useWorld();
const drive = 'drive-nvme0-0';
type Body = Omit<Parameters<typeof cloneBody>[0], 'kind' | 'name'>;
const instant = async (name: string, body: Body = {}, progress: Progress = quiet) =>
  await clone(world().host, 'demo', cloneBody({ ...body, name, kind: 'instant' }), progress);
const names = async () => (await list(world().host)).map(({ name }) => name);

/** A machine that runs, with something on its disk and in its memory. */
async function running(): Promise<WorldMachine> {
  const demo = world().machine();
  const engine = await world().start('demo', { wait: 'agent' });
  engine.memory = 'a thought';
  return demo;
}

/** All of the source that a failed clone must leave as it was, and what clones leave. */
async function sourceOf(demo: WorldMachine): Promise<object> {
  const { pid, state, memory, snapshots, ram } = (await world().look(demo)) as Record<string, unknown>;
  const engine = world().engines.of('demo');
  const layers = demo.files().filter((name) => name.includes('qcow2')).length;
  const chain = engine.blocks.chainOf(drive).length;
  const bundles = readdirSync(world().host.names.machines);
  const operation = demo.files().includes('operation.json');
  return { pid, state, memory, snapshots, ram, layers, chain, bundles, operation };
}

describe('an instant clone', () => {
  it('continues from the source’s memory and disks, under a name of its own', async () => {
    const demo = await running();
    const { machines, stoppedMs, agentMs, notes } = await instant('copy');
    expect(machines).toMatchObject([{ name: 'copy', state: 'running', agent: true }]);
    expect([notes, agentMs.length]).toEqual([[], 1]);
    expect(stoppedMs).toBeGreaterThan(0);
    const copy = new WorldMachine(world().home, 'copy');
    const [source, engine] = [world().engines.of('demo'), world().engines.of('copy')];
    expect([source.state, engine.state, engine.memory]).toEqual(['running', 'running', 'a thought']);
    expect([engine.blocks.chainOf(drive).length, diskHas(copy.top(), 7)]).toEqual([2, true]);
    expect(source.blocks.chainOf(drive)[0]).toBe(demo.top());
    const [one, other] = [await show(world().host, 'demo'), await show(world().host, 'copy')];
    expect(other.id).not.toBe(one.id);
    expect(other.nics[0]?.mac).not.toBe(one.nics[0]?.mac);
    expect(copy.read('copy.vmx')).toContain('kame.hostname=copy');
    expect(copy.files()).not.toContain('operation.json');
    // Neither sees what the other writes from now on.
    writeDisk(demo.top(), 8);
    expect(diskHas(copy.top(), 8)).toBe(false);
  });

  it('gives its guest a new identity through the guest agent', async () => {
    const scripts: string[] = [];
    const sh: Program = (args, input) => {
      if (input !== '') scripts.push(input);
      return (usualGuest.programs['/bin/sh'] as Program)(args, input);
    };
    world().engines.guest = { ...usualGuest, programs: { '/bin/sh': sh } };
    await running();
    await instant('copy');
    expect(scripts).toHaveLength(1);
    expect(scripts[0]).toContain('copy');
    await instant('twin', { keepIdentity: true });
    expect(scripts).toHaveLength(1);
    expect((await show(world().host, 'twin')).id).toBe((await show(world().host, 'demo')).id);
  });

  it('has no address until its guest has one of its own', async () => {
    await running();
    // Before its new identity, just after it, and once DHCP is through.
    let mac = '00:0c:29:01:02:03';
    const addresses = ['10.0.2.15', '10.0.2.15', '10.0.2.15', '10.0.2.16'];
    const given: (string | null)[] = [];
    const answer = () => {
      const copy = world().running('copy');
      given.push(copy.ip);
      const ip = (mac === copy.record.networks[0]?.mac && addresses.shift()) || '10.0.2.15';
      const own = { 'ip-address': 'fd00::1', 'ip-address-type': 'ipv6', prefix: 64 };
      const entry = { 'ip-address': ip, 'ip-address-type': 'ipv4', prefix: 24 };
      const entries = given.length === 2 ? [own] : [own, entry];
      return { value: [{ name: 'eth0', 'hardware-address': mac, 'ip-addresses': entries }] };
    };
    const sh: Program = (args, input) => {
      mac = world().running('copy').record.networks[0]?.mac ?? mac;
      return (usualGuest.programs['/bin/sh'] as Program)(args, input);
    };
    const handlers = { 'guest-network-get-interfaces': answer };
    world().engines.guest = { ...usualGuest, programs: { '/bin/sh': sh }, handlers };
    const { machines } = await instant('copy', { wait: 'network' });
    expect(machines).toMatchObject([{ name: 'copy', ip: '10.0.2.16' }]);
    expect(given.every((ip) => ip === null)).toBe(true);
  });

  it('says what could not be changed', async () => {
    world().engines.guest = { ...usualGuest, programs: {} };
    await running();
    expect((await instant('copy')).notes.join()).toContain('copy');
  });

  it('without an agent keeps the names of its source, and says so', async () => {
    world().machine();
    world().engines.guest = { ...usualGuest, agent: 'none' };
    await world().start();
    const { notes, agentMs } = await instant('copy');
    expect([notes.length, agentMs]).toEqual([1, [null]]);
  });

  it('can be made three at a time, from one moment', async () => {
    await running();
    const reports: string[] = [];
    const progress: Progress = {
      signal: quiet.signal,
      report: ({ stage, done, total }) => void reports.push(`${stage} ${done}/${total}`),
    };
    const { machines } = await instant('c', { count: 3, wait: 'none' }, progress);
    expect(machines.map(({ name }) => name)).toEqual(['c-1', 'c-2', 'c-3']);
    expect(
      world()
        .engines.of('demo')
        .received.filter((name) => name === 'migrate'),
    ).toHaveLength(1);
    for (const { name } of machines) expect(world().engines.of(name).memory).toBe('a thought');
    expect(reports.filter((report) => report.endsWith(' 3/3'))).toHaveLength(2);
  });

  it('goes through the engine where no file holds the RAM of the source', async () => {
    world().forbidRamFiles();
    await running();
    expect((await refused(instant('copy'))).code).toBe('HOST_PROBLEM');
    expect(await names()).toEqual(['demo']);
  });

  it('can be cloned, snapshotted and deleted, and its source merges what is left', async () => {
    const demo = await running();
    await instant('copy');
    world().engines.of('copy').memory = 'another thought';
    await clone(world().host, 'copy', cloneBody({ name: 'third', kind: 'instant' }), quiet);
    expect(world().engines.of('third').memory).toBe('another thought');
    await takeSnapshot(world().host, 'copy', takeBody({ label: 'one' }), quiet);
    await revertSnapshot(world().host, 'copy', 'one', revertBody(), quiet);
    expect(world().engines.of('copy').memory).toBe('another thought');
    for (const name of ['copy', 'third']) {
      await world().engines.of(name).crash();
      await expect
        .poll(() =>
          world()
            .host.running.all()
            .map((machine) => machine.name),
        )
        .not.toContain(name);
      await remove(world().host, name);
    }
    await takeSnapshot(world().host, 'demo', takeBody({ label: 'all' }), quiet);
    await deleteSnapshot(world().host, 'demo', 'all', { children: false }, quiet);
    expect(world().engines.of('demo').blocks.chainOf(drive)).toEqual([demo.top()]);
    expect(diskHas(demo.top(), 7)).toBe(true);
  });
});

describe('an instant clone is refused', () => {
  it('of a machine that is not running, under a name that is taken or invalid, or of a snapshot', async () => {
    const demo = world().machine();
    expect(await refused(instant('copy'))).toMatchObject({
      code: 'WRONG_STATE',
      next: like(/kame start demo/),
    });
    expect((await refused(instant('demo'))).code).toBe('ALREADY_EXISTS');
    expect((await refused(instant('../copy'))).code).toBe('INVALID_NAME');
    await world().start();
    expect((await refused(instant('copy', { snapshot: 'one' }))).code).toBe('USAGE');
    expect(demo.files()).not.toContain('operation.json');
  });

  it('of a paused machine, or if one of the names is taken, before anything changes', async () => {
    world().machine('copy-2');
    const demo = await running();
    const before = await sourceOf(demo);
    expect(await refused(instant('copy', { count: 2 }))).toMatchObject({
      code: 'ALREADY_EXISTS',
      message: like(/copy-2/),
    });
    expect(await sourceOf(demo)).toEqual(before);
    await pause(world().host, 'demo', quiet);
    expect(await refused(instant('copy'))).toMatchObject({
      code: 'WRONG_STATE',
      message: like(/demo is not running/),
    });
    expect(await names()).toEqual(['copy-2', 'demo']);
  });

  it('while the source cannot be saved', async () => {
    world().engines.blockedReasons = ['blocked by 9p'];
    await running();
    expect((await refused(instant('copy'))).code).toBe('CHECKPOINT_BLOCKED');
    expect(await names()).toEqual(['demo']);
  });
});

describe('instant clones that fail leave nothing behind, and the source as it was', () => {
  it('at any command of the source', async () => {
    const demo = await running();
    const before = await sourceOf(demo);
    const seen = await atEachCommand(
      (except) =>
        world().engines.troubles.refuse('*', 'Not this time', {
          machine: 'demo',
          except: [...except, 'blockdev-del'],
        }),
      async (at) => await instant(`copy-${at}`),
      async ({ command, code }) => {
        world().engines.troubles.clear();
        const after = code === null ? before : await sourceOf(demo);
        expect({ command, ...after }).toEqual({ command, ...before });
      },
    );
    expect(seen).toEqual(expect.arrayContaining(['migrate', 'transaction', 'stop', 'cont']));
  });

  it.each([
    'qmp_capabilities',
    'blockdev-add',
    'blockdev-reopen',
    'migrate-incoming',
    'query-migrate',
    'cont',
  ])('when one of three clones dies at %s', async (command) => {
    const demo = await running();
    const before = await sourceOf(demo);
    world().engines.troubles.die(command, { machine: 'c-2' });
    await refused(instant('c', { count: 3 }));
    expect(await sourceOf(demo)).toEqual(before);
    expect(await names()).toEqual(['demo']);
    const { machines, operations } = world().host.names;
    expect([readdirSync(machines), readdirSync(operations)]).toEqual([['demo.vmwarevm'], []]);
  });

  it('when the guest of one clone does not answer', async () => {
    const demo = await running();
    const before = await sourceOf(demo);
    world().engines.guest = { ...usualGuest, agent: 'silent' };
    expect(await refused(instant('c', { count: 2, timeoutMs: 60 }))).toMatchObject({ code: 'GUEST_TIMEOUT' });
    expect(await sourceOf(demo)).toEqual(before);
  });

  it('when it is cancelled, at any stage reported before the end', async () => {
    const demo = await running();
    const before = await sourceOf(demo);
    const codes: (string | null)[] = [];
    await cancelAtEachStage(
      async (progress) => await instant('copy', {}, progress),
      async ({ stage, code }) => {
        codes.push(code);
        const after = code === null ? before : await sourceOf(demo);
        expect({ stage, ...after }).toEqual({ stage, ...before });
      },
    );
    expect(codes).toEqual([...codes.slice(0, -1).map(() => 'CANCELLED'), null]);
    expect(codes.length).toBeGreaterThan(3);
  });

  it('when they are cancelled while one is given its own identity', async () => {
    const demo = await running();
    const before = await sourceOf(demo);
    const cancel = new AbortController();
    const sh: Program = (args, input) => {
      cancel.abort();
      return (usualGuest.programs['/bin/sh'] as Program)(args, input);
    };
    world().engines.guest = { ...usualGuest, programs: { '/bin/sh': sh } };
    expect((await refused(instant('c', { count: 2 }, silentProgress(cancel.signal)))).code).toBe('CANCELLED');
    expect(await sourceOf(demo)).toEqual(before);
  });

  it('when the engine of the source dies', async () => {
    const demo = await running();
    world().engines.troubles.die('migrate', { machine: 'demo' });
    await refused(instant('copy'));
    await expect.poll(() => world().host.running.size).toBe(0);
    expect([await names(), diskHas(demo.top(), 7), existsSync(demo.file('operation.json'))]).toEqual([
      ['demo'],
      true,
      false,
    ]);
  });
});
