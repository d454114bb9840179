import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { ClipboardMessage, ClipboardStatus } from '../../src/api/clipboard.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { daemon, run, useDaemon } from './cli-run.ts';
import { json, terminalInput } from './cli-support.ts';

useDaemon();
const makeDirectory = useTemporaryDirectory();
const of = '/v1/machines/demo/clipboard';
const error = {
  code: 'CLIPBOARD_EMPTY',
  message: 'The clipboard of demo is empty.',
  next: 'Copy.',
  details: {},
};

/** Answers a reader with content; the requests. */
function content(contentType: string, ...parts: (string | Buffer)[]): unknown[] {
  const requests: unknown[] = [];
  daemon.onSocket(`${of}/get`, (socket) => {
    const send = (message: ClipboardMessage) => socket.send(JSON.stringify(message));
    socket.once('message', (data: Buffer) => {
      requests.push(JSON.parse(data.toString('utf8')));
      send({
        type: 'content',
        contentType,
        sizeBytes: Buffer.concat(parts.map((part) => Buffer.from(part))).length,
      });
      for (const part of parts) socket.send(Buffer.from(part));
      send({ type: 'end' });
    });
  });
  return requests;
}

/** Takes content, and answers at its end; all that has come. */
function takes(answer: (sizeBytes: number) => object) {
  const seen: { request?: unknown; data: Buffer } = { data: Buffer.alloc(0) };
  daemon.onSocket(`${of}/set`, (socket) => {
    socket.on('message', (data: Buffer, binary) => {
      if (!binary) seen.request = JSON.parse(data.toString('utf8'));
      else if (data.length > 0) seen.data = Buffer.concat([seen.data, data]);
      else socket.send(JSON.stringify(answer(seen.data.length)));
    });
  });
  return seen;
}

function input(text: string | Buffer) {
  const stdin = new PassThrough();
  stdin.end(text);
  return Object.assign(stdin, { isTTY: false });
}

describe('clipboard get', () => {
  it('writes the content to standard output, byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256));
    const requests = content('image/png', bytes.subarray(0, 65_536), bytes.subarray(65_536));
    const { code, stdoutBytes, stderr } = await run(['clipboard', 'get', 'demo', '--type', 'png']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdoutBytes.equals(bytes)).toBe(true);
    expect(requests).toEqual([{ type: 'image/png' }]);
  });

  it('shows text on a terminal, which the guest does not control, and refuses pictures there', async () => {
    const requests = content('text/plain', 'one\n\u001b[31mtwo');
    expect((await run(['clipboard', 'get', 'demo'], { tty: true })).stdout).toBe('one\n\\x1b[31mtwo\n');
    expect(requests).toEqual([{}]);
    content('image/png', 'x');
    expect(await run(['clipboard', 'get', 'demo'], { tty: true })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('> picture.png'),
    });
  });

  it('gives text, or base64, with --json', async () => {
    content('text/plain', 'grüße');
    const text = await run(['clipboard', 'get', 'demo', '--json']);
    expect(JSON.parse(text.stdout)).toEqual({ contentType: 'text/plain', sizeBytes: 7, text: 'grüße' });
    content('image/bmp', 'x');
    const picture = await run(['clipboard', 'get', 'demo', '--json']);
    expect(JSON.parse(picture.stdout)).toEqual({ contentType: 'image/bmp', sizeBytes: 1, base64: 'eA==' });
  });

  it('fails as the daemon says, when it disappears, and for a type that is none', async () => {
    daemon.onSocket(`${of}/get`, (socket) => socket.send(JSON.stringify({ type: 'error', error })));
    expect(await run(['clipboard', 'get', 'demo'])).toMatchObject({
      code: 1,
      stderr: 'kame: The clipboard of demo is empty.\n  Copy.\n',
    });
    daemon.onSocket(`${of}/get`, (socket) => socket.terminate());
    expect((await run(['clipboard', 'get', 'demo'])).code).toBe(5);
    expect(await run(['clipboard', 'get', 'demo', '--type', 'a/b/c'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('not a type of content'),
    });
  });

  it('is cancelled by Ctrl-C', async () => {
    const signals = new EventEmitter();
    daemon.onSocket(`${of}/get`, (socket) => socket.once('message', () => signals.emit('SIGINT')));
    expect(await run(['clipboard', 'get', 'demo'], { signals })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cancelled'),
    });
  });
});

