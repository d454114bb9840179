import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stopBody } from '../../../test/support/bodies.ts';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { machineNames, runNames } from '../../store/names.ts';
import { readRunRecord, writeRunRecord } from '../../store/run-record.ts';
import { lockHolder, takeLock } from '../../sys/lock.ts';
import { stop } from '../power/stop.ts';
import { suspend } from '../power/suspend.ts';
import { show } from '../running/describe.ts';
import { reach } from '../running/stages.ts';
import { adoptAll } from './adopt.ts';

const world = useWorld();

/** The daemon ends and another takes its place. */
async function nextDaemon(): Promise<void> {
  await world().replaceHost();
  await adoptAll(world().host);
}

describe('after the end of a daemon', () => {
  it('the next one takes over the running machine, its agent and its console', async () => {
    const { vmx } = world().machine();
    const engine = await world().start('demo', { wait: 'agent' });
    const { startedAt } = world().running().record;
    await nextDaemon();
    expect(await show(world().host, 'demo')).toMatchObject({ state: 'running', pid: engine.pid, startedAt });
    await expect.poll(() => world().running().agentAnswers).toBe(true);
    expect(await lockHolder(machineNames(vmx).lock)).toMatchObject({ pid: engine.pid, purpose: 'qemu' });
    engine.guest.onPowerOff();
    await expect.poll(() => world().host.running.size).toBe(0);
  });

  it.each([
    ['paused', null],
    ['io-error', 'warning'],
  ] as const)('a machine whose engine is %s is paused', async (state, severity) => {
    world().machine();
    (await world().start()).stop(state);
    await nextDaemon();
    const { state: seen, problems } = await show(world().host, 'demo');
    expect([seen, problems[0]?.severity ?? null]).toEqual(['paused', severity]);
  });

  it('a machine whose engine was killed in the meantime is stopped, and nothing of it is left', async () => {
    const { vmx } = world().machine();
    const engine = await world().start();
    await world().replaceHost();
    await engine.crash();
    await adoptAll(world().host);
    const names = world().host.names;
    const { problems, state } = await show(world().host, 'demo');
    expect([state, problems.map(({ message }) => message)]).toEqual([
      'stopped',
      [like(/^The engine of demo ended unexpectedly while Kame was not connected to it.*kame logs demo/)],
    ]);
    expect(readFileSync(machineNames(vmx).log, 'utf8')).toContain('ended unexpectedly while');
    expect([readdirSync(names.run), readdirSync(names.ram)]).toEqual([[], []]);
    expect(existsSync(machineNames(vmx).lock)).toBe(false);
  });

  it('a machine that hears only its agent is stopped by the next one at once', async () => {
    world().machine();
    world().engines.guest = { ...usualGuest, hearsPowerButton: false };
    await world().start('demo', { wait: 'agent' });
    await nextDaemon();
    // The command comes before the first answer.
    world().running().agentAnswers = false;
    await stop(world().host, 'demo', stopBody({ timeoutMs: 5000 }), quiet);
    expect(world().host.running.size).toBe(0);
  });

  it('a machine whose guest powered off in the meantime is stopped, and nothing is wrong', async () => {
    world().machine();
    const engine = await world().start();
    await world().replaceHost();
    engine.guest.onPowerOff();
    await engine.ended;
    await adoptAll(world().host);
    expect(await show(world().host, 'demo')).toMatchObject({ state: 'stopped', problems: [] });
  });

  it('an engine that does not answer is left alone, and the log says so', async () => {
    world().machine();
    const engine = await world().start();
    await world().replaceHost();
    world().engines.troubles.refuse('query-status', 'stuck');
    await adoptAll(world().host);
    expect(world().host.running.size).toBe(0);
    expect(world().logged.join()).toContain('stuck');
    // It holds its machine all the same.
    expect((await refused(world().start())).code).toBe('ENGINE_TIMEOUT');
    await nextDaemon();
    expect(world().running().engine.process.pid).toBe(engine.pid);
  });

  it('what the former one still sees of the guest is not recorded', async () => {
    world().machine();
    await world().start('demo', { wait: 'agent' });
    const { host } = world();
    const machine = world().running();
    const [{ run, record }, seen] = [machine, new Date(0).toISOString()];
    await world().replaceHost();
    await writeRunRecord(run, { ...record, startedAt: seen });
    reach(host, machine, 'login');
    await machine.recordWritten;
    expect(await readRunRecord(run)).toMatchObject({ startedAt: seen, timings: record.timings });
  });

  it('an engine without a record is not adopted', async () => {
    world().machine();
    await world().start();
    const { record } = world().running().run;
    await world().replaceHost();
    writeFileSync(record, 'half of a rec');
    await adoptAll(world().host);
    expect(world().host.running.size).toBe(0);
    expect(world().logged.join()).toContain('machine.json');
  });
});

