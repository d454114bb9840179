import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect } from 'vitest';
import { clonedMachines } from '../../src/api/checkpoint.ts';
import { poll } from '../../src/core/deadline.ts';
import { homeNames } from '../../src/store/names.ts';
import { clone, cloneSource, identity, remove, states } from '../support/clones.ts';
import { clockIsRight } from '../support/guest-clock.ts';
import { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';
import { bootOf } from '../support/reboot.ts';
import { expectWholeLayers } from '../support/scratch.ts';

const it = guestTest(cloneSource);

/** Reads a guest's disk, not what it remembers of it. */
const forget = 'echo 3 >/proc/sys/vm/drop_caches';

describe('instant clones', () => {
  it('are three independent machines, and the source keeps running', async ({ home, demo }) => {
    const before = await identity(demo);
    const boot = await bootOf(demo);
    const cloned = await clone(home, 'demo', 'c', '--instant', '--count', '3');
    expect(clonedMachines.parse(cloned)).toEqual(cloned);
    expect(cloned).toMatchObject({
      machines: ['c-1', 'c-2', 'c-3'].map((name) => ({ name, state: 'running', agent: true })),
      stoppedMs: expect.any(Number) as number,
      agentMs: [expect.any(Number), expect.any(Number), expect.any(Number)] as number[],
      notes: [],
    });
    expect(await states(home)).toEqual({
      demo: 'running',
      'c-1': 'running',
      'c-2': 'running',
      'c-3': 'running',
    });
    const identities = [before];
    for (const name of ['c-1', 'c-2', 'c-3']) {
      const guest = new Guest(home, name);
      const own = await identity(guest);
      expect(own).toMatchObject({ hostname: name, mac: own['nic'] });
      identities.push(own);
      expect(await guest.sh('cat /root/disk /dev/shm/memory')).toBe('common\ncommon\n');
      expect(await bootOf(guest)).toBe(boot);
      expect(await clockIsRight(guest)).toBe(true);
    }
    for (const key of Object.keys(before)) {
      expect({ key, different: new Set(identities.map((each) => each[key])).size }).toEqual({
        key,
        different: 4,
      });
    }
    expect(await identity(demo)).toEqual(before);
    expect(await demo.sh('cat /dev/shm/memory')).toBe('common\n');
    expect(await bootOf(demo)).toBe(boot);
  });

  it('share nothing that any of them writes, and are whole machines', async ({ home, demo }) => {
    await clone(home, 'demo', 'c', '--instant', '--count', '2');
    const [one, two] = ['c-1', 'c-2'].map((name) => new Guest(home, name)) as [Guest, Guest];
    const all = [demo, one, two];
    for (const { name } of all)
      await home.sh(
        name,
        `echo ${name} >/root/disk; echo ${name} >/dev/shm/memory; echo ${name} >/root/${name}; sync`,
      );
    for (const { name } of all) {
      const seen = await home.sh(name, `${forget}; cat /root/disk /dev/shm/memory; ls /root`);
      expect(seen).toBe(`${name}\n${name}\n${['disk', name].toSorted().join('\n')}\n`);
    }
    // A whole machine can be suspended, and have snapshots of its own.
    await one.take('a');
    await one.sh('echo lost >/root/disk; echo lost >/dev/shm/memory');
    await one.revert('a');
    expect(await one.sh('cat /root/disk /dev/shm/memory')).toBe('c-1\nc-1\n');
    await one.suspend();
    await one.start();
    expect(await one.sh('cat /root/disk /dev/shm/memory; hostname')).toBe('c-1\nc-1\nc-1\n');
  });

  it('of a clone work, and can keep its identity', async ({ home, demo }) => {
    await clone(home, demo.name, 'c', '--instant');
    const [source, again, twin] = ['c', 'again', 'twin'].map((name) => new Guest(home, name)) as [
      Guest,
      Guest,
      Guest,
    ];
    await source.sh('echo c >/root/disk; echo c >/dev/shm/memory; sync');
    await clone(home, 'c', 'again', '--instant');
    const before = await identity(source);
    const own = await identity(again);
    for (const [key, value] of Object.entries(own))
      expect({ key, value }).not.toEqual({ key, value: before[key] });
    expect(await again.sh('cat /root/disk /dev/shm/memory')).toBe('c\nc\n');
    const kept = await clone(home, 'c', 'twin', '--instant', '--keep-identity');
    expect(kept.machines).toMatchObject([{ name: 'twin', state: 'running' }]);
    expect(await identity(twin)).toMatchObject({
      hostname: 'c',
      machineId: before['machineId'],
      mac: before['mac'],
      rsa: before['rsa'],
    });
    await again.sh('echo again >/root/disk; sync');
    expect(await source.sh('cat /root/disk')).toBe('c\n');
    await remove(home, 'twin', 'c');
    expect(await again.sh(`${forget}; cat /root/disk; ls /root`)).toBe('again\ndisk\n');
  });

  it('keep working when their source is deleted, even after another boot', async ({ home, demo }) => {
    await clone(home, 'demo', 'c', '--instant');
    await home.sh('c', 'echo c >/root/disk; sync');
    await clone(home, 'c', 'child', '--instant');
    await remove(home, 'c');
    const child = new Guest(home, 'child');
    expect(await child.sh('cat /root/disk; sync')).toBe('c\n');
    await child.stop();
    await expectWholeLayers(child);
    await child.start();
    expect(await child.sh('cat /root/disk; hostname; ls /dev/shm')).toBe('c\nchild\n');
    await remove(home, 'child');
    expect(await states(home)).toEqual({ demo: 'running' });
    expect(await demo.sh('cat /root/disk')).toBe('common\n');
    const { pid } = await demo.details();
    expect(await home.engines()).toEqual([pid]);
  });
});

describe('instant clones whose command is interrupted', () => {
  it.for([
    ['while the source is copied', 'Copying demo while it is running'],
    ['while they are started', 'Starting clones'],
    ['while they get their identities', 'Giving clones their own identity'],
  ] as const)('leave nothing behind: %s', async ([, stage], { home, demo }) => {
    const source = (await demo.details()).pid ?? 0;
    const command = home.begin(['clone', 'demo', 'c', '--instant', '--count', '4']);
    const reached = async () => {
      const [task] = await home.client().tasks.list();
      return task?.progress?.stage === stage ? true : undefined;
    };
    expect(await poll(reached, { deadlineMs: 30_000, stepMs: 1, maxStepMs: 2 })).toBe(true);
    // What hangs cannot end before it is interrupted: the clones, or their source while there are no clones.
    const clones = (await home.engines()).filter((pid) => pid !== source);
    const held = clones.length > 0 ? clones : [source];
    for (const pid of held) process.kill(pid, 'SIGSTOP');
    command.kill('SIGINT');
    if (clones.length === 0) process.kill(source, 'SIGCONT');
    expect(await command.ended).toBe(1);
    expect(await states(home)).toEqual({ demo: 'running' });
    expect(await demo.sh('cat /root/disk')).toBe('common\n');
    expect(await readdir(join(home.path, 'machines'))).toEqual(['demo.vmwarevm']);
    expect(await home.engines()).toEqual([source]);
    expect(await readdir(homeNames(home.path).ram)).toHaveLength(1);
    expect(existsSync(demo.file('operation.json'))).toBe(false);
  });
});

describe('a source with many layers', () => {
  it('has them merged before its next clone adds one', async ({ home, demo }) => {
    await demo.stop();
    const top = await demo.top();
    const names = Array.from({ length: 33 }, (_, at) => `disk0-${String(900_000 + at)}.qcow2`);
    let below = basename(top);
    for (const name of names) {
      await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', below, demo.file(name)]);
      below = name;
    }
    const vmx = await readFile(demo.file('demo.vmx'), 'utf8');
    await writeFile(demo.file('demo.vmx'), vmx.replace(basename(top), below));
    await demo.start();
    const { pid } = await demo.details();
    await clone(home, 'demo', 'shallow', '--instant');
    // The one that all were merged into, which clone and source share, and the source's own.
    expect(await demo.layers()).toEqual(['disk0-000001.qcow2', 'disk0.qcow2']);
    expect(await demo.details()).toMatchObject({ state: 'running', pid });
    for (const name of ['demo', 'shallow']) {
      expect(await home.sh(name, `${forget}; cat /root/disk`)).toBe('common\n');
      await expectWholeLayers(new Guest(home, name));
    }
  });
});
