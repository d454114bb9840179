import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endOfArchive, headerOf } from '../../src/archive/tar-header.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { daemon, run, useDaemon } from './cli-run.ts';
import { demoDetails } from './cli-samples.ts';
import { json } from './cli-support.ts';

useDaemon();
const makeDirectory = useTemporaryDirectory();

const refusal = {
  type: 'error',
  error: { code: 'GUEST_FAILED', message: 'No.', next: 'Look.', details: {} },
};
const file = {
  type: 'file',
  mode: 0o600,
  uid: 0,
  gid: 0,
  mtime: 1_600_000_000,
  size: 5,
  linkName: '',
} as const;
const content = Buffer.from('hello'.padEnd(512, '\0'));

/** Takes an archive, and answers its end; the request, and the bytes that came. */
function takeArchive(answer: object): { request?: unknown; bytes: number } {
  const got: { request?: unknown; bytes: number } = { bytes: 0 };
  daemon.onSocket('/v1/machines/demo/guest-files/put', (socket) => {
    socket.on('message', (data: Buffer) => {
      if (got.request === undefined) got.request = JSON.parse(data.toString('utf8'));
      else if (data.length > 0) got.bytes += data.length;
      else socket.send(JSON.stringify(answer));
    });
  });
  return got;
}

/** Sends an archive and a message; the requests. */
function sendArchive(archive: Buffer, message: object): unknown[] {
  const requests: unknown[] = [];
  daemon.onSocket('/v1/machines/demo/guest-files/get', (socket) => {
    socket.once('message', (data: Buffer) => {
      requests.push(JSON.parse(data.toString('utf8')));
      socket.send(archive);
      socket.send(JSON.stringify(message));
    });
  });
  return requests;
}

describe('copy into a guest', () => {
  it('sends an archive of the files', async () => {
    const got = takeArchive({ type: 'end', files: 2, bytes: 10 });
    const directory = makeDirectory();
    writeFileSync(join(directory, 'a'), 'hello');
    writeFileSync(join(directory, 'b:c'), 'there');
    const { code, stdout } = await run(['copy', join(directory, 'a'), join(directory, 'b:c'), 'demo:/srv']);
    expect([code, stdout]).toEqual([0, 'demo: copied 2 files, 10 B\n']);
    expect(got).toEqual({ request: { path: '/srv', directory: true }, bytes: 4 * 512 + 1024 });
  });

  it('says what the guest refused, and as JSON what was copied', async () => {
    takeArchive(refusal);
    const path = join(makeDirectory(), 'a');
    writeFileSync(path, 'hello');
    expect(await run(['copy', path, 'demo:'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No.') as string,
    });
    takeArchive({ type: 'end', files: 1, bytes: 5 });
    const { stdout } = await run(['copy', path, 'demo:x/', '--json']);
    expect(JSON.parse(stdout)).toEqual({ files: 1, bytes: 5, problems: [] });
  });

  it('of what is not there, or has no name, or has the name of another is refused', async () => {
    const path = join(makeDirectory(), 'a');
    writeFileSync(path, 'hello');
    expect(await run(['copy', '/nowhere/at/all', 'demo:'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('/nowhere/at/all') as string,
    });
    expect((await run(['copy', path, path, 'demo:'])).stderr).toContain('are named a');
    expect((await run(['copy', '/', 'demo:'])).stderr).toContain('has no name');
  });
});

describe('copy out of a guest', () => {
  it('lays the files out in a directory, or under a new name', async () => {
    const archive = Buffer.concat([headerOf({ ...file, path: 'a' }), content, endOfArchive]);
    const requests = sendArchive(archive, { type: 'end', bytes: archive.length });
    const target = makeDirectory();
    expect(await run(['copy', 'demo:x/a', target])).toMatchObject({
      code: 0,
      stdout: `${join(target, 'a')}: copied 1 file, 5 B\n`,
    });
    expect((await run(['copy', 'demo:x/a', join(target, 'new')])).code).toBe(0);
    expect(requests).toEqual([{ path: 'x/a' }, { path: 'x/a' }]);
    expect(readdirSync(target).sort()).toEqual(['a', 'new']);
    expect(readFileSync(join(target, 'new'), 'utf8')).toBe('hello');
  });

  it.each([
    ['another name than was asked for', 'other', 'was not asked for'],
    ['a path that leads out', '../a', 'not allowed'],
  ])('of a guest that sends %s leaves nothing', async (_what, path, words) => {
    const archive = Buffer.concat([headerOf({ ...file, path }), content, endOfArchive]);
    sendArchive(archive, { type: 'end', bytes: archive.length });
    const target = makeDirectory();
    expect(await run(['copy', 'demo:a', target])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(words) as string,
    });
    expect(readdirSync(target)).toEqual([]);
  });

  it('that the guest refuses, or is too large, leaves nothing', async () => {
    const archive = Buffer.concat([headerOf({ ...file, path: 'a' }), content, endOfArchive]);
    const target = makeDirectory();
    sendArchive(Buffer.alloc(512), refusal);
    expect((await run(['copy', 'demo:a', target])).stderr).toContain('No.');
    sendArchive(archive, { type: 'end', bytes: archive.length });
    expect((await run(['copy', 'demo:a', target, '--max-size', '4'])).stderr).toContain('more than 4 bytes');
    expect(readdirSync(target)).toEqual([]);
    mkdirSync(join(target, 'a'));
    expect((await run(['copy', 'demo:a', target])).stderr).toContain('is a directory');
    expect(readdirSync(target)).toEqual(['a']);
  });
});

describe('the words of a copy', () => {
  it.each([
    [['copy', 'demo:a', 'demo:b'], 'from this computer into a guest'],
    [['copy', 'a', './demo:b'], 'from this computer into a guest'],
    [['copy', 'demo:a'], 'needs a source and a destination'],
  ])('%j are refused', async (words, text) => {
    expect(await run(words)).toMatchObject({ code: 2, stderr: expect.stringContaining(text) as string });
  });

  it('name the machine with the longest name that fits', async () => {
    daemon.on('GET /v1/machines', json([{ ...demoDetails, name: 'my:vm' }]));
    daemon.on('GET /v1/machines/my%3Avm', json(demoDetails));
    const requests: unknown[] = [];
    daemon.onSocket('/v1/machines/my%3Avm/guest-files/get', (socket) => {
      socket.once('message', (data: Buffer) => {
        requests.push(JSON.parse(data.toString('utf8')));
        socket.send(JSON.stringify(refusal));
      });
    });
    await run(['copy', 'my:vm:a:b', makeDirectory()]);
    expect(requests).toEqual([{ path: 'a:b' }]);
  });
});
