import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { execInputWindow } from '../../src/api/limits.ts';
import { execControl, execRequest, type ExecMessage } from '../../src/api/messages.ts';
import type { GuestTools } from '../../src/api/tools-operations.ts';
import { daemon, result, run, useDaemon } from './cli-run.ts';
import { demoDetails } from './cli-samples.ts';
import { json, terminalInput } from './cli-support.ts';

useDaemon();

const execPath = '/v1/machines/demo/exec';

function say(socket: WebSocket, ...messages: ExecMessage[]): void {
  for (const message of messages) socket.send(JSON.stringify(message));
}

const exit = (exitCode: number): ExecMessage => ({ type: 'exit', exitCode, signal: null });
const started = { type: 'started', through: 'tools' } as const;

/** A daemon that runs a command through kame-tools, and what it is sent after the request. */
function tools(onMessage: (text: string, socket: WebSocket) => void) {
  const seen: { request?: unknown; texts: string[] } = { texts: [] };
  daemon.onSocket(execPath, (socket) => {
    socket.on('message', (data: Buffer) => {
      const text = data.toString('utf8');
      if (seen.request === undefined) {
        seen.request = JSON.parse(text);
        say(socket, started);
        onMessage('', socket);
      } else {
        seen.texts.push(text);
        onMessage(text, socket);
      }
    });
  });
  return seen;
}

describe('exec through kame-tools', () => {
  it('passes Ctrl-C on to the command', async () => {
    const signals = new EventEmitter();
    const seen = tools((text, socket) => {
      if (text === '')
        socket.send(JSON.stringify({ type: 'stdout', data: Buffer.from('on').toString('base64') }));
      else say(socket, { type: 'exit', exitCode: null, signal: 2 });
    });
    const running = run(['exec', 'demo', 'sleep', '60'], {
      signals,
      onStdout: (stdout) => stdout.once('data', () => signals.emit('SIGINT')),
    });
    expect((await running).code).toBe(130);
    expect(seen.texts.map((text) => execControl.parse(JSON.parse(text)))).toEqual([
      { type: 'signal', signal: 2 },
    ]);
    expect(signals.eventNames()).toEqual([]);
  });

  it.each([
    [['SIGTERM', 'SIGTERM'], 1],
    [['SIGHUP'], 0],
  ])('is cancelled by %s', async (names, passed) => {
    const signals = new EventEmitter();
    const seen = tools((text, socket) => {
      if (text === '')
        socket.send(JSON.stringify({ type: 'stdout', data: Buffer.from('on').toString('base64') }));
    });
    const running = run(['exec', 'demo', 'sleep', '60'], {
      signals,
      onStdout: (stdout) => stdout.once('data', () => names.forEach((name) => signals.emit(name))),
    });
    expect((await running).code).toBe(1);
    expect(seen.texts.length).toBeLessThanOrEqual(passed);
  });

  it('sends no more input than was taken', async () => {
    let bytes = 0;
    daemon.onSocket(execPath, (socket) => {
      socket.once('message', () => {
        socket.on('message', (data: Buffer) => {
          bytes += data.length;
          if (bytes === execInputWindow) say(socket, { type: 'taken', bytes: execInputWindow });
          if (data.length === 0) say(socket, exit(0));
          if (bytes > 2 * execInputWindow) say(socket, exit(9));
        });
        say(socket, started);
      });
    });
    const stdin = new PassThrough();
    stdin.end(Buffer.alloc(execInputWindow + 100_000));
    expect((await run(['exec', 'demo', '-i', 'cat'], { stdin })).code).toBe(0);
    expect(bytes).toBe(execInputWindow + 100_000);
  });

  it('takes a user and a directory', async () => {
    const seen = tools((_text, socket) => say(socket, exit(0)));
    expect((await run(['exec', 'demo', '--user', 'alice', '--cwd', '/srv', 'id'])).code).toBe(0);
    expect(execRequest.parse(seen.request)).toEqual({
      command: ['id'],
      user: 'alice',
      cwd: '/srv',
      stdin: false,
    });
  });
});

