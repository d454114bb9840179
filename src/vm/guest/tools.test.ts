import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { GuestOptions } from '../../../test/support/fake-engine/guest.ts';
import { commandThat, goodHello } from '../../../test/support/fake-tools.ts';
import { FakeSessionHelper } from '../../../test/support/fake-session-helper.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { goodFrom, startGuest } from '../../../test/support/tools-guest.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import type { ExecRequest } from '../../api/messages.ts';
import { frameTypes } from '../../guest/tools/frames.ts';
import { pause } from '../power/pause.ts';
import type { CommandControls, ExecStreams } from './exec-streams.ts';
import { execute } from './exec.ts';
import { installTools } from './install-tools.ts';
import { describeTools } from './tools.ts';

const world = useWorld();

const guest = async (options: Partial<GuestOptions>) => await startGuest(world(), options);

/** Runs a command in the guest; all that it printed, what ran it and how it ended. */
async function run(request: Partial<ExecRequest>, streams: Partial<ExecStreams> = {}) {
  let [stdout, through] = ['', ''];
  const result = await execute(
    world().host,
    'demo',
    { command: ['echo'], stdin: false, ...request },
    {
      signal: quiet.signal,
      onStarted: (by) => (through = by),
      onOutput: async (_stream, chunk) => {
        stdout += chunk.toString();
        await Promise.resolve();
      },
      ...streams,
    },
  );
  return { ...result, stdout, through };
}

const echo = { onFrame: commandThat({ stdout: 'by tools' }) };
const agentEcho = { echo: () => ({ exitCode: 0, stdout: 'by the agent' }) };

describe('exec', () => {
  it('uses kame-tools where they answer, even without a guest agent', async () => {
    const engine = await guest({ tools: echo, agent: 'none' });
    const request = {
      command: [],
      user: 'alice',
      cwd: '/srv',
      env: { A: 'b' },
      terminal: { rows: 3, columns: 4, type: 'vt' },
    };
    expect(await run(request)).toMatchObject({ stdout: 'by tools', through: 'tools', exitCode: 0 });
    expect(JSON.parse(String(engine.guest.tools?.frames[0]?.payload))).toEqual({
      service: 'exec',
      stdin: false,
      ...request,
    });
  });

  it.each([
    ['are too old', { ...goodHello, version: 0 }],
    ['say nonsense', Buffer.from('{')],
  ])('uses the guest agent where kame-tools %s', async (_what, hello) => {
    await guest({ tools: { hello }, programs: agentEcho });
    expect(await run({})).toMatchObject({ stdout: 'by the agent', through: 'agent' });
  });

  it('waits for kame-tools that do not answer at first, if a command needs them', async () => {
    await guest({ tools: { ...echo, hello: goodFrom(3) } });
    expect(await run({ command: [] })).toMatchObject({ stdout: 'by tools', through: 'tools' });
  });

  it.each<[string, Partial<ExecRequest>]>([
    ['A terminal', { terminal: { rows: 1, columns: 1, type: 'x' } }],
    ['A login shell', { command: [] }],
    ['Another user', { user: 'alice' }],
    ['A working directory', { cwd: '/srv' }],
  ])('refuses without kame-tools what the guest agent cannot do: %s', async (wish, request) => {
    await guest({});
    expect(await refused(run({ ...request, timeoutMs: 20 }))).toMatchObject({
      code: 'GUEST_TOOLS_MISSING',
      message: `${wish} needs kame-tools, which do not answer in demo.`,
      next: like(/kame tools install demo/),
    });
  });

  it('says that older hardware has no port for kame-tools', async () => {
    await guest({});
    const running = world().running();
    running.record = { ...running.record, hardware: 2 };
    expect(await refused(run({ command: [] }))).toMatchObject({
      message: like(/older/),
      next: like(/kame restart demo/),
    });
    expect(await describeTools(world().host, 'demo', quiet.signal)).toMatchObject({ note: like(/older/) });
    expect((await refused(installTools(world().host, 'demo', quiet))).message).toMatch(/older/);
  });

  it('streams standard input, and ends with the command when that has enough', async () => {
    let got = '';
    await guest({
      tools: {
        onFrame: ({ type, stream, payload }, peer) => {
          if (type !== frameTypes.data) return;
          got += payload.subarray(1).toString();
          if (got.length < 10)
            peer.send(frameTypes.credit, stream, Buffer.of(0, 0, 0, 0, payload.length - 1));
          else peer.send(frameTypes.done, stream, { exitCode: 0, signal: null });
        },
      },
    });
    const stdin = (async function* endless() {
      for (;;) yield await Promise.resolve(Buffer.from('12345'));
    })();
    expect(await run({ stdin: true }, { stdin })).toMatchObject({ exitCode: 0 });
    expect(got.slice(0, 10)).toBe('1234512345');
  });

  it('passes signals and sizes on', async () => {
    const engine = await guest({
      tools: {
        onFrame: ({ type, stream }, peer) => {
          if (type === frameTypes.signal) peer.send(frameTypes.done, stream, { exitCode: null, signal: 2 });
        },
      },
    });
    const act = (controls?: CommandControls): void => {
      controls?.resize({ rows: 5, columns: 6 });
      controls?.signal(2);
    };
    expect(await run({}, { onStarted: (_by, controls) => act(controls) })).toMatchObject({ signal: 2 });
    expect(engine.guest.tools?.frames.map(({ type }) => type)).toEqual([
      frameTypes.request,
      frameTypes.resize,
      frameTypes.signal,
    ]);
  });

  it('ends a command that takes too long, or that nobody wants any more', async () => {
    const engine = await guest({ tools: {} });
    const closed = () => engine.guest.tools?.frames.filter(({ type }) => type === frameTypes.close).length;
    expect(await refused(run({ timeoutMs: 30 }))).toMatchObject({
      code: 'GUEST_TIMEOUT',
      message: like(/echo .*killed/),
    });
    await until(() => closed() === 1);
    const cancel = new AbortController();
    const running = run({}, { signal: cancel.signal, onStarted: () => setImmediate(() => cancel.abort()) });
    expect((await refused(running)).code).toBe('CANCELLED');
    await until(() => closed() === 2);
  });

  it('connects again when a command is not begun', async () => {
    const engine = await guest({ tools: {} });
    const pass30s = () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      setImmediate(() => vi.advanceTimersByTime(30_000));
    };
    try {
      const error = await refused(run({}, { onStarted: pass30s }));
      expect(error).toMatchObject({ code: 'GUEST_TOOLS_MISSING', message: like(/^This command needs/) });
    } finally {
      vi.useRealTimers();
    }
    const again = new AbortController();
    await refused(run({}, { signal: again.signal, onStarted: () => again.abort() }));
    expect(engine.guest.tools?.connections()).toBe(2);
  });

  it('ends a command that the guest does not even take', async () => {
    await guest({ tools: { onFrame: (_frame, peer) => peer.stopReading() } });
    const command = ['echo', 'x'.repeat(1_900_000)];
    expect((await refused(run({ command, timeoutMs: 30 }))).code).toBe('GUEST_TIMEOUT');
    const cancel = new AbortController();
    const running = run({ command }, { signal: cancel.signal, onStarted: () => cancel.abort() });
    expect((await refused(running)).code).toBe('CANCELLED');
  });

  it('can be cancelled while kame-tools have not said hello', async () => {
    const engine = await guest({ tools: { hello: null }, agent: 'none' });
    const cancel = new AbortController();
    const running = refused(run({}, { signal: cancel.signal }));
    await until(() => engine.guest.tools?.connections() === 1);
    cancel.abort();
    expect((await running).code).toBe('CANCELLED');
  });

  it.each([
    ['an empty word', { command: [''] }],
    ['a NUL', { command: ['a\0'] }],
    ['a strange variable', { env: { 'a-b': '' } }],
  ])('refuses %s', async (_what, request) => {
    await guest({ tools: echo });
    expect((await refused(run(request))).code).toBe('INVALID_VALUE');
  });

  it('finds kame-tools that were started again', async () => {
    const engine = await guest({ tools: echo });
    await run({});
    engine.event('VSERPORT_CHANGE', { id: 'tools0', open: false });
    await until(() => !world().running().channels.tools.connected);
    expect(await run({})).toMatchObject({ through: 'tools' });
    expect(engine.guest.tools?.connections()).toBe(2);
  });
});

