import { EventEmitter } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { operations } from '../../src/api/operations.ts';
import { asked, bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { demo, demoStarted } from './cli-samples.ts';
import { json, lines, problem } from './cli-support.ts';

useDaemon();

describe('kame api', () => {
  it('lists all operations', async () => {
    const { code, stdout } = await run(['api']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^METHOD {2}PATH +OPERATION +SUMMARY\n/);
    expect(stdout).toMatch(
      /\nPOST +\/machines\/\{machine\}\/start +machines\.start +Start or resume a machine\n/,
    );
    const listed = JSON.parse((await run(['api', '--json'])).stdout) as { name: string }[];
    expect(listed.map(({ name }) => name)).toEqual(Object.keys(operations));
  });

  it.each(['/machines', '/v1/machines'])('calls %s and prints its JSON', async (path) => {
    daemon.on('GET /v1/machines', json([demo]));
    const { code, stdout, stderr } = await run(['api', 'get', path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual([demo]);
  });

  it('passes names on as they are encoded', async () => {
    daemon.on('GET /v1/machines/a%20b%2Fc', json(demo));
    expect((await run(['api', 'GET', '/machines/a%20b%2Fc'])).code).toBe(0);
  });

  it('shows the progress of a task beside its result', async () => {
    const progress = { type: 'progress', progress: { stage: 'Engine' } };
    daemon.on('POST /v1/machines/demo/start', lines(progress, { type: 'result', result: demoStarted }));
    const { stdout, stderr } = await run(['api', 'POST', '/machines/demo/start']);
    expect(stderr).toBe('machines.start: Engine\n');
    expect(JSON.parse(stdout)).toEqual(demoStarted);
    expect(bodies()).toEqual([{}]);
  });

  it('takes a body from the command line, a file or standard input', async () => {
    daemon.on('POST /v1/machines/demo/start', result(demoStarted));
    await writeFile(join(daemon.home, 'body.json'), '{"wait": "none"}');
    const stdin = new PassThrough();
    stdin.end('{"wait": "boot"}');
    const start = async (data: string) =>
      await run(['api', 'POST', '/machines/demo/start', '--data', data], { stdin });
    for (const data of ['{"timeoutMs": 5}', '@body.json', '-']) expect((await start(data)).code).toBe(0);
    expect(bodies()).toEqual([{ timeoutMs: 5 }, { wait: 'none' }, { wait: 'boot' }]);
  });

  it('takes a query from the path and from --query', async () => {
    daemon.on('GET /v1/machines/demo/logs', (response) => response.end('one\ntwo'));
    const words = ['api', 'GET', '/machines/demo/logs?console=true', '--query', 'follow=a b'];
    expect((await run(words)).stdout).toBe('one\ntwo');
    expect(asked()).toEqual(['GET /v1/machines/demo/logs?console=true&follow=a%20b']);
  });

  it('prints a stream line by line, until Ctrl-C', async () => {
    const signals = new EventEmitter();
    daemon.on('GET /v1/events', (response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write('{"type":"machine.state"}\n{"type":"machine.agent"}\n');
      setImmediate(() => signals.emit('SIGINT'));
    });
    const { code, stderr } = await run(['api', 'GET', '/events'], { signals });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    daemon.on('GET /v1/events', lines({ type: 'machine.state' }, { type: 'machine.agent' }));
    expect((await run(['api', 'GET', '/events'])).stdout).toBe(
      '{"type":"machine.state"}\n{"type":"machine.agent"}\n',
    );
  });

  it('writes a file unchanged, but not to a terminal', async () => {
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255]);
    daemon.on('GET /v1/machines/demo/screenshot', (response) => response.end(png));
    const words = ['api', 'GET', '/machines/demo/screenshot'];
    expect((await run(words)).stdoutBytes.equals(png)).toBe(true);
    expect(await run(words, { tty: true })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Redirect it to a file'),
    });
  });

  it.each([
    ['GET /machins', /has no GET \/machins\.\n {2}Did you mean GET \/machines\? `kame api` lists/],
    ['GET /machines/demo/start', /Did you mean POST \/machines\/\{machine\}\/start\?/],
    ['POST /machines/demo/snapshots/clean/rever', /Did you mean POST .*\/\{snapshot\}\/revert\?/],
    ['FETCH /machines', /Did you mean GET \/machines\?/],
    ['GET /machines/%zz', /has no GET \/machines\/%zz/],
    ['GET', /The path of the operation is missing/],
    ['GET /machines/demo/exec', /is a WebSocket\.\n {2}Use `kame exec`\./],
    ['GET /v1/machines/demo/console', /Use `kame console`\./],
    ['POST /machines/demo/start --data {', /--data is not JSON/],
    ['POST /machines/demo/pause --data {}', /does not take --data/],
    ['GET /machines --query a=b', /does not take a query/],
    ['GET /machines?a=b', /does not take a query/],
    ['GET /machines/demo/logs --query follow', /"follow" is malformed: it must be key=value/],
  ])('%s ends with 2', async (words, message) => {
    const { code, stdout, stderr } = await run(['api', ...words.split(' ')]);
    expect({ code, stdout, asked: asked() }).toEqual({ code: 2, stdout: '', asked: [] });
    expect(stderr).toMatch(message);
  });

  it('refuses a data file that does not exist or is not JSON', async () => {
    const send = async (file: string) => await run(['api', 'POST', '/doctor', '--data', `@${file}`]);
    expect((await send('nowhere.json')).code).toBe(1);
    await writeFile(join(daemon.home, 'bad.json'), 'fresh');
    expect(await send('bad.json')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bad.json is not JSON'),
    });
  });

  it('ends with the exit code of the daemon’s error', async () => {
    daemon.on('POST /v1/machines/demo/start', problem(409, 'WRONG_STATE', 'It runs already.'));
    const { code, stderr } = await run(['api', 'POST', '/machines/demo/start', '--json']);
    expect(code).toBe(4);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'WRONG_STATE' });
  });

  it('is completed: methods, then paths with the existing machines', async () => {
    daemon.on('GET /v1/machines', json([{ ...demo, name: 'my web' }]));
    const words = async (...argv: string[]) =>
      (await run(['__complete', 'api', ...argv])).stdout.trimEnd().split('\n');
    expect(await words('P')).toEqual(['POST', 'PUT', 'PATCH']);
    expect(await words('PATCH', '')).toEqual([
      '/machines/my%20web',
      '/machines/my%20web/shares',
      '/machines/my%20web/snapshots/',
      '/networks/',
      '/machines/my%20web/nics/',
      '/web/users/',
    ]);
    expect(await words('post', '/i')).toEqual(['/images/pull', '/images/import']);
  });
});
