import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { deferred } from '../../src/core/deferred.ts';
import { execRequest, type ExecMessage } from '../../src/api/messages.ts';
import { daemon, run, useDaemon } from './cli-run.ts';
import { demoDetails } from './cli-samples.ts';
import { json, lines, problem, terminalInput } from './cli-support.ts';

useDaemon();

const execPath = '/v1/machines/demo/exec';
const consolePath = '/v1/machines/demo/console';

beforeEach(() => daemon.on('GET /v1/machines/demo', json(demoDetails)));

function output(stream: 'stdout' | 'stderr', data: Buffer | string): ExecMessage {
  return { type: stream, data: Buffer.from(data).toString('base64') };
}

/** Answers an execution: keeps the request, then sends the messages. */
function guest(...messages: ExecMessage[]) {
  const seen: { request?: unknown; input: Buffer[] } = { input: [] };
  daemon.onSocket(execPath, (socket) => {
    socket.once('message', (data: Buffer) => {
      seen.request = JSON.parse(data.toString('utf8'));
      for (const message of messages) socket.send(JSON.stringify(message));
    });
  });
  return seen;
}

describe('exec', () => {
  it('says on standard error that the agent does not answer', async () => {
    const stage = 'Waiting for the guest agent';
    guest({ type: 'waiting', stage }, output('stdout', 'at last'), {
      type: 'exit',
      exitCode: 0,
      signal: null,
    });
    expect(await run(['exec', 'demo', '--no-stdin', 'x'])).toMatchObject({
      code: 0,
      stdout: 'at last',
      stderr: 'demo: Waiting for the guest agent\n',
    });
  });

  it('passes every byte of both streams and the exit status', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256));
    const parts = [
      output('stdout', bytes.subarray(0, 1)),
      output('stderr', 'oh\r\n'),
      output('stdout', bytes.subarray(1)),
    ];
    const seen = guest(...parts, { type: 'exit', exitCode: 42, signal: null });
    const argv = [
      'exec',
      'demo',
      '--timeout',
      '3',
      '--env',
      'A=b=c',
      '--no-stdin',
      '--',
      'cat',
      '--json',
      '-x',
    ];
    const { code, stdoutBytes, stderr } = await run(argv);
    expect(code).toBe(42);
    expect(stdoutBytes.equals(bytes)).toBe(true);
    expect(stderr).toBe('oh\r\n');
    expect(execRequest.parse(seen.request)).toEqual({
      command: ['cat', '--json', '-x'],
      env: { A: 'b=c' },
      stdin: false,
      timeoutMs: 3000,
    });
  });

  it('turns a signal into 128 + n', async () => {
    guest({ type: 'exit', exitCode: null, signal: 9 });
    expect((await run(['exec', 'demo', 'true'])).code).toBe(137);
  });

  it('collects the streams with --json', async () => {
    guest(output('stdout', 'out\u001b[1m'), output('stderr', 'err'), {
      type: 'exit',
      exitCode: 3,
      signal: null,
    });
    const { code, stdout, stderr } = await run(['exec', 'demo', '--json', '--', 'x']);
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ exitCode: 3, signal: null, stdout: 'out\u001b[1m', stderr: 'err' });
  });

  it('sends standard input, then its end', async () => {
    const input: Buffer[] = [];
    daemon.onSocket(execPath, (socket) => {
      let first = true;
      socket.on('message', (data: Buffer) => {
        if (!first) input.push(data);
        first = false;
        if (input.length > 0 && data.length === 0) {
          socket.send(JSON.stringify({ type: 'exit', exitCode: 0, signal: null }));
        }
      });
    });
    const stdin = new PassThrough();
    const sent = Buffer.alloc(200_000, 'x');
    stdin.end(sent);
    expect((await run(['exec', 'demo', '-i', 'cat'], { stdin })).code).toBe(0);
    expect(Buffer.concat(input).equals(sent)).toBe(true);
    expect(input.at(-1)).toHaveLength(0);
    expect(stdin.destroyed).toBe(true);
  });

  it('does not wait for input that was not requested', async () => {
    const seen = guest({ type: 'exit', exitCode: 0, signal: null });
    expect((await run(['exec', 'demo', 'true'], { stdin: new PassThrough() })).code).toBe(0);
    expect(seen.request).toMatchObject({ stdin: false });
  });

  it('fails as the daemon says, or when the daemon disappears', async () => {
    const error = {
      code: 'GUEST_AGENT_MISSING',
      message: 'No agent answers in demo.',
      next: 'Wait.',
      details: {},
    };
    guest({ type: 'error', error });
    expect(await run(['exec', 'demo', 'x'])).toMatchObject({
      code: 1,
      stderr: 'kame: No agent answers in demo.\n  Wait.\n',
    });
    daemon.onSocket(execPath, (socket) => socket.terminate());
    expect(await run(['exec', 'demo', 'x'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('may still be running'),
    });
    daemon.onSocket(execPath, (socket) => socket.send('no json'));
    expect(await run(['exec', 'demo', 'x'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not JSON'),
    });
    daemon.on('GET /v1/machines/demo', problem(404, 'NO_SUCH_MACHINE', 'There is no demo.'));
    expect((await run(['exec', 'demo', 'x'])).code).toBe(3);
  });

  it('is cancelled by Ctrl-C', async () => {
    const signals = new EventEmitter();
    const closed = new Promise<void>((resolve) => {
      daemon.onSocket(execPath, (socket) => {
        socket.once('message', () => signals.emit('SIGINT'));
        socket.once('close', () => resolve());
      });
    });
    expect((await run(['exec', 'demo', 'sleep', '60'], { signals })).code).toBe(1);
    await closed;
  });
});