describe('a terminal', () => {
  it('has the kind, the size and the keys of this one, and is restored', async () => {
    const { stream: stdin, modes } = terminalInput();
    const size = { rows: 30, columns: 100 };
    const seen = tools((text, socket) => {
      if (text.includes('resize')) stdin.write('\u0003');
      else if (text === '\u0003') say(socket, exit(4));
    });
    const { code } = await run(['exec', 'demo', '-t', 'top'], {
      stdin,
      tty: true,
      size,
      onStdout: (stdout) => {
        // Once it is asked for, it changes.
        setImmediate(() => {
          Object.assign(stdout, { rows: 40, columns: 120 });
          stdout.emit('resize');
        });
      },
    });
    expect(code).toBe(4);
    expect(modes).toEqual([true, false]);
    expect(seen.request).toMatchObject({ stdin: true, terminal: { rows: 30, columns: 100, type: 'xterm' } });
    expect(seen.texts[0]).toBe('{"type":"resize","rows":40,"columns":120}');
  });

  it('runs the login shell of a user', async () => {
    const { stream: stdin } = terminalInput();
    const seen = tools((_text, socket) => {
      say(socket, { type: 'stdout', data: Buffer.from('$ ').toString('base64') }, exit(0));
    });
    const { code, stdout } = await run(['shell', 'demo', '--user', 'alice'], { stdin, tty: true });
    expect([code, stdout]).toEqual([0, '$ ']);
    expect(seen.request).toEqual({
      command: [],
      stdin: true,
      user: 'alice',
      terminal: { rows: 24, columns: 80, type: 'xterm' },
    });
  });

  it('is one that programs can open themselves', async () => {
    daemon.on('GET /v1/machines/demo', json(demoDetails));
    expect(JSON.parse((await run(['shell', 'demo', '--json'])).stdout)).toMatchObject({
      name: 'demo',
      path: execPath,
    });
  });
});

describe('tools', () => {
  const found: GuestTools = {
    machine: 'demo',
    system: 'Alpine Linux',
    agents: [
      {
        name: 'qemu-guest-agent',
        answers: true,
        version: '9.0',
        adds: 'much',
        reaches: null,
        install: null,
        installOn: 'guest',
      },
      {
        name: 'kame-tools',
        answers: false,
        version: null,
        adds: 'more',
        reaches: null,
        install: 'kame tools install demo',
        installOn: 'host',
      },
      {
        name: 'spice-vdagent',
        answers: false,
        version: null,
        adds: 'most',
        reaches: null,
        install: 'apk add spice-vdagent',
        installOn: 'guest',
      },
    ],
    note: 'Old hardware.',
  };

  it('shows who answers, and what the others would add', async () => {
    daemon.on('GET /v1/machines/demo/tools', json(found));
    const { code, stdout, stderr } = await run(['tools', 'demo']);
    expect([code, stderr]).toEqual([0, 'Old hardware.\n']);
    expect(stdout.split('\n').map((line) => line.trimEnd().replaceAll(/ {2,}/g, ' '))).toEqual([
      'demo: Alpine Linux',
      'AGENT ANSWERS VERSION',
      'qemu-guest-agent yes 9.0',
      'kame-tools no -',
      'spice-vdagent no -',
      'kame-tools would add: more; kame tools install demo',
      'spice-vdagent would add: most; in the guest: apk add spice-vdagent',
      '',
    ]);
    expect(JSON.parse((await run(['tools', 'demo', '--json'])).stdout)).toEqual(found);
  });

  it('installs kame-tools', async () => {
    daemon.on('POST /v1/machines/demo/tools', result({ machine: 'demo', version: '0.1.0' }));
    expect((await run(['tools', 'install', 'demo'])).stdout).toBe('demo: kame-tools 0.1.0 answer\n');
  });
});
