import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import { identify } from '../../src/sys/process-identity.ts';
import { FileEvents } from '../faults/moment.ts';
import { engineTest as it, expectStopped, firstEngine, noEngine } from '../support/engine-test.ts';
import type { Guest } from '../support/guest.ts';
import { waitForExit, type TestHome } from '../support/home.ts';
import { setEngineMode } from '../support/run-directory.ts';

const start = ['start', 'demo', '--wait', 'none'];

/** Waits until the daemon does nothing. */
async function idle(home: TestHome): Promise<void> {
  const none = async () => ((await home.client().tasks.list()).length === 0 ? true : undefined);
  expect(await poll(none, { deadlineMs: 10_000 })).toBe(true);
}

describe('a command that is killed', () => {
  it('before the engine’s greeting: the machine is not started', async ({ home, demo }) => {
    await setEngineMode(home, 'hang');
    const command = home.begin(start);
    await firstEngine(home);
    command.kill('SIGKILL');
    // The daemon ends what its client no longer waits for.
    await noEngine(home);
    await idle(home);
    await expectStopped(demo);
  });

  it('while the guest boots: the machine runs', async ({ home, demo }) => {
    const command = home.begin(['start', 'demo']);
    const running = async () => ((await demo.state()) === 'running' ? true : undefined);
    expect(await poll(running, { deadlineMs: 20_000 })).toBe(true);
    command.kill('SIGKILL');
    await idle(home);
    expect(await demo.state()).toBe('running');
    expect(await home.engines()).toHaveLength(1);
    await demo.stop();
    await expectStopped(demo);
  });

  it('while a machine is created: it does not exist', async ({ home, demo }) => {
    await setEngineMode(home, 'hang-image');
    // A disk that must grow needs qemu-img; a copy of the image alone may be there before the command is killed.
    const command = home.begin(['create', 'second', '--disk', '8GiB']);
    const machines = dirname(demo.directory);
    const begun = async () => ((await readdir(machines)).length > 1 ? true : undefined);
    expect(await poll(begun, { deadlineMs: 20_000 })).toBe(true);
    command.kill('SIGKILL');
    const gone = async () => ((await readdir(machines)).length === 1 ? true : undefined);
    expect(await poll(gone, { deadlineMs: 20_000 })).toBe(true);
    expect(await home.json('list')).toMatchObject([{ name: 'demo', state: 'stopped' }]);
  });
});

describe('a daemon that is killed between starting an engine and its greeting', () => {
  it('adopts the engine when the greeting comes', async ({ home, demo }) => {
    await setEngineMode(home, 'hang');
    const command = home.begin(start);
    const pid = await firstEngine(home);
    await home.killDaemon();
    await command.ended;
    const listing = home.kame(['list']);
    process.kill(pid, 'SIGCONT');
    expect(await listing).toMatchObject({ code: 0 });
    expect(await demo.state()).toBe('running');
    expect(await home.engines()).toEqual([pid]);
    expect(JSON.parse(await readFile(demo.file('lock'), 'utf8'))).toMatchObject({ pid, purpose: 'qemu' });
    expect((await demo.details()).machineType).toMatch(/^virt-/);
    await demo.stop();
    await expectStopped(demo);
  });

  it('kills an engine whose greeting never comes', async ({ home, demo }) => {
    await setEngineMode(home, 'hang');
    const command = home.begin(start);
    const pid = await firstEngine(home);
    await home.killDaemon();
    await command.ended;
    await expectStopped(demo);
    expect(await identify(pid)).toBe(undefined);
  });
});

describe('a daemon that is killed during a proof', () => {
  it('is followed by one that ends the engine of the proof, but not that of an unregistered machine', async ({
    home,
    demo,
  }) => {
    const lives = 'while :; do sleep 1; done';
    const directories = ['0badcafe', '0badf00d'].map((name) => join(home.path, 'run', name));
    const [proof, machine] = directories.map((directory) => {
      const args = ['-c', lives, 'engine', '-pidfile', join(directory, 'pid')];
      return spawn('sh', args, { stdio: 'ignore' });
    });
    for (const directory of directories) await mkdir(directory, { recursive: true });
    await writeFile(join(directories[1] ?? '', 'machine.json'), '{}');
    await home.killDaemon();
    expect(await demo.state()).toBe('stopped');
    await waitForExit(proof?.pid ?? 0);
    expect([proof?.signalCode, machine?.signalCode]).toEqual(['SIGKILL', null]);
    expect(await readdir(join(home.path, 'run'))).toEqual(['0badf00d']);
    machine?.kill('SIGKILL');
    await home.killDaemon();
    await expectStopped(demo);
  });
});

/** What is watched while something is done to a machine, for the moments at which its daemon is killed. */
function watched(demo: Guest): string[] {
  const { path } = demo.home;
  return [join(path, 'machines'), demo.directory, join(path, 'run')];
}

/** Runs a command and kills the daemon at the so-manyth coming, going or renaming of a file. @returns whether it was */
async function killedAt(event: number, demo: Guest, args: readonly string[]): Promise<boolean> {
  const { home } = demo;
  await home.json('daemon', 'start');
  const daemon = await home.daemonPid();
  let killed = false;
  using _events = new FileEvents(watched(demo), (count) => {
    if (count !== event) return;
    process.kill(daemon ?? 0, 'SIGKILL');
    killed = true;
  });
  await home.begin(args).ended;
  return killed;
}

// Every other step, so that it takes half of the time: a start has some twenty.
describe('a daemon that is killed at the steps on disk', () => {
  it(
    'of a start: the machine runs or is stopped, as its engine does',
    { timeout: 300_000 },
    async ({ home, demo }) => {
      await mkdir(join(home.path, 'run'), { recursive: true });
      let event = 1;
      for (; await killedAt(event, demo, start); event += 2) {
        const state = await demo.state();
        const engines = await home.engines();
        // The facts are the engines; the list must say the same.
        expect({ event, state, engines: engines.length }).toEqual({
          event,
          state: engines.length === 0 ? 'stopped' : 'running',
          engines: engines.length === 0 ? 0 : 1,
        });
        if (engines.length > 0) await demo.stop();
        await expectStopped(demo);
      }
      // Undisturbed, it has made some steps, and runs.
      expect(event).toBeGreaterThan(5);
      expect(await demo.state()).toBe('running');
    },
  );

  it(
    'of a create: the machine is complete or does not exist',
    { timeout: 300_000 },
    async ({ home, demo }) => {
      let event = 1;
      for (; await killedAt(event, demo, ['create', 'second']); event += 2) {
        const machines = await home.ask(async (client) => await client.machines.list());
        expect((await readdir(join(home.path, 'machines'))).toSorted()).toEqual(
          machines.map(({ name }) => `${name}.vmwarevm`),
        );
        expect({ event, states: machines.map(({ state }) => state) }).toEqual({
          event,
          states: machines.map(() => 'stopped'),
        });
        if (machines.length > 1) await home.json('delete', 'second', '--yes');
      }
      expect(event).toBeGreaterThan(2);
      expect(await home.json('list')).toMatchObject([{ name: 'demo' }, { name: 'second', state: 'stopped' }]);
    },
  );
});
