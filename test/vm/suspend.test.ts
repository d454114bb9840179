import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { suspendedMachine } from '../../src/api/checkpoint.ts';
import { poll } from '../../src/core/deadline.ts';
import { homeNames } from '../../src/store/names.ts';
import { clockIsRight, setClockWrong } from '../support/guest-clock.ts';
import { addressOf, gatewayOf, reachesPing } from '../support/guest-network.ts';
import { guestTest } from '../support/guest-test.ts';
import { become, diskLook, diskOf, look } from '../support/marks.ts';
import { bootOf, rebooted } from '../support/reboot.ts';
import { typeInGuest } from '../support/serial-console.ts';

const it = guestTest();

/** Enough memory in use that it is copied once while the guest runs. */
const large = guestTest({
  name: 'large',
  create: ['--memory', '320MiB', '--cpus', '2'],
  prepare: async (demo) => {
    await demo.sh('head -c 60000000 /dev/urandom >/dev/shm/large');
  },
});

describe('a suspended machine', () => {
  large('resumes where it was, with the right time', async ({ home, demo }) => {
    const before = await become(demo, 'suspended');
    const sum = await demo.sh('md5sum /dev/shm/large');
    await setClockWrong(demo);
    const suspended = await demo.suspend();
    expect(suspendedMachine.parse(suspended)).toEqual(suspended);
    expect(suspended).toMatchObject({ name: 'demo', state: 'suspended', agent: false, accelerator: null });
    expect(suspended.stateBytes).toBeGreaterThan(60_000_000);
    expect(suspended.stateBytes).toBeLessThan(400_000_000);
    expect(await home.engines()).toEqual([]);
    expect(await demo.details()).toMatchObject({ state: 'suspended', problems: [] });
    expect(await readFile(demo.file('demo.vmx'), 'utf8')).toMatch(
      /^checkpoint\.vmState = "checkpoints\/s-[0-9a-f]{8}"$/m,
    );
    expect(existsSync(demo.file('lock'))).toBe(false);
    expect(await home.runDirectories()).toEqual([]);
    expect(await demo.start()).toMatchObject({ state: 'running', agent: true });
    expect(await demo.sh(look)).toBe(before);
    expect(await demo.sh('md5sum /dev/shm/large')).toBe(sum);
    expect(await readdir(demo.file('checkpoints'))).toEqual([]);
    expect(await readFile(demo.file('demo.vmx'), 'utf8')).toMatch(/^checkpoint\.vmState = ""$/m);
    expect(await clockIsRight(demo)).toBe(true);
  });

  it('has its network again', async ({ demo }) => {
    await demo.suspend();
    await demo.start();
    const up = async () => ((await reachesPing(demo, await gatewayOf(demo))) ? true : undefined);
    expect(await poll(up, { deadlineMs: 10_000 })).toBe(true);
    const address = await addressOf(demo);
    const known = async () => ((await demo.details()).ip === address ? true : undefined);
    expect(await poll(known, { deadlineMs: 10_000 })).toBe(true);
  });

  it('that was paused is paused again', async ({ home, demo }) => {
    const before = await become(demo, 'paused');
    await demo.pause();
    expect(await demo.suspend()).toMatchObject({ state: 'suspended' });
    expect(await demo.start('--wait', 'none')).toMatchObject({ state: 'paused' });
    expect(await demo.state()).toBe('paused');
    expect((await demo.exec('true')).code).toBe(4);
    // As a daemon leaves it that is killed when the state has been used and the resume is not yet recorded as complete.
    const { sockets } = await demo.details();
    await home.killDaemon();
    const record = join(dirname(sockets?.monitor ?? ''), 'machine.json');
    const known = JSON.parse(await readFile(record, 'utf8')) as Record<string, unknown>;
    await writeFile(record, JSON.stringify({ ...known, restored: 'loading paused' }));
    expect(await demo.state()).toBe('paused');
    await demo.unpause();
    await demo.answers();
    expect(await demo.sh(look)).toBe(before);
  });

  it('resumes after a restart of the daemon, and of the host', async ({ home, demo }) => {
    const before = await become(demo, 'restarted');
    await demo.suspend();
    await home.kame(['daemon', 'stop']);
    expect(await demo.state()).toBe('suspended');
    await demo.start();
    expect(await demo.sh(look)).toBe(before);
    await demo.suspend();
    await home.killDaemon();
    // What a restart of the host does not leave: memory file systems, sockets, run directories.
    await rm(homeNames(home.path).ram, { recursive: true, force: true });
    await rm(join(home.path, 'run'), { recursive: true, force: true });
    await rm(join(home.path, 'kamed.sock'), { force: true });
    expect(await demo.state()).toBe('suspended');
    await demo.start();
    expect(await demo.sh(look)).toBe(before);
  });

  it('boots again when its guest reboots after it was resumed', async ({ demo }) => {
    await become(demo, 'rebooted');
    const before = await bootOf(demo);
    await demo.suspend();
    await demo.start();
    await typeInGuest(demo, 'reboot -f');
    await rebooted(demo, before);
    expect(await demo.state()).toBe('running');
    expect(await demo.sh(diskLook)).toBe(diskOf('rebooted'));
    expect(await demo.sh('ls /dev/shm')).toBe('');
    // And it can be suspended again.
    await demo.sh('echo again >/dev/shm/memory');
    await demo.suspend();
    await demo.start();
    expect(await demo.sh('cat /dev/shm/memory')).toBe('again\n');
  });

  it('starts from its disks with --discard-state', async ({ demo }) => {
    await become(demo, 'discarded');
    const before = await bootOf(demo);
    await demo.suspend();
    expect(await demo.start('--discard-state')).toMatchObject({ state: 'running' });
    expect(await bootOf(demo)).not.toBe(before);
    expect(await demo.sh(diskLook)).toBe(diskOf('discarded'));
    expect(await demo.sh('ls /dev/shm')).toBe('');
    expect(await readdir(demo.file('checkpoints'))).toEqual([]);
    await demo.stop();
    // Without a state there is nothing to discard.
    await demo.start('--discard-state');
  });
});
