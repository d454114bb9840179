import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { restartBody, stopBody } from '../../../test/support/bodies.ts';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { hurry } from '../../../test/support/standstill.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { silentProgress } from '../../core/progress.ts';
import { machineNames, runNames } from '../../store/names.ts';
import { handLock, lockHolder } from '../../sys/lock.ts';
import { identify } from '../../sys/process-identity.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { list, show } from '../running/describe.ts';
import { restart, stop } from './stop.ts';

const world = useWorld();
const agentFirst = async () => {
  await world().start('demo', { wait: 'agent' });
  return world().engines.of('demo');
};
const end = async (body: Parameters<typeof stopBody>[0] = {}, progress = quiet) =>
  await stop(world().host, 'demo', stopBody(body), progress);

describe('stop', () => {
  it('asks the agent, and the machine is stopped when its engine has ended', async () => {
    const { vmx } = world().machine();
    const engine = await agentFirst();
    expect(await end()).toMatchObject({ name: 'demo', state: 'stopped' });
    expect(engine.guest.calls).toContain('guest-shutdown');
    expect(engine.received).not.toContain('system_powerdown');
    expect(await lockHolder(machineNames(vmx).lock)).toBeUndefined();
    expect(existsSync(runNames(world().host.names, vmx).directory)).toBe(false);
    expect(world().events.at(-1)).toMatchObject({ type: 'machine.state', state: 'stopped' });
  });

  it('removes the marker that keeps VMware from opening the machine, also after the engine was killed', async () => {
    const { vmx } = world().machine();
    const engine = await agentFirst();
    expect(existsSync(`${vmx}.lck`)).toBe(true);
    await end();
    expect(existsSync(`${vmx}.lck`)).toBe(false);
    const other = await world().start('demo', { wait: 'agent' });
    expect([engine.pid === world().engines.of('demo').pid, existsSync(`${vmx}.lck`)]).toEqual([false, true]);
    process.kill(world().engines.of('demo').pid, 'SIGKILL');
    await world().running().ended;
    expect([other.state, existsSync(`${vmx}.lck`)]).toEqual(['running', false]);
  });

  it('ends a machine whose lock something else has replaced, and says in the log that it is still there', async () => {
    const { vmx } = world().machine();
    const { lock } = machineNames(vmx);
    await world().start();
    rmSync(lock);
    mkdirSync(lock);
    await stop(world().host, 'demo', stopBody({ hard: true }), quiet);
    expect(world().host.running.all()).toEqual([]);
    expect(world().logged.filter((line) => line.startsWith('Could not remove all traces'))).toHaveLength(1);
  });

  it('presses the power button if no agent answers', async () => {
    world().machine();
    world().engines.guest = { ...usualGuest, agent: 'none' };
    const engine = await world().start();
    expect((await end()).state).toBe('stopped');
    expect(engine.received).toContain('system_powerdown');
  });

  it('presses the power button when the agent has fallen silent', async () => {
    world().machine();
    const handlers = { 'guest-ping': () => ({ error: { class: 'GenericError', desc: 'not now' } }) };
    world().engines.guest = { ...usualGuest, handlers };
    const engine = await agentFirst();
    expect((await end()).state).toBe('stopped');
    expect(engine.received).toContain('system_powerdown');
    expect(engine.guest.calls).not.toContain('guest-shutdown');
  });

  it('resumes a paused guest so that it can react', async () => {
    world().machine();
    world().engines.guest = { ...usualGuest, agent: 'none' };
    const engine = await world().start();
    engine.stop();
    await expect.poll(() => world().running().state).toBe('paused');
    expect((await end()).state).toBe('stopped');
    expect(engine.received).toContain('cont');
  });

  it('gives up after its time limit, and the machine keeps running', async () => {
    world().machine();
    world().engines.guest = { ...usualGuest, hearsPowerButton: false, agentPowersOff: false };
    const engine = await agentFirst();
    expect(await refused(end({ timeoutMs: 40 }))).toMatchObject({
      code: 'GUEST_TIMEOUT',
      next: like(/--hard/),
    });
    // The button is tried when the agent's way leads nowhere.
    expect(engine.received).toContain('system_powerdown');
    expect(world().running().state).toBe('running');
  });

  it('can be cancelled while it waits', async () => {
    world().machine();
    world().engines.guest = { ...usualGuest, agent: 'none', hearsPowerButton: false };
    const engine = await world().start();
    const cancel = new AbortController();
    const stopping = end({}, silentProgress(cancel.signal));
    await expect.poll(() => engine.received).toContain('system_powerdown');
    cancel.abort();
    expect((await refused(stopping)).code).toBe('CANCELLED');
    expect(world().running().state).toBe('running');
  });

  it('powers off at once on request, even while something else waits', async () => {
    const { vmx } = world().machine();
    const engine = await agentFirst();
    const about = { key: vmx, machine: 'demo', verb: 'snapshot' } as const;
    await world().host.operations.exclusive(about, async () => {
      expect((await end({ hard: true })).state).toBe('stopped');
    });
    expect([engine.received.at(-1), engine.guest.calls.includes('guest-shutdown')]).toEqual(['quit', false]);
  });

  it('kills an engine that refuses to quit', async () => {
    world().machine();
    const engine = await world().start();
    world().engines.troubles.refuse('quit', 'no');
    // A monitor that says no is no reason to wait: the process is what counts.
    const stopping = end({ hard: true });
    await expect.poll(() => engine.received).toContain('quit');
    await engine.crash();
    expect((await stopping).state).toBe('stopped');
  });

  it('ends an engine that no daemon could adopt, but only with --hard', async () => {
    const { vmx } = world().machine();
    world().engines.mute = true;
    const names = runNames(world().host.names, vmx);
    mkdirSync(names.directory, { recursive: true });
    const arguments_ = ['-name', 'guest=stuck', '-pidfile', `${names.directory}/pid`];
    const stuck = spawn(`${world().engines.directory}/qemu-system-aarch64`, arguments_, { stdio: 'ignore' });
    await expect.poll(() => world().engines.all).toHaveLength(1);
    expect(await refused(end())).toMatchObject({
      code: 'ENGINE_TIMEOUT',
      message: like(new RegExp(String(stuck.pid))),
    });
    expect((await end({ hard: true })).state).toBe('stopped');
    await world().engines.of('stuck').ended;
    expect(existsSync(names.directory)).toBe(false);
  });

  it('is refused for a machine that is not running', async () => {
    world().machine();
    expect(await refused(end())).toMatchObject({ code: 'WRONG_STATE', message: like(/stopped/) });
    expect((await refused(stop(world().host, 'dem', stopBody(), quiet))).message).toContain('demo');
  });

  it('is refused for an engine of another home, which keeps running', async () => {
    const { vmx } = world().machine();
    const other = spawn('sleep', ['60'], { stdio: 'ignore' });
    const holder = await identify(other.pid ?? 0);
    await handLock(machineNames(vmx).lock, { pid: 0, birth: '', ...holder, purpose: 'qemu' });
    expect(await list(world().host)).toMatchObject([{ name: 'demo', state: 'unreachable' }]);
    expect(await refused(end())).toMatchObject({
      code: 'BUSY',
      message: like(new RegExp(String(other.pid))),
    });
    other.kill('SIGKILL');
  });
});

