import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFailed } from 'vitest';
import { clonedMachines, type ClonedMachines } from '../../src/api/checkpoint.ts';
import type { Machine } from '../../src/api/machine.ts';
import { poll } from '../../src/core/deadline.ts';
import { homeNames } from '../../src/store/names.ts';
import { clockOffset, expectWholeLayers, Guest } from '../support/checkpoints.ts';
import { builtIn } from '../support/home.ts';
import { demo, home } from '../support/one-guest.ts';
import { refusal } from '../support/refusal.ts';

// Instant clones are made of the file's guest while it runs.

function keepEvidence(name: string): void {
  onTestFailed(async () => await home.postMortem(`clones ${name}`));
}

function guest(name: string): Guest {
  return new Guest(home, name);
}

async function clone(...args: string[]): Promise<ClonedMachines> {
  return await home.json<ClonedMachines>('clone', ...args);
}

async function remove(...names: string[]): Promise<void> {
  for (const name of names) {
    await home.kame(['stop', name, '--hard']);
    await home.json('delete', name, '--yes');
  }
}

async function states(): Promise<Record<string, string>> {
  const machines = await home.json<Machine[]>('list');
  return Object.fromEntries(machines.map(({ name, state }) => [name, state]));
}

/** What a guest is called and known by. */
async function identity(machine: Guest): Promise<Record<string, string>> {
  const line = `hostname; cat /etc/machine-id /sys/class/net/eth0/address
for type in ed25519 ecdsa rsa; do md5sum </etc/ssh/ssh_host_\${type}_key; done`;
  const [hostname = '', machineId = '', mac = '', ed25519 = '', ecdsa = '', rsa = ''] = (
    await machine.sh(line)
  ).split('\n');
  const { id, nics } = await machine.details();
  return { hostname, machineId, mac, ed25519, ecdsa, rsa, id, nic: nics[0]?.mac ?? '' };
}

