import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import type { Machine, MachineDetails } from '../../src/api/machine.ts';
import { pause, poll } from '../../src/core/deadline.ts';
import { identify } from '../../src/sys/process-identity.ts';
import { seeded } from '../support/checkpoints.ts';
import { builtIn, useHome, type TestHome } from '../support/home.ts';
import { refusal } from '../support/refusal.ts';

// The engine is real, but started by a script that can be told to fail. Hardly any guest boots.
let home: TestHome;

/** Stands in the engine's place: does what the file `mode` says, and is the real engine otherwise. */
const wrapper = `#!/bin/sh
here=$(dirname "$0")
case " $* " in *" -M none "*) exec qemu-system-aarch64 "$@";; esac
mode=$(cat "$here/mode" 2>/dev/null)
case $mode in
  say:*) echo "qemu-system-aarch64: \${mode#say:}" >&2; exit 1;;
  die) kill -KILL $$;;
  hang) kill -STOP $$;;
  late) sleep 1.5;;
esac
exec qemu-system-aarch64 "$@"
`;

async function engineMode(mode: string): Promise<void> {
  await writeFile(join(home.path, 'engine', 'mode'), mode);
}

beforeAll(async () => {
  const made = await useHome();
  const engine = join(made.path, 'engine');
  await mkdir(engine);
  await writeFile(join(engine, 'qemu'), wrapper);
  await chmod(join(engine, 'qemu'), 0o755);
  home = made.with({ KAME_QEMU_AARCH64: join(engine, 'qemu') });
  await home.json('create', 'demo', '--set', 'accelerator=tcg');
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await engineMode('real');
  onTestFailed(async ({ task }) => {
    await home.postMortem(`engine-trouble ${task.name}`);
    // The next test shall find what it expects.
    await home.kame(['stop', 'demo', '--hard']);
    await rm(lock(), { force: true });
  });
});

const bundle = (): string => join(home.path, 'machines', 'demo.vmwarevm');
const lock = (): string => join(bundle(), 'lock');

async function stateOfDemo(): Promise<string | undefined> {
  return (await home.json<Machine[]>('list')).find(({ name }) => name === 'demo')?.state;
}

/** Nothing runs, nobody holds the machine, and nothing of a run is left. */
async function expectStopped(): Promise<void> {
  expect(await stateOfDemo()).toBe('stopped');
  expect(await home.engines()).toEqual([]);
  expect(existsSync(lock())).toBe(false);
  expect(await readdir(join(home.path, 'run')).catch(() => [])).toEqual([]);
}

