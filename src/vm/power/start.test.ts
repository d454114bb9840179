import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startBody } from '../../../test/support/bodies.ts';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { leaveRoom } from '../../../test/support/ram-room.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { reachedStages } from '../../api/stages.ts';
import { silentProgress } from '../../core/progress.ts';
import { companionExtension, machineNames, runNames } from '../../store/names.ts';
import { handLock, lockHolder } from '../../sys/lock.ts';
import { identify } from '../../sys/process-identity.ts';
import { show } from '../running/describe.ts';
import { planStart, start } from './start.ts';

const world = useWorld();

/** What must be as it was: no lock, no sockets, no RAM. */
async function traces(vmx: string): Promise<{ lock: unknown; runs: string[]; ram: string[] }> {
  const names = world().host.names;
  const list = (path: string) => (existsSync(path) ? readdirSync(path) : []);
  return { lock: await lockHolder(machineNames(vmx).lock), runs: list(names.run), ram: list(names.ram) };
}
const none = { lock: undefined, runs: [], ram: [] };

describe('start', () => {
  it('says how many bytes of RAM do not fit into a file', async () => {
    const demo = world().machine();
    leaveRoom(world().host.names.ram, -4 * 1024 ** 3);
    const { notes } = await start(world().host, 'demo', startBody(), quiet);
    const told = like(
      /^The RAM of demo is not in a file.* has room for \d+ more bytes .* 67108864 bytes \(64 MiB\)/,
    );
    expect(notes).toEqual([told]);
    expect(demo.read('demo.log')).toContain('The RAM of demo is not in a file');
    expect(world().running().record.ram).toBeNull();
  });

  it('waits for the agent, and reports the address and how long each step took', async () => {
    const { vmx } = world().machine();
    const started = await start(world().host, 'demo', startBody({ wait: 'agent' }), quiet);
    expect(started).toMatchObject({ state: 'running', accelerator: 'tcg', waitedFor: 'agent', agent: true });
    expect(started.timings.agentMs).toBeGreaterThan(0);
    const { pid } = world().engines.of('demo');
    expect(await lockHolder(machineNames(vmx).lock)).toMatchObject({ pid, purpose: 'qemu' });
    await expect.poll(() => world().running().ip).toBe('10.0.2.15');
    expect(await show(world().host, 'demo')).toMatchObject({
      pid,
      machineType: 'virt-7.2',
      engineVersion: like(/^7\.2/),
    });
  });

  it('waits for the first line of the console', async () => {
    world().machine();
    const { timings } = await start(world().host, 'demo', startBody({ wait: 'boot' }), quiet);
    expect(timings.bootMs).toBeGreaterThan(0);
  });

  it('waits for an address, and tells the stages that the guest has reached', async () => {
    world().machine();
    const started = await start(world().host, 'demo', startBody({ wait: 'network' }), quiet);
    expect(started).toMatchObject({ waitedFor: 'network', ip: '10.0.2.15' });
    expect(started.timings.networkMs).toBeGreaterThan(0);
    expect(reachedStages(started.timings).map(({ stage }) => stage)).toContain('agent');
    expect([started.timings.loginMs, started.timings.desktopMs]).toEqual([null, null]);
  });

  it('waits for a login prompt', async () => {
    world().machine();
    const bootLine = 'UEFI firmware (version 1)\nLinux version 6.1\n\ndemo login: ';
    world().engines.guest = { ...usualGuest, agent: 'none', bootLine };
    const { timings, stage } = await start(world().host, 'demo', startBody({ wait: 'login' }), quiet);
    expect(timings.loginMs).toBeGreaterThan(0);
    expect(reachedStages(timings).map((each) => each.stage)).toEqual([
      'console',
      'firmware',
      'kernel',
      'login',
    ]);
    expect(stage).toBe('login');
  });

  it('tells a desktop when its agent opens its port', async () => {
    world().machine();
    const engine = await world().start();
    engine.event('VSERPORT_CHANGE', { id: 'vdagent0', open: true });
    await expect.poll(() => world().running().record.timings.desktopMs).toBeGreaterThan(0);
  });

  it('says where a guest has stalled, with a screenshot beside the log', async () => {
    const demo = world().machine();
    world().engines.guest = { ...usualGuest, agent: 'none', bootLine: 'Linux version 6.1\nStuck\n' };
    const waiting = start(world().host, 'demo', startBody({ wait: 'login', timeoutMs: 500 }), quiet);
    expect(await refused(waiting)).toMatchObject({
      code: 'GUEST_TIMEOUT',
      message: like(/no login prompt.* kernel after .*demo-stalled\.png.*Stuck/s),
    });
    expect(demo.files()).toContain('demo-stalled.png');
  });

  it('sends the commands that set the machine up', async () => {
    world().machine('demo', ['ethernet0.startConnected = "FALSE"']);
    const engine = await world().start();
    expect(engine.received).toContain('set_link');
  });

  it('pins the machine type, and gives a UUID to a machine without one', async () => {
    const demo = world().machine();
    writeFileSync(demo.vmx, demo.read('demo.vmx').replace(/uuid\.bios.*\n/, ''));
    await world().start();
    expect(demo.read('demo.vmx')).toMatch(/kame\.machineType = "virt-7\.2"/);
    expect(demo.read('demo.vmx')).toMatch(/uuid\.bios = "(?!00 00)/);
  });

  it('reports what would be started, and starts nothing', async () => {
    world().machine();
    const plan = await planStart(world().host, 'demo', quiet.signal);
    expect(plan).toMatchObject({ accelerator: 'tcg', machineType: 'virt-7.2' });
    expect(plan.text).toContain('-pidfile');
    expect(world().engines.all).toEqual([]);
  });

  it('is refused for a machine that is running or being changed', async () => {
    const { vmx } = world().machine();
    await world().start();
    expect(await refused(world().start())).toMatchObject({
      code: 'WRONG_STATE',
      message: like(/demo is already running/),
    });
    const about = { key: vmx, machine: 'demo', verb: 'clone' } as const;
    await world().host.operations.exclusive(about, async () => {
      expect((await refused(world().start())).code).toBe('BUSY');
    });
  });

  it('is refused while another program holds the machine, with its name and pid', async () => {
    const { vmx } = world().machine();
    const other = spawn('sleep', ['60'], { stdio: 'ignore' });
    const holder = await identify(other.pid ?? 0);
    await handLock(machineNames(vmx).lock, { pid: 0, birth: '', ...holder, purpose: 'qemu' });
    expect(await refused(world().start())).toMatchObject({
      code: 'BUSY',
      message: like(new RegExp(`qemu \\(process ${other.pid}\\)`)),
    });
    other.kill('SIGKILL');
  });

  it('is refused for a machine that another program has suspended, unless its state is discarded', async () => {
    const demo = world().machine('demo', ['checkpoint.vmState = "demo.vmss"']);
    expect(await refused(world().start())).toMatchObject({
      code: 'WRONG_STATE',
      next: like(/--discard-state/),
    });
    await world().start('demo', { discardState: true });
    expect(demo.read('demo.vmx')).toContain('checkpoint.vmState = ""');
  });

  it('is refused for a broken machine, and for one whose kernel is missing', async () => {
    const demo = world().machine();
    const text = demo.read('demo.vmx');
    writeFileSync(demo.vmx, text.replace('"kernel"', '"gone"'));
    expect(await refused(world().start())).toMatchObject({ code: 'FILE_ACCESS', message: like(/gone/) });
    writeFileSync(demo.vmx, text.replace('memsize = "64"', 'memsize = "x"'));
    expect((await refused(world().start())).code).toMatch(/BROKEN_MACHINE|INVALID_VALUE/);
    expect(await traces(demo.vmx)).toEqual(none);
  });
});

describe('a start that fails', () => {
  it('reports the last output of the engine and leaves nothing behind', async () => {
    const { vmx } = world().machine();
    world().engines.begin = `echo 'qemu-system-aarch64: Failed to get "write" lock' >&2; exit 1`;
    const error = await refused(world().start());
    expect(error).toMatchObject({ code: 'BUSY', message: like(/exit code 1.*Failed to get "write" lock/) });
    expect(await traces(vmx)).toEqual(none);
    world().engines.begin = '';
    await world().start();
    expect(world().running().state).toBe('running');
  });

  it('says why, and frees the machine, also when something in its run directory cannot be removed', async () => {
    const { vmx } = world().machine();
    const { directory } = runNames(world().host.names, vmx);
    const obstacle = join(directory, `x${companionExtension}`);
    world().engines.begin = `mkdir '${obstacle}'; echo 'no memory left' >&2; exit 1`;
    expect(await refused(world().start())).toMatchObject({ message: like(/no memory left/) });
    expect(await lockHolder(machineNames(vmx).lock)).toBeUndefined();
    expect(world().logged).toContainEqual(like(/^Could not remove all traces of an engine.*x\.companion/));
    rmSync(obstacle, { recursive: true });
    world().engines.begin = '';
    await world().start();
    expect(world().running().state).toBe('running');
  });

  it('kills an engine that rejects its setup', async () => {
    const { vmx } = world().machine('demo', ['ethernet0.startConnected = "FALSE"']);
    world().engines.troubles.refuse('set_link', 'no such card');
    expect(await refused(world().start())).toMatchObject({
      code: 'ENGINE_FAILED',
      message: like(/no such card/),
    });
    await world().engines.of('demo').ended;
    expect(await traces(vmx)).toEqual(none);
  });

  it('reports an engine that dies during the greeting', async () => {
    const { vmx } = world().machine();
    world().engines.troubles.die('qmp_capabilities');
    expect(await refused(world().start())).toMatchObject({ code: 'ENGINE_FAILED', message: like(/SIGKILL/) });
    expect(await traces(vmx)).toEqual(none);
  });

  it('can be cancelled while the engine does not open its monitor', async () => {
    const { vmx } = world().machine();
    world().engines.mute = true;
    const cancel = new AbortController();
    const starting = start(world().host, 'demo', startBody(), silentProgress(cancel.signal));
    await expect.poll(() => world().engines.all).toHaveLength(1);
    cancel.abort();
    expect((await refused(starting)).code).toBe('CANCELLED');
    await world().engines.of('demo').ended;
    expect(await traces(vmx)).toEqual(none);
  });

  it('keeps a machine whose agent does not answer, and shows its console', async () => {
    world().machine();
    world().engines.guest = { ...usualGuest, agent: 'none', bootLine: 'Kernel panic\n' };
    const waiting = start(world().host, 'demo', startBody({ wait: 'agent', timeoutMs: 50 }), quiet);
    expect(await refused(waiting)).toMatchObject({
      code: 'GUEST_TIMEOUT',
      message: like(/agent.*Kernel panic/s),
    });
    expect(world().running().state).toBe('running');
  });

  it('keeps a machine that prints nothing', async () => {
    world().machine();
    world().engines.guest = { ...usualGuest, bootLine: null };
    const waiting = start(world().host, 'demo', startBody({ wait: 'boot', timeoutMs: 50 }), quiet);
    expect(await refused(waiting)).toMatchObject({ code: 'GUEST_TIMEOUT', message: like(/console/) });
  });

  it.each(['agent', 'boot'] as const)(
    'reports an engine that ends while its %s is waited for',
    async (wait) => {
      const { vmx } = world().machine();
      world().engines.guest = { ...usualGuest, agent: 'none', bootLine: null };
      const waiting = start(world().host, 'demo', startBody({ wait }), quiet);
      await expect.poll(() => world().host.running.size).toBe(1);
      world().engines.of('demo').fail('out of luck');
      expect(await refused(waiting)).toMatchObject({ code: 'ENGINE_FAILED', message: like(/out of luck/) });
      expect(await traces(vmx)).toEqual(none);
    },
  );

  it.each(['agent', 'boot'] as const)(
    'leaves the machine running when waiting for its %s is cancelled',
    async (wait) => {
      world().machine();
      world().engines.guest = { ...usualGuest, agent: 'silent', bootLine: null };
      const cancel = new AbortController();
      const waiting = start(world().host, 'demo', startBody({ wait }), silentProgress(cancel.signal));
      await expect.poll(() => world().host.running.size).toBe(1);
      cancel.abort();
      expect((await refused(waiting)).code).toBe('CANCELLED');
      expect(world().running().state).toBe('running');
    },
  );
});
