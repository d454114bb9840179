import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { takeBody } from '../../../test/support/bodies.ts';
import { diskHas } from '../../../test/support/disk-content.ts';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { memoryIn } from '../../../test/support/fake-engine/migration.ts';
import { leaveRoom } from '../../../test/support/ram-room.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { atEachCommand, cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import type { WorldMachine } from '../../../test/support/world-machine.ts';
import type { Progress } from '../../core/progress.ts';
import { waitingRam } from '../../store/ram-place.ts';
import { fileError } from '../../sys/files.ts';
import { RamCopy } from '../memory/ram-copy.ts';
import { pause } from '../power/pause.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { editSnapshot, listSnapshots, showSnapshot, takeSnapshot } from './snapshots.ts';

const world = useWorld();
const take = async (body: Parameters<typeof takeBody>[0] = {}, progress: Progress = quiet) =>
  await takeSnapshot(world().host, 'demo', takeBody(body), progress);

/** A machine that runs, with something on its disk and in its memory. */
async function running(more: readonly string[] = []): Promise<WorldMachine> {
  const demo = world().machine('demo', more);
  const engine = await world().start('demo', { wait: 'agent' });
  engine.memory = 'what it had in mind';
  return demo;
}

describe('a snapshot of a running machine', () => {
  it('has its layers changed before the guest goes on, though both commands are sent at once', async () => {
    await running();
    const engine = world().engines.of('demo');
    const states: string[] = [];
    world().engines.troubles.before('transaction', () => void states.push(engine.state));
    await take({ label: 'first' });
    const { received } = engine;
    expect([states, engine.state]).toEqual([['postmigrate'], 'running']);
    expect(received.lastIndexOf('transaction')).toBeLessThan(received.lastIndexOf('cont'));
  });

  it('writes its memory directly to the disk if the memory file system has no room for a copy', async () => {
    const demo = await running();
    leaveRoom(world().host.names.ram, -4 * 1024 ** 3);
    const ram = readdirSync(world().host.names.ram);
    let during: readonly string[] = [];
    world().engines.troubles.before('transaction', () => {
      during = readdirSync(world().host.names.ram);
    });
    const { notes, state } = await take({ label: 'first' });
    expect([state, world().engines.of('demo').state, during]).toEqual(['running', 'running', ram]);
    expect(notes).toEqual([
      like(/straight to the disk.* has room for \d+ more bytes .* \d+ bytes .* needed/),
    ]);
    expect(memoryIn(demo.file('checkpoints/1/ram'))).toBe('what it had in mind');
    expect((await showSnapshot(world().host, 'demo', 'first')).problems).toEqual([]);
    expect(demo.files().filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('writes its memory directly to the disk if others fill the memory file system meanwhile', async () => {
    const demo = await running();
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const path = waitingRam(world().host.names, world().running().run);
    using copy = vi.spyOn(RamCopy.prototype, 'prefill').mockRejectedValue(fileError(full, path));
    const { notes, state } = await take({ label: 'first' });
    expect([copy.mock.calls.length, state, world().engines.of('demo').state]).toEqual([
      1,
      'running',
      'running',
    ]);
    expect(notes).toEqual([like(/straight to the disk.* became full while it was copied there/)]);
    expect(memoryIn(demo.file('checkpoints/1/ram'))).toBe('what it had in mind');
    expect((await showSnapshot(world().host, 'demo', 'first')).problems).toEqual([]);
    expect(demo.files().filter((name) => /\.part$|operation/.test(name))).toEqual([]);
  });

  it.each(['stop', 'migrate', 'query-migrate', 'transaction', 'cont'])(
    'whose daemon is killed at %s while its memory goes straight to the disk is whole, or none',
    async (command) => {
      const demo = await running();
      leaveRoom(world().host.names.ram, -4 * 1024 ** 3);
      await world().killDaemonAt(command, async () => await take({ label: 'cut' }));
      await adoptAll(world().host);
      for (const { label } of await listSnapshots(world().host, 'demo'))
        expect((await showSnapshot(world().host, 'demo', label)).problems).toEqual([]);
      expect(demo.files().filter((name) => /\.part$|operation/.test(name))).toEqual([]);
      expect(world().engines.of('demo').state).toBe('running');
      expect(diskHas(demo.top(), 7)).toBe(true);
    },
  );

  it('has its memory and its disks, and the machine keeps running on a new layer', async () => {
    const demo = await running();
    const engine = world().engines.of('demo');
    const taken = await take({ label: 'first', description: 'of many' });
    expect(taken).toMatchObject({ label: 'first', memory: true, state: 'running', current: true, uid: 1 });
    expect(taken.stoppedMs).toBeGreaterThan(0);
    expect(engine.state).toBe('running');
    expect(engine.blocks.chainOf('drive-nvme0-0')).toEqual([
      demo.file('disk0-000001.qcow2'),
      demo.file('disk0.qcow2'),
    ]);
    expect(demo.read('demo.vmx')).toContain('disk0-000001.qcow2');
    expect(memoryIn(demo.file('checkpoints/1/ram'))).toBe('what it had in mind');
    expect(diskHas(demo.file('disk0-000001.qcow2'), 7)).toBe(true);
    expect(demo.files()).not.toContain('operation.json');
    expect(await showSnapshot(world().host, 'demo', 'first')).toMatchObject({
      description: 'of many',
      engine: { version: '7.2.22', accelerator: 'tcg' },
      problems: [],
    });
  });

  it('has only the disks on request', async () => {
    const demo = await running();
    expect(await take({ diskOnly: true })).toMatchObject({
      memory: false,
      state: 'stopped',
      label: 'Snapshot 1',
    });
    expect(world().engines.of('demo').received).not.toContain('migrate');
    expect(demo.files()).not.toContain('checkpoints/1/ram');
  });

  it('keeps a paused guest paused, as does a revert', async () => {
    await running();
    await pause(world().host, 'demo', quiet);
    expect(await take()).toMatchObject({ state: 'paused', stoppedMs: null });
    expect(world().running().state).toBe('paused');
  });

  it('goes through the engine if the RAM is not in a file', async () => {
    const demo = world().machine();
    world().forbidRamFiles();
    const engine = await world().start();
    engine.memory = 'private';
    await take();
    expect(JSON.parse(readFileSync(demo.file('checkpoints/1/state'), 'utf8'))).toMatchObject({
      memory: 'private',
    });
    expect(engine.state).toBe('running');
  });

  it('freezes the guest’s file systems on request, and thaws them', async () => {
    await running();
    const engine = world().engines.of('demo');
    let frozen = false;
    world().engines.troubles.before('transaction', () => void (frozen = engine.guest.frozen));
    await take({ diskOnly: true, quiesce: true });
    expect([frozen, engine.guest.frozen]).toEqual([true, false]);
    const { notes } = await take({ label: 'with memory', quiesce: true });
    expect(notes).toHaveLength(1);
  });

  it('needs an agent to freeze them', async () => {
    const demo = world().machine();
    const handlers = {
      'guest-fsfreeze-freeze': () => ({ error: { class: 'GenericError', desc: 'no room to freeze' } }),
    };
    world().engines.guest = { ...usualGuest, handlers };
    await world().start('demo', { wait: 'agent' });
    const before = await world().look(demo);
    expect(await refused(take({ diskOnly: true, quiesce: true }))).toMatchObject({
      message: like(/no room to freeze/),
    });
    expect(await world().look(demo)).toEqual(before);
  });
});

describe('a snapshot of a stopped machine', () => {
  it('is a new layer', async () => {
    const demo = world().machine();
    expect(await take({ label: 'off' })).toMatchObject({ memory: false, state: 'stopped', stoppedMs: null });
    expect(demo.files()).toContain('disk0-000001.qcow2');
  });

  it('needs an unused label', async () => {
    world().machine();
    await take({ label: 'Snapshot 1' });
    expect((await refused(take({ label: 'Snapshot 1' }))).code).toBe('ALREADY_EXISTS');
    expect((await take()).label).toBe('Snapshot 2');
    await editSnapshot(world().host, 'demo', 'Snapshot 2', { label: 'two', description: 'second' });
    expect((await refused(editSnapshot(world().host, 'demo', 'two', { label: 'Snapshot 1' }))).code).toBe(
      'ALREADY_EXISTS',
    );
    expect(await listSnapshots(world().host, 'demo')).toMatchObject([
      { label: 'Snapshot 1', depth: 0 },
      { label: 'two', depth: 1, path: '/Snapshot 1/two', description: 'second' },
    ]);
    const error = await refused(showSnapshot(world().host, 'demo', 'tow'));
    expect([error.code, error.message]).toEqual(['NO_SUCH_SNAPSHOT', like(/two/)]);
  });

  it('is refused when a disk is damaged', async () => {
    const demo = world().machine();
    writeFileSync(demo.file('disk0.qcow2'), 'no disk');
    expect((await refused(take())).code).toBe('BAD_IMAGE');
  });
});

describe('what cannot be saved is refused before anything is changed', () => {
  it('because the engine says so', async () => {
    world().engines.blockedReasons = ['The migrate command is blocked by 9p'];
    const demo = await running();
    const before = await world().look(demo);
    expect(await refused(take())).toMatchObject({ code: 'CHECKPOINT_BLOCKED', message: like(/9p/) });
    expect(await world().look(demo)).toEqual(before);
  });

  it('because of what is known about NVMe', async () => {
    await running(['kame.nvme0.device = "nvme"']);
    expect(await refused(take())).toMatchObject({ code: 'CHECKPOINT_BLOCKED', message: like(/nvme0/) });
    expect((await take({ diskOnly: true })).memory).toBe(false);
  });

  it('of independent disks', async () => {
    await running(['nvme0:0.mode = "independent-persistent"']);
    expect(await refused(take())).toMatchObject({ code: 'CHECKPOINT_BLOCKED', message: like(/nvme0:0/) });
  });
});

describe('a snapshot that fails leaves all as it was', () => {
  it.each([{ diskOnly: false }, { diskOnly: true, quiesce: true }])(
    'when a command is refused: %j',
    async (body) => {
      const demo = await running();
      let before: object = {};
      const seen = await atEachCommand(
        async (except) => {
          before = await world().look(demo);
          return world().engines.troubles.refuse('*', 'Not this time', { except });
        },
        async (at) => await take({ ...body, label: `try ${at}` }),
        async ({ command, code }) => {
          world().engines.troubles.clear();
          const after = code === null ? before : await world().look(demo);
          expect({ command, ...after }).toEqual({ command, ...before });
        },
      );
      expect(seen).toEqual(expect.arrayContaining(['blockdev-add', 'transaction', 'stop', 'cont']));
    },
  );

  it('when the state cannot be written', async () => {
    const demo = await running();
    const before = await world().look(demo);
    world().engines.of('demo').migrationFails = 'No way';
    expect(await refused(take())).toMatchObject({ code: 'ENGINE_FAILED', message: like(/No way/) });
    expect(await world().look(demo)).toEqual(before);
  });

  it('once the engine can use its disks again', async () => {
    const demo = await running();
    const before = await world().look(demo);
    world().engines.troubles.refuse('cont', 'Failed to get "write" lock', { times: 4 });
    expect(await refused(take())).toMatchObject({ message: like(/Failed to get/) });
    expect(await world().look(demo)).toEqual(before);
  });

  it('when it is cancelled, at any stage it reports', async () => {
    const demo = await running();
    const before = await world().look(demo);
    const stages = await cancelAtEachStage(
      async (progress) => await take({ label: 'cut' }, progress),
      async ({ code }) => expect([code, await world().look(demo)]).toEqual(['CANCELLED', before]),
    );
    expect(stages).toHaveLength(2);
  });

  it('except when the engine dies: then the machine is stopped, with intact disks', async () => {
    const demo = world().machine();
    const seen = await atEachCommand(
      async (except) => {
        await world().start('demo', { wait: 'agent' });
        return world().engines.troubles.die('*', { except });
      },
      async (at) => await take({ label: `try ${at}` }),
      async () => {
        await expect.poll(() => world().host.running.size).toBe(0);
        expect([demo.files().includes('operation.json'), diskHas(demo.top(), 7)]).toEqual([false, true]);
        for (const { label } of await listSnapshots(world().host, 'demo')) {
          expect((await showSnapshot(world().host, 'demo', label)).problems).toEqual([]);
        }
      },
    );
    expect(seen).toEqual(expect.arrayContaining(['migrate', 'transaction', 'cont']));
  });
});