describe('Ctrl-C', () => {
  it('cancels a long operation once; a second one has its usual effect', async () => {
    const signals = new EventEmitter();
    let hungUp: Promise<unknown> | undefined;
    daemon.on('POST /v1/machines/demo/start', (response) => {
      hungUp = once(response, 'close');
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write('{"type":"progress","progress":{"stage":"Boot"}}\n', () => {
        signals.emit('SIGINT');
        expect(signals.listenerCount('SIGINT')).toBe(0);
      });
    });
    const { code, stderr } = await run(['start', 'demo', 'other'], { signals });
    expect(code).toBe(1);
    expect(stderr).toContain('was cancelled');
    await hungUp;
    const [start, cancel, ...more] = daemon.requests.map(({ method, path }) => `${method} ${path}`);
    expect(start).toBe('POST /v1/machines/demo/start');
    expect(cancel).toMatch(/^DELETE \/v1\/tasks\/[-0-9a-f]{36}$/);
    expect(more).toEqual([]);
  });

  it('leaves no listener behind', async () => {
    const signals = new EventEmitter();
    daemon.on('POST /v1/machines/demo/pause', json(demoDetails));
    await run(['pause', 'demo'], { signals });
    expect(signals.eventNames()).toEqual([]);
  });
});

describe('a terminal', () => {
  it('shows a progress line for long operations, and clears it', async () => {
    // It takes as long as the line needs to be shown.
    const shown = deferred();
    daemon.on('POST /v1/images/pull', (response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      const progress = { stage: 'Downloading\u0007', done: 1024 ** 2, total: 4 * 1024 ** 2, unit: 'bytes' };
      response.write(`${JSON.stringify({ type: 'progress', progress })}\n`);
      const image = { id: 'x', arch: 'aarch64', path: '/x', sizeBytes: 1 };
      void shown.promise.then(() => response.end(`${JSON.stringify({ type: 'result', result: image })}\n`));
    });
    const onStderr = (text: string) => text.includes('Downloading') && shown.resolve();
    const { stdout, stderr } = await run(['image', 'pull', 'x'], { tty: true, onStderr });
    expect(stderr).toMatch(/x: Downloading\\x07 {2}\[#####·{15}\] 25 % {2}1 MiB of 4 MiB/);
    expect(stderr.endsWith('\r\u001b[2K')).toBe(true);
    expect(stdout).toBe('x (aarch64) was downloaded: /x\n');
  });
});

describe('console', () => {
  it('is raw, passes keys and bytes, and restores the terminal on Ctrl-]', async () => {
    const { stream: stdin, modes } = terminalInput();
    const keys: Buffer[] = [];
    const hungUp = new Promise<void>((resolve) => {
      daemon.onSocket(consolePath, (socket) => {
        socket.on('message', (data: Buffer) => {
          keys.push(data);
          if (keys.length === 1) stdin.write('\u0003b\u001dnever sent');
        });
        socket.once('close', () => resolve());
        socket.send(Buffer.from('login: \u001b[1m'), () => stdin.write('a'));
      });
    });
    const { code, stdout, stderr } = await run(['console', 'demo'], { stdin, tty: true });
    await hungUp;
    expect(code).toBe(0);
    expect(modes).toEqual([true, false]);
    expect(Buffer.concat(keys).toString()).toBe('a\u0003b');
    expect(stdout).toContain('login: \u001b[1m');
    expect(stdout.endsWith('\u001b[?2004l')).toBe(true);
    expect(stderr).toContain('Press Ctrl-] to leave');
    expect(stderr).toContain('Disconnected from the console');
  });

  it('leaves the guest’s second screen, if it has one', async () => {
    const { stream: stdin } = terminalInput();
    daemon.onSocket(consolePath, (socket) => {
      socket.send(Buffer.from('\u001b[?1049h editor'), () => socket.close());
    });
    const { stdout } = await run(['console', 'demo'], { stdin, tty: true });
    expect(stdout).toContain('\u001b[?1049l\u001b[0m');
  });

  it('restores the terminal when the daemon refuses, dies or is stopped', async () => {
    const signals = new EventEmitter();
    const error = { code: 'WRONG_STATE', message: 'demo is stopped.', next: 'Start it.', details: {} };
    for (const [act, code] of [
      [(socket: WebSocket) => socket.send(JSON.stringify({ type: 'error', error })), 4],
      [(socket: WebSocket) => socket.terminate(), 0],
      [(socket: WebSocket) => socket.once('message', () => signals.emit('SIGTERM')), 0],
    ] as const) {
      const { stream: stdin, modes } = terminalInput();
      daemon.onSocket(consolePath, act);
      stdin.write('key');
      expect((await run(['console', 'demo'], { stdin, tty: true, signals })).code).toBe(code);
      expect(modes).toEqual([true, false]);
    }
  });

  it('sends what is piped in, and prints no escapes of its own', async () => {
    const stdin = new PassThrough();
    stdin.end('ls\n\u001d');
    daemon.onSocket(consolePath, (socket) => {
      socket.once('message', (data: Buffer) => socket.send(data, () => socket.close()));
    });
    const { stdout, stderr } = await run(['console', 'demo'], { stdin });
    expect(stdout).toBe('ls\n\u001d');
    expect(stderr).toBe('The console of demo was closed.\n');
  });

  it('says where to find the console with --json', async () => {
    const { stdout } = await run(['console', 'demo', '--json']);
    expect(JSON.parse(stdout)).toEqual({ name: 'demo', socket: daemon.socket, path: consolePath });
  });
});

describe('logs and events', () => {
  it('cuts a line that never ends into pieces with --json', async () => {
    daemon.on('GET /v1/machines/demo/logs', (response) => response.end('x'.repeat(150_000)));
    const { stdout } = await run(['logs', 'demo', '--json']);
    const pieces = stdout.trimEnd().split('\n');
    expect(pieces.map((piece) => (JSON.parse(piece) as { line: string }).line.length)).toEqual([
      65_536, 65_536, 18_928,
    ]);
  });

  it('prints a log with its control characters escaped, in lines with --json', async () => {
    daemon.on('GET /v1/machines/demo/logs', (response) => response.end('one\n\u001b[1mtwo\nthr'));
    expect((await run(['logs', 'demo'])).stdout).toBe('one\n\\x1b[1mtwo\nthr');
    const asJson = (await run(['logs', 'demo', '--serial', '--json'])).stdout;
    expect(asJson).toBe('{"line":"one"}\n{"line":"\\u001b[1mtwo"}\n{"line":"thr"}\n');
    expect(daemon.requests.at(-1)?.path).toBe('/v1/machines/demo/logs?console=true');
  });

  it('follows a log until Ctrl-C', async () => {
    const signals = new EventEmitter();
    daemon.on('GET /v1/machines/demo/logs', (response) => {
      response.write('line\n', () => setImmediate(() => signals.emit('SIGINT')));
    });
    const { code, stderr } = await run(['logs', 'demo', '-f'], { signals });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(daemon.requests.at(-1)?.path).toBe('/v1/machines/demo/logs?follow=true');
  });

  it('prints one event per line', async () => {
    const event = {
      at: '2026-01-02T03:04:05.000Z',
      type: 'machine.state',
      machine: 'demo\u001b',
      id: null,
      state: 'running',
      message: 'demo runs',
    };
    daemon.on('GET /v1/events', lines(event, event));
    const { code, stdout } = await run(['events', '--json']);
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([event, event]);
    expect((await run(['events'])).stdout).toMatch(
      /^\d\d:\d\d:\d\d {2}machine.state {2}demo\\x1b {2}running {2}demo runs\n/,
    );
  });
});
