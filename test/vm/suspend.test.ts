import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { suspendedMachine, type SuspendedMachine } from '../../src/api/checkpoint.ts';
import { pause, poll } from '../../src/core/deadline.ts';
import { homeNames } from '../../src/store/names.ts';
import { clockOffset, Guest } from '../support/checkpoints.ts';
import { useHome, type TestHome } from '../support/home.ts';
import { refusal } from '../support/refusal.ts';

// One guest for the whole file; each test leaves it running.
let home: TestHome;
let demo: Guest;

beforeAll(async () => {
  home = await useHome();
  demo = new Guest(home, 'demo');
  // Enough memory in use that it is copied once while the guest runs.
  await home.json('create', 'demo', '--memory', '320MiB', '--cpus', '2');
  await demo.start();
  await demo.sh('head -c 60000000 /dev/urandom >/dev/shm/memory; echo kept >/root/disk; sync');
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

function keepEvidence(name: string): void {
  onTestFailed(async () => await home.postMortem(`suspend ${name}`));
}

const look = 'md5sum /dev/shm/memory /root/disk; cat /proc/sys/kernel/random/boot_id';

async function suspend(): Promise<SuspendedMachine> {
  return await home.json<SuspendedMachine>('suspend', 'demo');
}

describe('a suspended machine', () => {
  it('goes on where it was, with the right time', async () => {
    keepEvidence('resume');
    const before = await demo.sh(look);
    const suspended = await suspend();
    expect(suspendedMachine.parse(suspended)).toEqual(suspended);
    expect(suspended).toMatchObject({ name: 'demo', state: 'suspended', agent: false, accelerator: null });
    expect(suspended.stateBytes).toBeGreaterThan(60_000_000);
    expect(suspended.stateBytes).toBeLessThan(400_000_000);
    expect(await home.engines()).toEqual([]);
    expect(await demo.state()).toBe('suspended');
    expect(await demo.details()).toMatchObject({ state: 'suspended', problems: [] });
    expect(await readFile(demo.file('demo.vmx'), 'utf8')).toMatch(
      /^checkpoint\.vmState = "checkpoints\/s-[0-9a-f]{8}"$/m,
    );
    expect(existsSync(demo.file('lock'))).toBe(false);
    expect(await readdir(join(home.path, 'run'))).toEqual([]);
    // Long enough that the guest's clock would be late.
    await pause(3000);
    expect(await demo.start()).toMatchObject({ state: 'running', agent: true });
    const resumed = performance.now();
    expect(await demo.sh(look)).toBe(before);
    expect(await readdir(demo.file('checkpoints'))).toEqual([]);
    expect(await readFile(demo.file('demo.vmx'), 'utf8')).toMatch(/^checkpoint\.vmState = ""$/m);
    const right = async () => (Math.abs(await clockOffset(demo)) < 1 ? true : undefined);
    await poll(right, { deadlineMs: Math.max(0, 5000 - (performance.now() - resumed)) });
    expect(Math.abs(await clockOffset(demo))).toBeLessThan(1);
  });

  it('has its network again', async () => {
    keepEvidence('network');
    await suspend();
    await demo.start();
    // The host's own resolver stands behind 10.0.2.3; the gateway answers to ping.
    const up = async () =>
      (await home.kame(['exec', 'demo', '--', 'ping', '-c', '1', '-W', '2', '10.0.2.2'])).code === 0
        ? true
        : undefined;
    expect(await poll(up, { deadlineMs: 10_000 })).toBe(true);
    const told = async () => ((await demo.details()).ip === '10.0.2.15' ? true : undefined);
    expect(await poll(told, { deadlineMs: 10_000 })).toBe(true);
  });

  it('that was paused is paused again', async () => {
    keepEvidence('paused');
    const before = await demo.sh(look);
    await home.json('pause', 'demo');
    expect(await suspend()).toMatchObject({ state: 'suspended' });
    expect(await demo.start('--wait', 'none')).toMatchObject({ state: 'paused' });
    expect(await demo.state()).toBe('paused');
    expect((await home.kame(['exec', 'demo', '--', 'true'])).code).toBe(4);
    // As a daemon leaves it that is killed when the state is spent and not yet called complete.
    const { sockets } = await demo.details();
    await home.killDaemon();
    const record = join(dirname(sockets?.monitor ?? ''), 'machine.json');
    const told = JSON.parse(await readFile(record, 'utf8')) as Record<string, unknown>;
    await writeFile(record, JSON.stringify({ ...told, restored: 'loading paused' }));
    expect(await demo.state()).toBe('paused');
    await home.json('unpause', 'demo');
    expect(await demo.sh(look)).toBe(before);
  });

  it('goes on after a restart of the daemon, and of the host', async () => {
    keepEvidence('restart');
    const before = await demo.sh(look);
    await suspend();
    await home.kame(['daemon', 'stop']);
    expect(await demo.state()).toBe('suspended');
    await demo.start();
    expect(await demo.sh(look)).toBe(before);
    await suspend();
    await home.killDaemon();
    // What a restart of the host does not leave: memory file systems, sockets, run directories.
    await rm(homeNames(home.path).ram, { recursive: true, force: true });
    await rm(join(home.path, 'run'), { recursive: true, force: true });
    await rm(join(home.path, 'kamed.sock'), { force: true });
    expect(await demo.state()).toBe('suspended');
    await demo.start();
    expect(await demo.sh(look)).toBe(before);
  });

  it('keeps its settings, and refuses what makes no sense', async () => {
    keepEvidence('refusals');
    await suspend();
    for (const [args, message] of [
      [['set', 'demo', 'memory=512MiB'], 'demo is suspended'],
      [['set', 'demo', 'cpus=1'], 'demo is suspended'],
      [['suspend', 'demo'], 'demo is not running: it is suspended'],
      [['pause', 'demo'], 'demo is not running'],
      [['stop', 'demo', '--hard'], 'demo is not running: it is suspended'],
      [['exec', 'demo', '--', 'true'], 'demo is not running'],
      [['clone', 'demo', 'copy', '--instant'], 'demo is not running'],
    ] as const) {
      expect({ args, ...(await home.kame(args)) }).toEqual({ args, ...refusal(4, message) });
    }
    await demo.start();
    expect(await home.kame(['start', 'demo', '--discard-state'])).toEqual(refusal(4, 'already running'));
  });

  it('boots anew when its guest reboots after it went on', async () => {
    keepEvidence('reboot');
    const before = await demo.sh('cat /proc/sys/kernel/random/boot_id');
    await suspend();
    await demo.start();
    await home.kame(['exec', 'demo', '--', 'sh', '-c', '(sleep 1; reboot -f) </dev/null >/dev/null 2>&1 &']);
    const anew = async () => {
      const { code, stdout } = await home.kame([
        'exec',
        '--timeout',
        '5',
        'demo',
        '--',
        'cat',
        '/proc/sys/kernel/random/boot_id',
      ]);
      return code === 0 && stdout !== before ? true : undefined;
    };
    expect(await poll(anew, { deadlineMs: 60_000, stepMs: 300 })).toBe(true);
    expect(await demo.state()).toBe('running');
    expect(await demo.sh('cat /root/disk; ls /dev/shm')).toBe('kept\n');
    // And it can be suspended again.
    await demo.sh('echo again >/dev/shm/memory');
    await suspend();
    await demo.start();
    expect(await demo.sh('cat /dev/shm/memory')).toBe('again\n');
  });

  it('starts from its disks with --discard-state', async () => {
    keepEvidence('discard');
    const before = await demo.sh('sync; cat /proc/sys/kernel/random/boot_id');
    await suspend();
    expect(await demo.start('--discard-state')).toMatchObject({ state: 'running' });
    expect(await demo.sh('cat /proc/sys/kernel/random/boot_id')).not.toBe(before);
    expect(await demo.sh('cat /root/disk; ls /dev/shm')).toBe('kept\n');
    expect(await readdir(demo.file('checkpoints'))).toEqual([]);
    await demo.stop();
    // Without a state there is nothing to discard.
    await demo.start('--discard-state');
  });

  it('is deleted with all that it was', async () => {
    keepEvidence('delete');
    await suspend();
    await home.json('delete', 'demo', '--yes');
    expect(await readdir(join(home.path, 'machines'))).toEqual([]);
    expect(await readdir(homeNames(home.path).ram).catch(() => [])).toEqual([]);
    expect(await home.json('list')).toEqual([]);
  });
});
