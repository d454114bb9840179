import { once } from 'node:events';
import { appendFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { pause } from '../power/pause.ts';
import { addressesOf } from './addresses.ts';
import { attachConsole } from './console.ts';
import { execute } from './exec.ts';
import { followLog } from './logs.ts';
import { screenshot } from './screenshot.ts';

const world = useWorld();
const { signal } = new AbortController();

/** Runs a command in the guest; all that came. */
async function run(command: string[], input?: string, more: object = {}) {
  let [stdout, stderr] = ['', ''];
  const stdin = (async function* lines() {
    if (input !== undefined) yield Buffer.from(input);
    await Promise.resolve();
  })();
  const result = await execute(
    world().host,
    'demo',
    { command, stdin: input !== undefined, ...more },
    {
      ...(input === undefined ? {} : { stdin }),
      signal,
      onOutput: async (stream, chunk) => {
        if (stream === 'stdout') stdout += chunk.toString();
        else stderr += chunk.toString();
        await Promise.resolve();
      },
    },
  );
  return { ...result, stdout, stderr };
}

describe('exec', () => {
  it('runs a program in the guest, with its input and output', async () => {
    world().machine();
    const wc = (args: readonly string[], input: string) => ({
      exitCode: 3,
      stdout: `${args.join()} ${input.length}`,
      stderr: 'hm',
    });
    world().engines.guest = { ...usualGuest, programs: { wc } };
    await world().start('demo', { wait: 'agent' });
    expect(await run(['wc', '-c'], 'hello', { timeoutMs: 5000 })).toMatchObject({
      exitCode: 3,
      stdout: '-c 5',
      stderr: 'hm',
      truncated: false,
    });
    expect(await refused(run(['gone']))).toMatchObject({ code: 'GUEST_FAILED', message: like(/gone/) });
  });

  it('waits for its input only until its time limit', async () => {
    world().machine();
    await world().start('demo', { wait: 'agent' });
    const stdin = (async function* never() {
      yield Buffer.from('begun');
      await new Promise(() => undefined);
    })();
    const request = { command: ['cat'], stdin: true, timeoutMs: 30 };
    const running = execute(world().host, 'demo', request, {
      stdin,
      signal,
      onOutput: async () => undefined,
    });
    expect(await refused(running)).toMatchObject({ code: 'GUEST_TIMEOUT', message: like(/Standard input/) });
  });

  it('takes no more input than an agent can', async () => {
    world().machine();
    await world().start('demo', { wait: 'agent' });
    expect((await refused(run(['cat'], 'x'.repeat(8 * 1024 * 1024 + 1)))).code).toBe('INVALID_VALUE');
  });

  it('needs a machine that runs, and an agent that answers', async () => {
    world().machine();
    expect((await refused(run(['true']))).code).toBe('WRONG_STATE');
    world().engines.guest = { ...usualGuest, agent: 'none' };
    await world().start();
    expect((await refused(run(['true']))).code).toBe('GUEST_AGENT_MISSING');
    await pause(world().host, 'demo', quiet);
    expect(await refused(run(['true']))).toMatchObject({ code: 'WRONG_STATE', next: like(/unpause/) });
  });
});

describe('addresses', () => {
  it('are those that the agent reports, with the usable one first', async () => {
    world().machine();
    await world().start('demo', { wait: 'agent' });
    expect(await addressesOf(world().host, 'demo', quiet.signal)).toEqual({
      ip: '10.0.2.15',
      interfaces: [
        { name: 'lo', mac: null, addresses: [{ address: '127.0.0.1', prefix: 8 }] },
        {
          name: 'eth0',
          mac: '00:0c:29:01:02:03',
          addresses: [
            { address: 'fe80::1', prefix: 64 },
            { address: '10.0.2.15', prefix: 24 },
          ],
        },
      ],
    });
  });

  it('are waited for as long as the guest has none', async () => {
    world().machine();
    let asked = 0;
    const handlers = {
      'guest-network-get-interfaces': () => {
        asked += 1;
        return { value: asked < 4 ? [] : usualGuest.interfaces };
      },
    };
    world().engines.guest = { ...usualGuest, handlers };
    await world().start('demo', { wait: 'agent' });
    expect((await addressesOf(world().host, 'demo', quiet.signal)).ip).toBe('10.0.2.15');
  });

  it('may be IPv6 addresses only', async () => {
    world().machine();
    const addresses = [{ 'ip-address': 'fd00::2', 'ip-address-type': 'ipv6', prefix: 64 }];
    world().engines.guest = { ...usualGuest, interfaces: [{ name: 'eth0', 'ip-addresses': addresses }] };
    await world().start('demo', { wait: 'agent' });
    expect((await addressesOf(world().host, 'demo', quiet.signal)).ip).toBe('fd00::2');
  });
});

describe('the console', () => {
  it('is one line for several terminals', async () => {
    world().machine();
    const engine = await world().start();
    const [one, two] = [await attachConsole(world().host, 'demo'), await attachConsole(world().host, 'demo')];
    const seen = ['', ''];
    one.onData((chunk) => (seen[0] += chunk.toString()));
    two.onData((chunk) => (seen[1] += chunk.toString()));
    one.write(Buffer.from('root\n'));
    await expect.poll(() => engine.guest.typed).toBe('root\n');
    engine.guest.print('Password: ');
    await expect.poll(() => seen).toEqual(['Password: ', 'Password: ']);
    one.close();
    engine.guest.print('Login incorrect\n');
    await expect.poll(() => seen[1]).toContain('incorrect');
    expect(seen[0]).toBe('Password: ');
    two.close();
    // A new connection is made for the next one.
    const next = await attachConsole(world().host, 'demo');
    next.write(Buffer.from('again'));
    await expect.poll(() => engine.guest.typed).toContain('again');
  });

  it('ends with the engine', async () => {
    world().machine();
    const engine = await world().start();
    const terminal = await attachConsole(world().host, 'demo');
    let ended = false;
    terminal.onEnd(() => (ended = true));
    await engine.crash();
    await expect.poll(() => ended).toBe(true);
  });
});

describe('a screenshot', () => {
  it('is a PNG, and leaves no file', async () => {
    world().machine();
    await world().start();
    const { directory } = world().running().run;
    const before = readdirSync(directory);
    expect((await screenshot(world().host, 'demo', quiet.signal)).subarray(1, 4).toString()).toBe('PNG');
    expect(readdirSync(directory)).toEqual(before);
  });

  it('needs a display', async () => {
    world().machine('demo', ['svga.present = "FALSE"']);
    await world().start();
    expect(await refused(screenshot(world().host, 'demo', quiet.signal))).toMatchObject({
      code: 'WRONG_STATE',
      next: like(/display=on/),
    });
  });
});

describe('a log', () => {
  const read = async (console: boolean) => {
    const stream = await followLog(world().host, 'demo', { follow: false, console }, signal);
    return Buffer.concat((await stream.toArray()) as Buffer[]).toString();
  };

  it('is that of the machine or of its console', async () => {
    const demo = world().machine();
    expect((await refused(read(false))).code).toBe('FILE_ACCESS');
    await world().start();
    expect(await read(false)).toBe(demo.read('demo.log'));
    expect(await read(true)).toBe(usualGuest.bootLine);
  });

  it('is followed, even when it is started again, until the listener leaves', async () => {
    const demo = world().machine();
    writeFileSync(demo.file('demo-serial.log'), 'one\n');
    const cancel = new AbortController();
    const stream = await followLog(world().host, 'demo', { follow: true, console: true }, cancel.signal);
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await expect.poll(() => text).toBe('one\n');
    appendFileSync(demo.file('demo-serial.log'), 'two\n');
    await expect.poll(() => text).toBe('one\ntwo\n');
    writeFileSync(demo.file('demo-serial.log'), 'new\n');
    await expect.poll(() => text).toBe('one\ntwo\nnew\n');
    const ended = once(stream, 'end');
    cancel.abort();
    await ended;
    expect(readFileSync(demo.file('demo-serial.log'), 'utf8')).toBe('new\n');
  });
});