describe('clipboard set', () => {
  it('sends standard input as text', async () => {
    const seen = takes((sizeBytes) => ({ type: 'set', sizeBytes }));
    const text = 'x'.repeat(200_000);
    expect(await run(['clipboard', 'set', 'demo'], { stdin: input(text) })).toMatchObject({
      code: 0,
      stdout: 'demo: 195.3 KiB of text/plain on the clipboard\n',
      stderr: '',
    });
    expect(seen.request).toEqual({ type: 'text/plain' });
    expect(seen.data.toString()).toBe(text);
  });

  it('sends a file, of the type that its name says or that is given', async () => {
    const seen = takes((sizeBytes) => ({ type: 'set', sizeBytes }));
    const file = join(makeDirectory(), 'picture.PNG');
    writeFileSync(file, 'picture');
    const { stdout } = await run(['clipboard', 'set', 'demo', file, '--json']);
    expect(JSON.parse(stdout)).toEqual({ name: 'demo', contentType: 'image/png', sizeBytes: 7 });
    expect(seen.request).toEqual({ type: 'image/png', sizeBytes: 7 });
    await run(['clipboard', 'set', 'demo', file, '--type', 'image/x-other']);
    expect(seen.request).toMatchObject({ type: 'image/x-other' });
    const missing = await run(['clipboard', 'set', 'demo', `${file}x`]);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining(`${file}x`) });
  });

  it('ends when the daemon refuses, although there is more input', async () => {
    daemon.onSocket(`${of}/set`, (socket) => {
      socket.once('message', () => socket.send(JSON.stringify({ type: 'error', error })));
    });
    const { stream } = terminalInput();
    expect((await run(['clipboard', 'set', 'demo'], { stdin: stream })).code).toBe(1);
    expect(stream.destroyed).toBe(true);
  });

  it('fails when its input fails', async () => {
    takes(() => ({}));
    const directory = makeDirectory();
    expect(await run(['clipboard', 'set', 'demo', directory])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(directory),
    });
  });
});

describe('clipboard show and watch', () => {
  const copied: ClipboardStatus = { agent: true, owner: 'guest', types: ['text/plain', 'image/png'] };
  const none: ClipboardStatus = { agent: false, owner: 'none', types: [] };

  it('show what is on it', async () => {
    daemon.on(`GET ${of}`, json(copied));
    expect((await run(['clipboard', 'show', 'demo'])).stdout).toBe(
      'demo: copied in the guest: text/plain, image/png\n',
    );
    expect(JSON.parse((await run(['clipboard', 'show', 'demo', '--json'])).stdout)).toEqual(copied);
    daemon.on(`GET ${of}`, json({ ...none, agent: true }));
    expect((await run(['clipboard', 'show', 'demo'])).stdout).toBe('demo: empty\n');
  });

  it('print a line for each change, until the machine stops or Ctrl-C', async () => {
    daemon.onSocket(`${of}/watch`, (socket) => {
      for (const status of [none, copied]) socket.send(JSON.stringify(status));
      socket.close();
    });
    const { code, stdout } = await run(['clipboard', 'watch', 'demo']);
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\d\d:\d\d:\d\d/g, 'TIME')).toBe(
      'TIME  no desktop agent runs in the guest\nTIME  copied in the guest: text/plain, image/png\n',
    );
    const signals = new EventEmitter();
    daemon.onSocket(`${of}/watch`, (socket) => {
      socket.send(JSON.stringify(copied));
      setImmediate(() => signals.emit('SIGINT'));
    });
    const watched = await run(['clipboard', 'watch', 'demo', '--json'], { signals });
    expect(watched).toMatchObject({ code: 0, stderr: '' });
    daemon.onSocket(`${of}/watch`, (socket) => socket.send(JSON.stringify({ type: 'error', error })));
    expect((await run(['clipboard', 'watch', 'demo'])).code).toBe(1);
  });
});
