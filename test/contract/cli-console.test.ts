import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { daemon, run, useDaemon } from './cli-run.ts';
import { demoDetails } from './cli-samples.ts';
import { json, terminalInput } from './cli-support.ts';

useDaemon();

const consolePath = '/v1/machines/demo/console';

const error = { code: 'WRONG_STATE', message: 'demo is stopped.', next: 'Start it.', details: {} };
const refuse = (socket: WebSocket) => socket.send(JSON.stringify({ type: 'error', error }));

/** A console that is connected, and then does this. */
function connected(act: (socket: WebSocket) => void): void {
  daemon.onSocket(consolePath, (socket) => {
    socket.send(Buffer.alloc(0));
    act(socket);
  });
}

describe('console', () => {
  it('is raw, passes keys and bytes, and restores the terminal on Ctrl-]', async () => {
    const { stream: stdin, modes } = terminalInput();
    const keys: Buffer[] = [];
    const hungUp = new Promise<void>((resolve) => {
      connected((socket) => {
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
    connected((socket) => {
      socket.send(Buffer.from('\u001b[?1049h editor'), () => socket.close());
    });
    const { stdout } = await run(['console', 'demo'], { stdin, tty: true });
    expect(stdout).toContain('\u001b[?1049l\u001b[0m');
  });

  it('restores the terminal when the console fails, the daemon dies or Kame is stopped', async () => {
    const signals = new EventEmitter();
    for (const [act, code] of [
      [refuse, 4],
      [(socket: WebSocket) => socket.terminate(), 0],
      [(socket: WebSocket) => socket.once('message', () => signals.emit('SIGTERM')), 0],
    ] as const) {
      const { stream: stdin, modes } = terminalInput();
      connected(act);
      stdin.write('key');
      expect((await run(['console', 'demo'], { stdin, tty: true, signals })).code).toBe(code);
      expect(modes).toEqual([true, false]);
    }
  });

  it('is not announced before it is connected, and the terminal is left alone', async () => {
    for (const [act, code] of [
      [refuse, 4],
      [(socket: WebSocket) => socket.terminate(), 5],
    ] as const) {
      const { stream: stdin, modes } = terminalInput();
      daemon.onSocket(consolePath, act);
      const { stderr, ...ran } = await run(['console', 'demo'], { stdin, tty: true });
      expect(ran).toMatchObject({ code, stdout: '' });
      expect(stderr).not.toContain('Connected');
      expect(modes).toEqual([]);
    }
  });

  it('sends what is piped in, and prints no escapes of its own', async () => {
    const stdin = new PassThrough();
    stdin.end('ls\n\u001d');
    connected((socket) => {
      socket.once('message', (data: Buffer) => socket.send(data, () => socket.close()));
    });
    const { stdout, stderr } = await run(['console', 'demo'], { stdin });
    expect(stdout).toBe('ls\n\u001d');
    expect(stderr).toBe('The console of demo was closed.\n');
  });

  it('says where to find the console with --json', async () => {
    daemon.on('GET /v1/machines/demo', json(demoDetails));
    const { stdout } = await run(['console', 'demo', '--json']);
    expect(JSON.parse(stdout)).toEqual({ name: 'demo', socket: daemon.socket, path: consolePath });
  });
});