describe('restart', () => {
  it('ends the engine and starts a new one', async () => {
    world().machine();
    const first = await agentFirst();
    const body = restartBody({ wait: 'agent' });
    expect(await restart(world().host, 'demo', body, quiet)).toMatchObject({ state: 'running', agent: true });
    expect(world().engines.all).toHaveLength(2);
    expect(world().engines.of('demo').pid).not.toBe(first.pid);
  });

  it('needs a running machine', async () => {
    world().machine();
    const error = await refused(restart(world().host, 'demo', restartBody(), quiet));
    expect(error.code).toBe('WRONG_STATE');
    expect(world().engines.all).toEqual([]);
  });
});

describe('an engine that exits by itself', () => {
  it('after a shutdown in the guest leaves a stopped machine', async () => {
    const demo = world().machine();
    const engine = await world().start();
    engine.guest.onPowerOff();
    await expect.poll(() => world().host.running.size).toBe(0);
    await expect.poll(() => demo.read('demo.log')).toContain('stopped');
  });

  it('after a crash has its disks checked', async () => {
    const demo = world().machine();
    const engine = await world().start();
    await engine.crash();
    await expect.poll(() => world().host.running.size).toBe(0);
    expect(await lockHolder(machineNames(demo.vmx).lock)).toBeUndefined();
    expect(world().logged).toEqual([like(/^The engine of demo ended unexpectedly \(killed by SIGKILL\)/)]);
  });

  it('has its death reported: the signal, its last output and the likely cause', async () => {
    const demo = world().machine();
    const engine = await world().start();
    const { ended } = world().running();
    engine.options.order(`printf 'oh dear\n' >&2; kill -BUS $$`);
    await ended;
    const told = like(
      /^The engine of demo .*\(killed by SIGBUS\).*oh dear.* memory file system .* \d+ bytes/,
    );
    expect(world().events.at(-1)).toMatchObject({ type: 'machine.state', state: 'stopped', message: told });
    expect(demo.read('demo.log')).toContain('kame: The engine of demo ended unexpectedly (killed by SIGBUS)');
    const problems = async () => (await show(world().host, 'demo')).problems.map(({ message }) => message);
    expect(await problems()).toEqual([told]);
    await world().start();
    expect(await problems()).toEqual([]);
  });

  it('has its death reported even if only an earlier daemon could know the details', async () => {
    world().machine();
    const engine = await world().start();
    await adoptAll(await world().replaceHost());
    const { ended } = world().running();
    engine.options.order(`printf 'oh dear\n' >&2; kill -BUS $$`);
    await ended;
    expect(world().events.at(-1)?.message).toMatch(/^The engine of demo ended unexpectedly\. .*oh dear/);
  });

  it('is reported as stopped when Kame killed it', async () => {
    world().machine();
    await world().start();
    const { reached } = world().engines.troubles.hang('quit');
    await hurry(5000, async () => await end({ hard: true }), reached);
    expect(world().events.at(-1)?.message).toBe('demo has stopped.');
  });
});
