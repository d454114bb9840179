import { execFileSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ErrorBody } from '../../src/api/messages.ts';
import type { SoundMessage } from '../../src/api/sound.ts';
import { wavHeader } from '../../src/cli/wav.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { daemon, run, useDaemon } from './cli-run.ts';

useDaemon();
const makeDirectory = useTemporaryDirectory();
const format = { type: 'format', rate: 44_100, channels: 2, sampleBits: 16 } as const;
const end = { type: 'end', reason: 'time', frames: 88_200, silent: 44_100, dropped: 0 } as const;

/** Answers a recording; the requests. */
function answer(messages: readonly (SoundMessage | Buffer)[]): unknown[] {
  const requests: unknown[] = [];
  daemon.onSocket('/v1/machines/demo/sound', (socket) => {
    socket.once('message', (data: Buffer) => {
      requests.push(JSON.parse(data.toString('utf8')));
      for (const message of messages)
        socket.send(message instanceof Buffer ? message : JSON.stringify(message));
    });
  });
  return requests;
}

describe('sound', () => {
  it('writes a WAV file, with the silence, and says how long it is', async () => {
    const requests = answer([
      format,
      Buffer.from('abcd'),
      { type: 'silence', frames: 20_000 },
      Buffer.from('efgh'),
      end,
    ]);
    const file = join(makeDirectory(), 'demo.wav');
    expect(await run(['sound', 'demo', file, '--duration', '2'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'demo: recorded 2.0 s, 1.0 s of it silent\n',
    });
    const silence = Buffer.alloc(80_000);
    const parts = [wavHeader(format, 80_008), Buffer.from('abcd'), silence, Buffer.from('efgh')];
    expect(readFileSync(file).equals(Buffer.concat(parts))).toBe(true);
    expect(requests).toEqual([{ durationMs: 2000 }]);
  });

  it('writes to standard output without knowing the size, and only that', async () => {
    answer([format, Buffer.from('abcd'), { ...end, reason: 'engine', dropped: 4410 }]);
    const { code, stdout, stderr } = await run(['sound', 'demo', '-']);
    expect([code, stdout]).toEqual([0, `${wavHeader(format).toString('utf8')}abcd`]);
    expect(stderr).toBe(
      'demo: recorded 2.0 s, 1.0 s of it silent, the machine has stopped; 0.1 s are missing, because they came faster than they could be written\n',
    );
  });

  it('can be written to a named pipe, whose beginning cannot be changed afterwards', async () => {
    answer([format, Buffer.from('abcd'), end]);
    const pipe = join(makeDirectory(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const read = readFile(pipe);
    expect(await run(['sound', 'demo', pipe])).toMatchObject({ code: 0 });
    expect((await read).equals(Buffer.concat([wavHeader(format), Buffer.from('abcd')]))).toBe(true);
  });

  it('ends with Ctrl-C, and has what was recorded until then', async () => {
    const signals = new EventEmitter();
    daemon.onSocket('/v1/machines/demo/sound', (socket) => {
      socket.once('message', () => {
        for (const message of [JSON.stringify(format), Buffer.from('abcd')]) socket.send(message);
        socket.once('message', (stop: Buffer) => {
          expect(stop).toHaveLength(0);
          for (const message of [Buffer.from('efgh'), JSON.stringify({ ...end, reason: 'stopped' })])
            socket.send(message);
        });
        signals.emit('SIGINT');
      });
    });
    const file = join(makeDirectory(), 'demo.wav');
    expect(await run(['sound', 'demo', file], { signals })).toMatchObject({ code: 0 });
    const parts = [wavHeader(format, 8), Buffer.from('abcdefgh')];
    expect(readFileSync(file).equals(Buffer.concat(parts))).toBe(true);
  });

  it('prints what the end says in JSON', async () => {
    answer([format, end]);
    const { stdout } = await run(['sound', 'demo', join(makeDirectory(), 'x.wav'), '--json']);
    expect(JSON.parse(stdout)).toEqual(end);
  });

  it('that is refused writes no file', async () => {
    const error: ErrorBody = {
      code: 'WRONG_STATE',
      message: 'demo has no sound card.',
      next: 'Add one.',
      details: {},
    } as const;
    answer([{ type: 'error', error }]);
    const file = join(makeDirectory(), 'x.wav');
    expect(await run(['sound', 'demo', file])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('demo has no sound card.'),
    });
    expect(existsSync(file)).toBe(false);
  });

  it('takes only a duration that can be', async () => {
    expect(await run(['sound', 'demo', 'x.wav', '--duration', '-1'])).toMatchObject({ code: 2 });
  });
});