describe('instant clones', () => {
  it('are three machines of their own, and the source runs on', async () => {
    keepEvidence('instant');
    const ready = async () =>
      (
        await home.kame([
          'exec',
          'demo',
          '--',
          'sh',
          '-c',
          '[ -s /etc/machine-id ] && ip -4 addr show eth0 | grep -q inet',
        ])
      ).code === 0
        ? true
        : undefined;
    expect(await poll(ready, { deadlineMs: 30_000 })).toBe(true);
    await demo.sh(`mkdir -p /etc/ssh; cd /etc/ssh
for type in ed25519 ecdsa rsa; do echo "old $type" >ssh_host_\${type}_key; echo "old $type" >ssh_host_\${type}_key.pub; done
echo common >/root/disk; echo common >/dev/shm/memory; sync`);
    const before = await identity(demo);
    const boot = await demo.sh('cat /proc/sys/kernel/random/boot_id');
    const cloned = await clone('demo', 'c', '--instant', '--count', '3');
    expect(clonedMachines.parse(cloned)).toEqual(cloned);
    expect(cloned).toMatchObject({
      machines: ['c-1', 'c-2', 'c-3'].map((name) => ({ name, state: 'running', agent: true })),
      stoppedMs: expect.any(Number) as number,
      agentMs: [expect.any(Number), expect.any(Number), expect.any(Number)] as number[],
      notes: [],
    });
    expect(await states()).toEqual({ demo: 'running', 'c-1': 'running', 'c-2': 'running', 'c-3': 'running' });
    const identities = [before];
    for (const name of ['c-1', 'c-2', 'c-3']) {
      const own = await identity(guest(name));
      expect(own).toMatchObject({ hostname: name, mac: own['nic'] });
      identities.push(own);
      expect(await guest(name).sh('cat /root/disk /dev/shm/memory /proc/sys/kernel/random/boot_id')).toBe(
        `common\ncommon\n${boot}`,
      );
      expect(Math.abs(await clockOffset(guest(name)))).toBeLessThan(1);
    }
    for (const key of Object.keys(before)) {
      expect({ key, different: new Set(identities.map((each) => each[key])).size }).toEqual({
        key,
        different: 4,
      });
    }
    expect(await identity(demo)).toEqual(before);
    expect(await demo.sh('cat /dev/shm/memory /proc/sys/kernel/random/boot_id')).toBe(`common\n${boot}`);
  });

  it('share nothing that any of them writes', async () => {
    keepEvidence('copy on write');
    const all = ['demo', 'c-1', 'c-2', 'c-3'];
    for (const name of all)
      await guest(name).sh(
        `echo ${name} >/root/disk; echo ${name} >/dev/shm/memory; echo ${name} >/root/${name}; sync`,
      );
    for (const name of all) {
      const seen = await guest(name).sh(
        'echo 3 >/proc/sys/vm/drop_caches; cat /root/disk /dev/shm/memory; ls /root',
      );
      expect(seen).toBe(`${name}\n${name}\n${['disk', name].toSorted().join('\n')}\n`);
    }
    // A clone is a whole machine: it can be suspended, and have snapshots and clones of its own.
    const one = guest('c-1');
    await one.take('a');
    await one.sh('echo lost >/root/disk; echo lost >/dev/shm/memory');
    await one.revert('a');
    expect(await one.sh('cat /root/disk /dev/shm/memory')).toBe('c-1\nc-1\n');
    await home.json('suspend', 'c-1');
    await one.start();
    expect(await one.sh('cat /root/disk /dev/shm/memory; hostname')).toBe('c-1\nc-1\nc-1\n');
  });

  it('of a clone work, and can keep its identity', async () => {
    keepEvidence('clone of clone');
    const two = guest('c-2');
    await clone('c-2', 'again', '--instant');
    const before = await identity(two);
    const own = await identity(guest('again'));
    for (const [key, value] of Object.entries(own))
      expect({ key, value }).not.toEqual({ key, value: before[key] });
    expect(await guest('again').sh('cat /root/disk /dev/shm/memory')).toBe('c-2\nc-2\n');
    const twin = await clone('c-2', 'twin', '--instant', '--keep-identity');
    expect(twin.machines).toMatchObject([{ name: 'twin', state: 'running' }]);
    expect(await identity(guest('twin'))).toMatchObject({
      hostname: 'c-2',
      machineId: before['machineId'],
      mac: before['mac'],
      rsa: before['rsa'],
    });
    await guest('again').sh('echo again >/root/disk; sync');
    expect(await two.sh('cat /root/disk')).toBe('c-2\n');
    await remove('twin', 'c-2');
    expect(await guest('again').sh('echo 3 >/proc/sys/vm/drop_caches; cat /root/disk; ls /root')).toBe(
      'again\nc-2\ndisk\n',
    );
  });

  it('live on when their source is deleted, also after they boot anew', async () => {
    keepEvidence('source deleted');
    await clone('c-3', 'child', '--instant');
    await remove('c-3', 'c-1', 'again');
    const child = guest('child');
    expect(await child.sh('cat /root/disk; sync')).toBe('c-3\n');
    await child.stop();
    await expectWholeLayers(child);
    await child.start();
    expect(await child.sh('cat /root/disk; hostname; ls /dev/shm')).toBe('c-3\nchild\n');
    await remove('child');
    expect(await states()).toEqual({ demo: 'running' });
    expect(await demo.sh('cat /root/disk')).toBe('demo\n');
    const { pid } = await demo.details();
    expect(await home.engines()).toEqual([pid]);
  });

  it('are refused where they can’t be, before anything is touched', async () => {
    keepEvidence('refusals');
    const files = await readdir(demo.directory);
    await home.json('create', 'c-2');
    for (const [args, code, message] of [
      [['demo', 'c', '--instant', '--count', '2'], 1, 'A machine named c-2 already exists'],
      [['demo', 'demo', '--instant'], 1, 'A machine named demo already exists'],
      [['demo', 'a/b', '--instant'], 2, 'a/b'],
      [['demo', 'c', '--full'], 4, 'demo is running'],
      [['demo', 'c', '--linked'], 4, 'demo is running'],
      [['c-2', 'c', '--instant'], 4, 'c-2 is not running'],
      [['demo', 'c', '--instant', '--snapshot', 'a'], 2, 'not a snapshot'],
      [['demo', 'c', '--full', '--snapshot', 'a'], 3, 'demo has no snapshot a'],
    ] as const) {
      expect({ args, ...(await home.kame(['clone', ...args])) }).toEqual({ args, ...refusal(code, message) });
    }
    await home.json('pause', 'demo');
    expect(await home.kame(['clone', 'demo', 'c', '--instant'])).toEqual(refusal(4, 'demo is not running'));
    await home.json('unpause', 'demo');
    expect(await readdir(demo.directory)).toEqual(files);
    await remove('c-2');
    expect(await readdir(join(home.path, 'machines'))).toEqual(['demo.vmwarevm']);
  });

  it('are not there when the command is interrupted', async () => {
    keepEvidence('interrupted');
    for (const afterMs of [150, 350, 600, 1000]) {
      const args = [join(builtIn, 'kame.mjs'), 'clone', 'demo', 'c', '--instant', '--count', '4'];
      const child = spawn(process.execPath, args, { env: { ...process.env, ...home.env }, stdio: 'ignore' });
      const timer = setTimeout(() => child.kill('SIGINT'), afterMs);
      const [code] = (await once(child, 'exit')) as [number | null];
      clearTimeout(timer);
      // The daemon clears up: until that has ended, the source is busy.
      const ended = async () =>
        (await home.kame(['snapshot', 'delete', 'demo', 'none'])).code === 3 ? true : undefined;
      expect(await poll(ended, { deadlineMs: 30_000, stepMs: 100 })).toBe(true);
      const found = Object.entries(await states()).map(([name, state]) => `${name} ${state}`);
      const all = ['c-1 running', 'c-2 running', 'c-3 running', 'c-4 running', 'demo running'];
      expect({ afterMs, code, found }).toEqual({
        afterMs,
        code,
        found: found.length > 1 ? all : ['demo running'],
      });
      expect(code === 0).toBe(found.length > 1);
      expect(await demo.sh('cat /root/disk')).toBe('demo\n');
      if (found.length > 1) await remove('c-1', 'c-2', 'c-3', 'c-4');
      expect(await readdir(join(home.path, 'machines'))).toEqual(['demo.vmwarevm']);
      expect(await home.engines()).toHaveLength(1);
      expect(await readdir(homeNames(home.path).ram)).toHaveLength(1);
      expect(existsSync(demo.file('operation.json'))).toBe(false);
    }
  });
});

