import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Machine } from '../../src/api/machine.ts';
import { poll } from '../../src/core/deadline.ts';
import { engineTest as it, expectStopped, firstEngine } from '../support/engine-test.ts';
import { Guest } from '../support/guest.ts';
import type { TestHome } from '../support/home.ts';
import { refusal } from '../support/refusal.ts';
import { setEngineMode } from '../support/run-directory.ts';

// The engine is real, but started by a script that can be made to fail. Hardly any guest boots.

/** A program of the home's own. @returns its path */
async function program(home: TestHome, text: string): Promise<string> {
  const path = join(home.path, 'program');
  await writeFile(path, text);
  await chmod(path, 0o755);
  return path;
}

describe('an engine that cannot be used', () => {
  it('is missing: the message says where Kame looked', async ({ demo, makeHome }) => {
    const nowhere = join(demo.home.path, 'nowhere');
    await mkdir(nowhere);
    const other = await makeHome({ env: { KAME_QEMU_DIR: nowhere, KAME_QEMU_AARCH64: '' } });
    expect(await other.kame(['create', 'demo'])).toEqual(
      refusal(5, `was not found in ${join(nowhere, 'qemu-img')}`),
    );
    expect(await readdir(join(other.path, 'machines'))).toEqual([]);
    // With a machine that is there already, the start looks for the engine.
    expect(await other.kame(['register', demo.file('demo.vmx')])).toMatchObject({ code: 0 });
    const result = await other.kame(['start', 'demo']);
    expect(result).toEqual(refusal(5, `was not found in ${join(nowhere, 'qemu-system-aarch64')}`));
    expect(result.stderr).toContain(process.platform === 'darwin' ? 'brew install' : 'apt install');
    expect(await demo.state()).toBe('stopped');
  });

  it('is too old: the message gives both versions', async ({ home, makeHome }) => {
    const old = await program(
      home,
      `#!${process.execPath}
const version = { qemu: { major: 6, minor: 0, micro: 1 }, package: '' };
console.log(JSON.stringify({ QMP: { version, capabilities: [] } }));
require('node:readline').createInterface(process.stdin).on('line', (line) => {
  console.log(JSON.stringify({ return: {}, id: JSON.parse(line).id }));
});
`,
    );
    const other = await makeHome({ env: { KAME_QEMU_AARCH64: old } });
    await other.json('create', 'demo');
    const message = `${old} is QEMU 6.0.1; Kame requires 7.2 or newer`;
    expect(await other.kame(['start', 'demo'])).toEqual(refusal(5, message));
  });

  it('is not an engine at all: the message has its output', async ({ home, makeHome }) => {
    const none = await program(home, '#!/bin/sh\necho "I am no engine" >&2\nexit 3\n');
    const other = await makeHome({ env: { KAME_QEMU_AARCH64: none } });
    await other.json('create', 'demo');
    expect(await other.kame(['start', 'demo'])).toEqual(refusal(5, 'I am no engine'));
  });
});

describe('an engine that ends during the start', () => {
  it.for<readonly [string, number, string]>([
    ['Could not access KVM kernel module: Permission denied', 5, 'usermod -aG kvm'],
    [
      '-blockdev driver=file: Failed to get "write" lock',
      4,
      'Stop the other program that has the disk image open',
    ],
    ["cannot set up guest memory 'ram': Cannot allocate memory", 5, 'too little free memory'],
    ['Something that nobody has heard of', 5, 'kame logs'],
  ])('"%s": reports its last output and advice', async ([words, code, advice], { home, demo }) => {
    await setEngineMode(home, `say:${words}`);
    const result = await home.kame(['start', 'demo']);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(words);
    expect(result.stderr).toContain(advice);
    await expectStopped(demo);
    expect((await home.kame(['logs', 'demo'])).stdout).toContain(words);
  });

  it('killed before its monitor answers: the message says so', async ({ home, demo }) => {
    await setEngineMode(home, 'die');
    expect(await home.kame(['start', 'demo'])).toEqual(refusal(5, /QEMU ended before demo .*SIGKILL/));
    await expectStopped(demo);
  });

  it('killed while its guest boots: the message says so, and it starts again', async ({ home, demo }) => {
    const starting = home.kame(['start', 'demo']);
    const running = async () => ((await demo.state()) === 'running' ? true : undefined);
    expect(await poll(running, { deadlineMs: 20_000 })).toBe(true);
    process.kill(await firstEngine(home), 'SIGKILL');
    expect(await starting).toEqual(refusal(5, /The engine of demo ended during the start/));
    await expectStopped(demo);
    await demo.start('--wait', 'none');
    await demo.stop();
    await expectStopped(demo);
  });
});

describe('two starts at once', () => {
  it('of one home: the second is refused', async ({ home, demo }) => {
    await setEngineMode(home, 'hang');
    const first = home.kame(['start', 'demo', '--wait', 'none']);
    const engine = await firstEngine(home);
    expect(await home.kame(['start', 'demo', '--wait', 'none'])).toEqual(refusal(4, 'it is being started'));
    process.kill(engine, 'SIGCONT');
    expect(await first).toMatchObject({ code: 0 });
    expect(await home.engines()).toEqual([engine]);
    expect(await home.kame(['start', 'demo'])).toEqual(refusal(4, 'demo is already running'));
    await demo.stop();
    await expectStopped(demo);
  });

  it('of two homes: the second is refused, by the pid of the engine', async ({ home, demo, makeHome }) => {
    const other = await makeHome();
    const seen = new Guest(other, 'demo');
    await other.json('register', demo.file('demo.vmx'));
    await demo.start('--wait', 'none');
    const { pid } = await demo.details();
    expect(await other.json<Machine[]>('list')).toMatchObject([{ name: 'demo', state: 'unreachable' }]);
    for (const args of [
      ['start', 'demo'],
      ['stop', 'demo'],
      ['stop', 'demo', '--hard'],
      ['set', 'demo', 'cpus=1'],
    ]) {
      expect({ args, ...(await other.kame(args)) }).toEqual({
        args,
        ...refusal(4, `demo is in use by qemu (process ${pid})`),
      });
    }
    expect(await other.kame(['delete', 'demo', '--yes'])).toEqual(refusal(4, 'demo is in use by qemu'));
    expect(await home.engines()).toEqual([pid]);
    expect(await other.engines()).toEqual([]);
    await demo.stop();
    expect(await seen.state()).toBe('stopped');
    await seen.start('--wait', 'none');
    expect(await home.kame(['start', 'demo'])).toEqual(refusal(4, 'demo is in use by qemu'));
    await seen.stop();
    await expectStopped(demo);
  });
});