describe('the agents in the guest', () => {
  it('are listed with their versions, and with what the missing ones would add', async () => {
    await guest({ tools: {} });
    const { agents, ...rest } = await describeTools(world().host, 'demo', quiet.signal);
    expect(rest).toEqual({ machine: 'demo', system: 'Debian GNU/Linux', note: null });
    expect(agents).toMatchObject([
      { name: 'qemu-guest-agent', answers: true, version: '7.2.22', install: null },
      { name: 'kame-tools', answers: true, version: '0.1.0', install: null },
      {
        name: 'kame-tools-session',
        answers: false,
        reaches: null,
        install: 'kame tools install demo, and then log in to the desktop of the guest',
        installOn: 'host',
      },
      {
        name: 'spice-vdagent',
        answers: false,
        version: null,
        install: 'apt install spice-vdagent',
        installOn: 'guest',
      },
    ]);
  });

  it('tell what those in the session of a desktop reach', async () => {
    await guest({ tools: {} });
    await using _helper = await FakeSessionHelper.listen(join(world().running().run.directory, 'tools2'));
    world().engines.of('demo').event('VSERPORT_CHANGE', { id: 'desktop0', open: true });
    await until(() => world().running().channels.sessionHelper.hello !== undefined);
    const { agents } = await describeTools(world().host, 'demo', quiet.signal);
    expect(agents).toContainEqual(
      expect.objectContaining({
        name: 'kame-tools-session',
        answers: true,
        version: '0.1.0',
        reaches: 'the clipboard by ext_data_control_manager_v1, the display by zwlr_output_manager_v1',
        install: null,
      }),
    );
  });

  it('may all be missing', async () => {
    await guest({ agent: 'none' });
    const { system, agents } = await describeTools(world().host, 'demo', quiet.signal);
    expect(system).toBeNull();
    expect(agents.map(({ answers, install }) => [answers, install])).toEqual([
      [false, null],
      [false, 'kame tools install demo'],
      [false, 'kame tools install demo, and then log in to the desktop of the guest'],
      [false, null],
    ]);
  });

  it('cannot be asked while the machine is paused', async () => {
    await guest({ tools: {} });
    await pause(world().host, 'demo', quiet);
    expect((await refused(describeTools(world().host, 'demo', quiet.signal))).code).toBe('WRONG_STATE');
    expect((await refused(run({}))).code).toBe('WRONG_STATE');
  });
});
