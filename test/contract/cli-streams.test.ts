import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { deferred } from '../../src/core/deferred.ts';
import { daemon, run, useDaemon } from './cli-run.ts';
import { demoDetails } from './cli-samples.ts';
import { json, lines } from './cli-support.ts';

useDaemon();

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
