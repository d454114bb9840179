import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { execRequest, type ExecMessage } from '../../src/api/messages.ts';
import { daemon, run, useDaemon } from './cli-run.ts';
import { problem } from './cli-support.ts';

useDaemon();

const execPath = '/v1/machines/demo/exec';

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
    const unknown = { code: 'NO_SUCH_MACHINE', message: 'There is no demo.', next: '', details: {} };
    daemon.onSocket(execPath, (socket) => socket.send(JSON.stringify({ type: 'error', error: unknown })));
    expect((await run(['exec', 'demo', 'x'])).code).toBe(3);
    daemon.on(`GET ${execPath}`, problem(409, 'DAEMON_UNREACHABLE', 'Another version.'));
    expect((await run(['exec', 'demo', 'x'])).code).toBe(5);
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