describe('a daemon that was killed in the middle of a start', () => {
  it('before it recorded the engine: the next one sets it up and records it', async () => {
    const { vmx } = world().machine('demo', ['ethernet0.startConnected = "FALSE"']);
    const engine = await world().start();
    const { run, record } = world().running();
    await world().replaceHost();
    await writeRunRecord(run, { ...record, engine: null });
    rmSync(machineNames(vmx).lock);
    await takeLock(machineNames(vmx).lock, 'kamed', 'demo');
    const before = engine.received.filter((name) => name === 'set_link').length;
    await adoptAll(world().host);
    expect((await readRunRecord(run))?.engine?.pid).toBe(engine.pid);
    expect(await lockHolder(machineNames(vmx).lock)).toMatchObject({ pid: engine.pid });
    expect(engine.received.filter((name) => name === 'set_link')).toHaveLength(before + 1);
  });

  it.each([
    ['was given a saved state has not got it all', 'loading', 'checkpoints/s-01234567', null, undefined],
    ['had all of its state resumes', 'loading', '', 'running', undefined],
    ['had all of its state and runs', 'loading', '', 'running', 'running'],
    ['had all of its state stays paused if it was', 'loading paused', '', 'paused', undefined],
  ] as const)('an engine that %s', async (_name, restored, vmState, state, engineState) => {
    const demo = world().machine('demo', [`checkpoint.vmState = "${vmState}"`]);
    const engine = await world().start('demo', { discardState: true });
    const { run, record } = world().running();
    await world().replaceHost();
    if (engineState === undefined) engine.stop();
    writeFileSync(demo.vmx, demo.read('demo.vmx').replace(/vmState = ".*"/, `vmState = "${vmState}"`));
    await writeRunRecord(run, { ...record, restored });
    await adoptAll(world().host);
    const machine = world().host.running.get(demo.vmx);
    expect(machine?.state ?? null).toBe(state);
    expect((await readRunRecord(run))?.restored ?? null).toBe(state === null ? null : 'yes');
    if (state === null) await engine.ended;
  });
});

describe('what a machine that no longer exists left behind', () => {
  /** An engine with a run directory of no machine on the list. */
  async function stray(withRecord: boolean): Promise<{ directory: string; pid: number }> {
    const directory = join(world().host.names.run, '0a1b2c3d');
    mkdirSync(directory, { recursive: true });
    if (withRecord) writeFileSync(join(directory, 'machine.json'), '{}');
    const words = ['-name', 'guest=stray', '-pidfile', join(directory, 'pid')];
    const child = spawn(join(world().engines.directory, 'qemu-system-aarch64'), words, { stdio: 'ignore' });
    await expect.poll(() => world().engines.all).toHaveLength(1);
    return { directory, pid: child.pid ?? 0 };
  }

  it('is ended when it proved an accelerator', async () => {
    const { directory } = await stray(false);
    await adoptAll(world().host);
    await world().engines.of('stray').ended;
    expect(existsSync(directory)).toBe(false);
  });

  it('is left alone when it is a machine that has left the list', async () => {
    const { directory, pid } = await stray(true);
    await adoptAll(world().host);
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(existsSync(directory)).toBe(true);
  });

  it.each([
    ['is ended when it waits for a state that nobody will send', 'migrate-incoming', true],
    ['is left alone when it has loaded its state', 'cont', false],
  ])('%s', async (_what, command, ends) => {
    const demo = world().machine();
    await world().start();
    await suspend(world().host, 'demo', quiet);
    const { reached } = world().engines.troubles.hang(command);
    const starting = world().start();
    await reached;
    world().abandonHost(starting);
    const { directory } = runNames(world().host.names, demo.vmx);
    renameSync(demo.directory, join(world().home, 'away.vmwarevm'));
    await adoptAll(world().host);
    if (ends) await world().engines.of('demo').ended;
    expect(existsSync(directory)).toBe(!ends);
  });

  it('in memory is removed', async () => {
    const { vmx } = world().machine();
    await world().start();
    const { ram } = world().host.names;
    const own = runNames(world().host.names, vmx).directory.split('/').at(-1) ?? '';
    for (const name of ['0a1b2c3d.ram', `${own}.taken`]) writeFileSync(join(ram, name), '');
    await nextDaemon();
    expect(readdirSync(ram)).toEqual([`${own}.ram`]);
  });
});
