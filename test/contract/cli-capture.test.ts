import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CaptureEnd } from '../../src/api/nic.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { daemon, run, useDaemon } from './cli-run.ts';

useDaemon();
const makeDirectory = useTemporaryDirectory();

const end: CaptureEnd = { type: 'end', reason: 'size', frames: 2, bytes: 2048, dropped: 3 };

/** Answers a capture with some bytes and a message; the requests. */
function answer(message: object): unknown[] {
  const requests: unknown[] = [];
  daemon.onSocket('/v1/machines/demo/capture', (socket) => {
    socket.once('message', (data: Buffer) => {
      requests.push(JSON.parse(data.toString('utf8')));
      socket.send(Buffer.from('one'));
      socket.send(Buffer.from(' two'));
      socket.send(JSON.stringify(message));
    });
  });
  return requests;
}

describe('capture', () => {
  it('writes the file, and says what is missing in it', async () => {
    const requests = answer(end);
    const file = join(makeDirectory(), 'demo.pcap');
    expect(await run(['capture', 'demo', file, '--nic', '1', '--max-size', '2KiB'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr:
        'demo: captured 2 frames, 2 KiB, the largest size was reached; 3 frames are missing, because they came faster than they could be written\n',
    });
    expect(readFileSync(file, 'utf8')).toBe('one two');
    expect(requests).toEqual([{ nic: 1, maxBytes: 2048 }]);
  });

  it('writes to standard output, and only that', async () => {
    answer({ ...end, reason: 'stopped', dropped: 0 });
    expect(await run(['capture', 'demo', '-'])).toMatchObject({
      code: 0,
      stdout: 'one two',
      stderr: 'demo: captured 2 frames, 2 KiB\n',
    });
  });

  it('ends with Ctrl-C, and has what was captured until then', async () => {
    const signals = new EventEmitter();
    daemon.onSocket('/v1/machines/demo/capture', (socket) => {
      socket.once('message', () => {
        socket.send(Buffer.from('one'));
        socket.once('message', (stop: Buffer) => {
          expect(stop).toHaveLength(0);
          socket.send(Buffer.from(' two'));
          socket.send(JSON.stringify({ ...end, reason: 'stopped', dropped: 0 }));
        });
        signals.emit('SIGINT');
      });
    });
    expect(await run(['capture', 'demo', '-'], { signals })).toMatchObject({
      code: 0,
      stdout: 'one two',
      stderr: 'demo: captured 2 frames, 2 KiB\n',
    });
  });

  it('that the daemon refuses fails', async () => {
    answer({
      type: 'error',
      error: { code: 'WRONG_STATE', message: 'demo is not running.', next: 'Start it.', details: {} },
    });
    const { code, stderr } = await run(['capture', 'demo', join(makeDirectory(), 'x.pcap')]);
    expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining('demo is not running.')]);
    expect(code).not.toBe(0);
  });
});