/** Starts a command and does not wait for it. */
function background(args: readonly string[]): { ended: Promise<unknown>; kill: () => Promise<void> } {
  const child = spawn(process.execPath, [join(builtIn, 'kame.mjs'), ...args], {
    env: { ...process.env, ...home.env },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { ended, kill };
}

async function firstEngine(): Promise<number> {
  const found = await poll(async () => (await home.engines()).at(0), { deadlineMs: 20_000, maxStepMs: 20 });
  if (found === undefined) throw new Error('No engine came.');
  return found;
}

describe('an engine that can’t be used', () => {
  it('is missing: the message tells where was looked', async () => {
    await using other = await useHome({ env: { KAME_QEMU_DIR: join(home.path, 'files') } });
    const looked = `looked at ${join(home.path, 'files', 'qemu-img')}`;
    expect(await other.kame(['create', 'demo'])).toEqual(refusal(5, looked));
    expect(await readdir(join(other.path, 'machines'))).toEqual([]);
    // With a machine that is there already, the start looks for the engine.
    expect(await other.kame(['register', join(bundle(), 'demo.vmx')])).toMatchObject({ code: 0 });
    const result = await other.kame(['start', 'demo']);
    expect(result).toEqual(refusal(5, `looked at ${join(home.path, 'files', 'qemu-system-aarch64')}`));
    expect(result.stderr).toMatch(/apt install|brew install/);
    await expectStopped();
  });

  it('is too old: the message tells both versions', async () => {
    const old = join(home.path, 'engine', 'old');
    await writeFile(
      old,
      `#!${process.execPath}
const version = { qemu: { major: 6, minor: 0, micro: 1 }, package: '' };
console.log(JSON.stringify({ QMP: { version, capabilities: [] } }));
require('node:readline').createInterface(process.stdin).on('line', (line) => {
  console.log(JSON.stringify({ return: {}, id: JSON.parse(line).id }));
});
`,
    );
    await chmod(old, 0o755);
    await using other = await useHome({ env: { KAME_QEMU_AARCH64: old } });
    await other.json('create', 'demo');
    const message = `${old} is QEMU 6.0.1; Kame requires 7.2 or newer`;
    expect(await other.kame(['start', 'demo'])).toEqual(refusal(5, message));
  });

  it('is no engine at all: its own words are told', async () => {
    const other = join(home.path, 'engine', 'other');
    await writeFile(other, '#!/bin/sh\necho "I am no engine" >&2\nexit 3\n');
    await chmod(other, 0o755);
    await using second = await useHome({ env: { KAME_QEMU_AARCH64: other } });
    await second.json('create', 'demo');
    expect(await second.kame(['start', 'demo'])).toEqual(refusal(5, 'I am no engine'));
  });
});

describe('an engine that ends during the start', () => {
  it.each<readonly [string, number, string]>([
    ['Could not access KVM kernel module: Permission denied', 5, 'usermod -aG kvm'],
    [
      '-blockdev driver=file: Failed to get "write" lock',
      4,
      'Stop the other program that has the disk image open',
    ],
    ["cannot set up guest memory 'ram': Cannot allocate memory", 5, 'too little free memory'],
    ['Something that nobody has heard of', 5, 'kame logs'],
  ])('"%s": its last words and advice', async (words, code, advice) => {
    await engineMode(`say:${words}`);
    const result = await home.kame(['start', 'demo']);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(words);
    expect(result.stderr).toContain(advice);
    await expectStopped();
    expect((await home.kame(['logs', 'demo'])).stdout).toContain(words);
  });

  it('killed before its monitor answers: told as such', async () => {
    await engineMode('die');
    expect(await home.kame(['start', 'demo'])).toEqual(refusal(5, /QEMU ended before demo ran.*SIGKILL/));
    await expectStopped();
  });

  it('killed while its guest boots: told as such, and it starts again', async () => {
    const starting = home.kame(['start', 'demo']);
    const running = async () => ((await stateOfDemo()) === 'running' ? true : undefined);
    expect(await poll(running, { deadlineMs: 20_000 })).toBe(true);
    process.kill(await firstEngine(), 'SIGKILL');
    expect(await starting).toEqual(refusal(5, /The engine of demo ended during the start/));
    await expectStopped();
    await home.json('start', 'demo', '--wait', 'none');
    await home.json('stop', 'demo', '--hard');
    await expectStopped();
  });
});

describe('two at once', () => {
  it('of one home: one wins, the other is told', async () => {
    const starts = [
      home.kame(['start', 'demo', '--wait', 'none']),
      home.kame(['start', 'demo', '--wait', 'none']),
    ];
    const results = (await Promise.all(starts)).sort((a, b) => a.code - b.code);
    expect(results.map(({ code }) => code)).toEqual([0, 4]);
    expect(results[1]?.stderr).toMatch(/Cannot start demo: it is being started|demo is already running/);
    expect(await home.engines()).toHaveLength(1);
    await home.json('stop', 'demo', '--hard');
    await expectStopped();
  });

  it('of two homes: the second is refused, by the pid of the engine', async () => {
    await using other = await useHome();
    await other.json('register', join(bundle(), 'demo.vmx'));
    await home.json('start', 'demo', '--wait', 'none');
    const { pid } = await home.json<MachineDetails>('show', 'demo');
    expect(await other.json<Machine[]>('list')).toMatchObject([{ name: 'demo', state: 'running' }]);
    const inUse = `demo is in use by qemu (process ${pid})`;
    for (const args of [
      ['start', 'demo'],
      ['stop', 'demo'],
      ['stop', 'demo', '--hard'],
      ['set', 'demo', 'cpus=1'],
    ]) {
      expect({ args, ...(await other.kame(args)) }).toEqual({ args, ...refusal(4, inUse) });
    }
    expect(await other.kame(['delete', 'demo', '--yes'])).toEqual(refusal(4, 'demo is running'));
    expect(await home.engines()).toEqual([pid]);
    expect(await other.engines()).toEqual([]);
    await home.json('stop', 'demo', '--hard');
    expect(await other.json<Machine[]>('list')).toMatchObject([{ name: 'demo', state: 'stopped' }]);
    await other.json('start', 'demo', '--wait', 'none');
    expect(await home.kame(['start', 'demo'])).toEqual(refusal(4, 'demo is in use by qemu'));
    await other.json('stop', 'demo', '--hard');
    await expectStopped();
  });
});

describe('a lock that a dead process left', () => {
  it('never blocks', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    const living = await identify(process.pid);
    const stale = [
      JSON.stringify({ pid: child.pid, birth: living?.birth, purpose: 'qemu' }),
      // The pid is in use again, by a process that was born at another time.
      JSON.stringify({ pid: process.pid, birth: '1@0', purpose: 'kamed' }),
      '{"pid": 1',
      '',
    ];
    for (const text of stale) {
      await writeFile(lock(), text);
      expect(await stateOfDemo()).toBe('stopped');
      await home.json('set', 'demo', 'notes=free');
      await writeFile(lock(), text);
      await home.json('start', 'demo', '--wait', 'none');
      await home.json('stop', 'demo', '--hard');
      await expectStopped();
    }
  });

  it('of a living one does block', async () => {
    await writeFile(lock(), JSON.stringify({ ...(await identify(process.pid)), purpose: 'a test' }));
    const inUse = `demo is in use by a test (process ${process.pid})`;
    expect(await home.kame(['start', 'demo'])).toEqual(refusal(4, inUse));
    await rm(lock());
  });
});

describe('the command line is killed', () => {
  it('during a start: the machine is stopped or runs, and the list tells which', async () => {
    for (const afterMs of [150, 400, 800]) {
      const start = background(['start', 'demo', '--wait', 'none']);
      await pause(afterMs);
      await start.kill();
      // The daemon ends what the client no longer waits for.
      const settled = async () => {
        const [state, engines] = [await stateOfDemo(), await home.engines()];
        return (state === 'running') === (engines.length === 1) && engines.length < 2 ? state : undefined;
      };
      const state = await poll(settled, { deadlineMs: 10_000 });
      expect(state).toMatch(/^(running|stopped)$/);
      const stop = await home.kame(['stop', 'demo', '--hard']);
      expect([0, 4]).toContain(stop.code);
      await poll(async () => ((await home.engines()).length === 0 ? true : undefined), {
        deadlineMs: 10_000,
      });
      await expectStopped();
    }
  });

  it('during a create: the machine is whole or not there', async () => {
    for (const afterMs of [200, 350]) {
      const create = background(['create', 'second']);
      await pause(afterMs);
      await create.kill();
      const clean = async () => {
        const names = await readdir(join(home.path, 'machines'));
        return names.some((name) => name.startsWith('.')) ? undefined : true;
      };
      expect(await poll(clean, { deadlineMs: 10_000 })).toBe(true);
      const names = (await home.json<Machine[]>('list')).map(({ name, state }) => `${name} ${state}`);
      expect([['demo stopped'], ['demo stopped', 'second stopped']]).toContainEqual(names);
      if (names.length > 1) await home.json('delete', 'second', '--yes');
    }
  });
});

describe('the daemon is killed', () => {
  const seed = Number(process.env['KAME_TEST_SEED'] ?? Date.now() % 1_000_000);

  it('between starting an engine and its first word: the engine is adopted when it comes', async () => {
    await engineMode('late');
    const start = background(['start', 'demo', '--wait', 'none']);
    const pid = await firstEngine();
    await home.killDaemon();
    await start.ended;
    expect(await stateOfDemo()).toBe('running');
    expect(await home.engines()).toEqual([pid]);
    expect(JSON.parse(await readFile(lock(), 'utf8'))).toMatchObject({ pid, purpose: 'qemu' });
    expect((await home.json<MachineDetails>('show', 'demo')).machineType).toMatch(/^virt-/);
    await home.json('stop', 'demo', '--hard');
    await expectStopped();
  });

  it('between starting an engine and its first word: one that never comes is ended', async () => {
    await engineMode('hang');
    const start = background(['start', 'demo', '--wait', 'none']);
    const pid = await firstEngine();
    await home.killDaemon();
    await start.ended;
    await expectStopped();
    expect(await identify(pid)).toBe(undefined);
  });

  it('during a proof: the proof’s engine is ended, an unlisted machine’s is not', async () => {
    const lives = 'while :; do sleep 1; done';
    const directories = ['0badcafe', '0badf00d'].map((name) => join(home.path, 'run', name));
    const [proof, machine] = directories.map((directory) => {
      const args = ['-c', lives, 'engine', '-pidfile', join(directory, 'pid')];
      return spawn('sh', args, { stdio: 'ignore' });
    });
    for (const directory of directories) await mkdir(directory, { recursive: true });
    await writeFile(join(directories[1] ?? '', 'machine.json'), '{}');
    await home.killDaemon();
    expect(await stateOfDemo()).toBe('stopped');
    const gone = async () => (proof?.signalCode === 'SIGKILL' ? true : undefined);
    expect(await poll(gone, { deadlineMs: 5000 })).toBe(true);
    expect(machine?.signalCode).toBe(null);
    expect(await readdir(join(home.path, 'run'))).toEqual(['0badf00d']);
    machine?.kill('SIGKILL');
    await home.killDaemon();
    await expectStopped();
  });

  it(`at random points of a start (KAME_TEST_SEED=${seed})`, async () => {
    const random = seeded(seed);
    for (let round = 0; round < 10; round += 1) {
      const daemon = await home.daemonPid();
      const afterMs = 120 + random() * 600;
      const start = background(['start', 'demo', '--wait', 'none']);
      await pause(afterMs);
      if (daemon !== undefined) process.kill(daemon, 'SIGKILL');
      await start.ended;
      const state = await stateOfDemo();
      const engines = await home.engines();
      const about = `round ${round}, killed after ${Math.round(afterMs)} ms`;
      expect({ about, state, engines: engines.length }).toEqual({
        about,
        state: expect.stringMatching(/^(running|stopped)$/) as string,
        engines: state === 'running' ? 1 : 0,
      });
      const stop = await home.kame(['stop', 'demo', '--hard']);
      expect({ about, code: stop.code }).toEqual({ about, code: state === 'running' ? 0 : 4 });
      await expectStopped();
    }
    await home.json('start', 'demo', '--wait', 'none');
    await home.json('stop', 'demo', '--hard');
  });

  it(`at random points of a create (KAME_TEST_SEED=${seed})`, async () => {
    const random = seeded(seed + 1);
    for (let round = 0; round < 5; round += 1) {
      await stateOfDemo();
      const daemon = await home.daemonPid();
      const create = background(['create', 'second']);
      await pause(100 + random() * 400);
      if (daemon !== undefined) process.kill(daemon, 'SIGKILL');
      await create.ended;
      const machines = await home.json<Machine[]>('list');
      expect(await readdir(join(home.path, 'machines'))).toEqual(
        machines.map(({ name }) => `${name}.vmwarevm`),
      );
      expect(machines.map(({ state }) => state)).not.toContain('broken');
      if (machines.length > 1) await home.json('delete', 'second', '--yes');
    }
  });
});