describe('a source with many layers', () => {
  it('has them merged before its next clone adds one', async () => {
    keepEvidence('many layers');
    const before = await demo.sh('cat /root/disk');
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
    await clone('demo', 'shallow', '--instant');
    // The one that was written to, the one that clone and source share, and the source's own.
    expect((await demo.layers()).length).toBeLessThanOrEqual(3);
    expect(await demo.details()).toMatchObject({ state: 'running', pid });
    for (const name of ['demo', 'shallow']) {
      expect(await guest(name).sh('echo 3 >/proc/sys/vm/drop_caches; cat /root/disk')).toBe(before);
      await expectWholeLayers(guest(name));
    }
    await remove('shallow');
  });
});

describe('a full clone', () => {
  it('has disks of its own, of the present state or of a snapshot', async () => {
    keepEvidence('full');
    await demo.take('a', '--disk-only', '--quiesce');
    await demo.sh('echo later >/root/disk; sync');
    const of = await clone('demo', 'old', '--full', '--snapshot', 'a');
    expect(of).toMatchObject({ machines: [{ name: 'old', state: 'stopped' }], stoppedMs: null });
    await demo.sh('sync');
    await home.json('stop', 'demo');
    expect(await clone('demo', 'new', '--full', '--start')).toMatchObject({
      machines: [{ name: 'new', state: 'running', agent: true }],
      agentMs: [expect.any(Number)] as number[],
    });
    expect(await guest('new').sh('cat /root/disk; hostname')).toBe('later\nnew\n');
    expect(await guest('new').layers()).toHaveLength(1);
    const ids = await Promise.all(['demo', 'old', 'new'].map(async (name) => await guest(name).details()));
    expect(new Set(ids.map(({ id }) => id)).size).toBe(3);
    expect(new Set(ids.map(({ nics }) => nics[0]?.mac)).size).toBe(3);
    await guest('new').sh('echo new >/root/disk; sync');
    await remove('new');
    await expectWholeLayers(guest('old'));
    expect(await guest('old').layers()).toHaveLength(1);
  });
});

describe('a linked clone', () => {
  it('holds its parent and the snapshot until it is deleted', async () => {
    keepEvidence('linked');
    await clone('demo', 'l', '--linked', '--snapshot', 'a', '--count', '2');
    const vmx = guest('l-1').file('l-1.vmx');
    for (const args of [
      ['delete', 'demo', '--yes'],
      ['unregister', 'demo'],
      ['rename', 'demo', 'other'],
      ['snapshot', 'delete', 'demo', 'a'],
    ]) {
      expect({ args, ...(await home.kame(args)) }).toEqual({ args, ...refusal(4, vmx) });
    }
    expect(await demo.snapshots()).toMatchObject([
      { label: 'a', clones: [vmx, guest('l-2').file('l-2.vmx')] },
    ]);
    expect(await demo.vmsd()).toMatchObject({ 'snapshot0.numClones': '2', 'snapshot0.clone0': vmx });
    expect(await guest('l-1').vmsd()).toMatchObject({ cloneOf0: demo.file('demo.vmx') });
    const linked = guest('l-1');
    await linked.start();
    expect(await linked.sh('cat /root/disk; hostname')).toBe('demo\nl-1\n');
    await linked.sh('echo linked >/root/disk; sync');
    // A snapshot and an instant clone of a linked clone; the parent is held by the clone's clone too.
    await linked.take('b');
    await clone('l-1', 'l-3', '--instant');
    expect(await guest('l-3').sh('cat /root/disk')).toBe('linked\n');
    await linked.revert('b');
    expect(await linked.sh('cat /root/disk')).toBe('linked\n');
    await remove('l-1', 'l-2');
    expect(await home.kame(['delete', 'demo', '--yes'])).toEqual(refusal(4, guest('l-3').file('l-3.vmx')));
    await guest('l-3').sh('sync');
    await guest('l-3').stop();
    await guest('l-3').start();
    expect(await guest('l-3').sh('cat /root/disk')).toBe('linked\n');
    await remove('l-3');
    // The parent is what it was.
    await home.json('snapshot', 'delete', 'demo', 'a');
    await expectWholeLayers(demo);
    expect(await demo.layers()).toHaveLength(1);
    await home.json('rename', 'demo', 'parent');
    await clone('parent', 'orphan', '--full');
    await remove('parent');
    const orphan = guest('orphan');
    await orphan.start();
    expect(await orphan.sh('cat /root/disk; hostname')).toBe('later\norphan\n');
    await remove('orphan', 'old');
    expect(await readdir(join(home.path, 'machines'))).toEqual([]);
  });
});
