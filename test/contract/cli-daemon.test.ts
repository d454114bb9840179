import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { daemonStatus } from '../../src/api/messages.ts';
import { version } from '../../src/core/version.ts';
import { demoRunning } from './cli-samples.ts';
import { fakeDaemon, json, kame, problem, temporaryHome } from './cli-support.ts';

/** A daemon that can be started: answers a list and a stop, and ends on request or after a minute. */
const smallDaemon = `
const { createServer } = require('node:http');
const { join } = require('node:path');
const home = process.argv[process.argv.indexOf('--home') + 1];
const server = createServer((request, response) => {
  if (request.url === '/v1/daemon/stop') server.close(() => process.exit(0));
  response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
  response.end(request.url === '/v1/daemon' ? JSON.stringify({ running: true, pid: process.pid, version: '0', home,
    socket: '', startedAt: '', machines: 0, runningMachines: 0, rssBytes: 1 }) : '[]');
});
server.listen(join(home, 'kamed.sock'));
setTimeout(() => process.exit(9), 60_000);
`;
const program = (code: string) => ({ command: process.execPath, args: ['-e', code, '--'] });

let temporary: Awaited<ReturnType<typeof temporaryHome>>;
let home: string;
beforeEach(async () => {
  temporary = await temporaryHome();
  home = join(temporary.home, 'k');
});
afterEach(async () => {
  await kame(home, ['daemon', 'stop']);
  await temporary[Symbol.asyncDispose]();
});

describe('the daemon', () => {
  it('is started by the first command that needs it, in a home of mode 0700, and stopped', async () => {
    const daemon = program(smallDaemon);
    expect(await kame(home, ['list', '--json'], { daemon })).toMatchObject({ code: 0, stdout: '[]\n' });
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    const status = async () =>
      JSON.parse((await kame(home, ['daemon', 'status', '--json'])).stdout) as unknown;
    const { running, pid } = daemonStatus.parse(await status());
    expect(running).toBe(true);
    expect(process.kill(pid as number, 0)).toBe(true);
    expect((await kame(home, ['daemon', 'stop'])).stdout).toContain('has stopped');
    expect(daemonStatus.parse(await status())).toMatchObject({ running: false, pid: null });
    expect((await kame(home, ['daemon', 'start', '--json'], { daemon })).stdout).toContain('"running": true');
  });

  it('is not started by commands that do not need it', async () => {
    for (const argv of [
      ['version'],
      ['completion', 'bash'],
      ['daemon', 'status'],
      ['daemon', 'stop'],
      ['list', '--help'],
    ]) {
      expect({ argv, code: (await kame(home, argv)).code }).toEqual({ argv, code: 0 });
    }
    expect((await kame(home, ['__complete', 'start', ''])).code).toBe(0);
    await expect(stat(home)).rejects.toThrow('ENOENT');
  });

  it('reports the last lines of its log when it ends while starting', async () => {
    await mkdir(home);
    await writeFile(join(home, 'kamed.log'), 'an old line\n');
    const daemon = program(`console.error('no luck today'); process.exit(3)`);
    const { code, stderr } = await kame(home, ['list'], { daemon });
    expect(code).toBe(5);
    expect(stderr).toContain('exit code 3');
    expect(stderr).toContain('no luck today');
    expect(stderr).not.toContain('an old line');
    expect(await readFile(join(home, 'kamed.log'), 'utf8')).toContain('no luck today');
  });

  it('serves both clients that start it at the same time', async () => {
    const daemon = program(smallDaemon);
    const both = await Promise.all([kame(home, ['list'], { daemon }), kame(home, ['list'], { daemon })]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
  });

  it('causes an error with advice if it does not exist or cannot be used', async () => {
    expect(await kame(home, ['list'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('not installed'),
    });
    const long = join(tmpdir(), 'x'.repeat(100));
    expect(await kame(long, ['list'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('shorter path'),
    });
    if (process.getuid?.() === 0) return;
    await chmod(temporary.home, 0o500);
    expect((await kame(home, ['list'])).code).toBe(1);
    await chmod(temporary.home, 0o700);
  });

  it('is replaced if it has another version', async () => {
    await using old = await fakeDaemon();
    old.on('GET /v1/machines', problem(426, 'DAEMON_UNREACHABLE', 'The daemon has version 0.'));
    const refused = await kame(old.home, ['__complete', 'start', '']);
    expect(refused).toMatchObject({ code: 0, stdout: '' });
    let stopped = false;
    old.on('POST /v1/daemon/stop', (response) => {
      stopped = true;
      response.writeHead(200, { connection: 'close' }).end('{"ok":true}', () => old.close());
    });
    const { code, stdout } = await kame(old.home, ['list', '--json'], { daemon: program(smallDaemon) });
    expect({ code, stdout, stopped }).toEqual({ code: 0, stdout: '[]\n', stopped: true });
    await kame(old.home, ['daemon', 'stop']);
  });
});

describe('completion', () => {
  const words = async (at: string, ...argv: string[]) =>
    (await kame(at, ['__complete', ...argv])).stdout.split('\n').map((line) => line.split('\t')[0]);

  it('offers verbs, options, choices, names, ids and files', async () => {
    await using daemon = await fakeDaemon();
    daemon.on('GET /v1/machines', json([demoRunning, { ...demoRunning, name: 'web' }]));
    daemon.on('GET /v1/images', json([{ id: 'debian-12' }, { id: 'tiny' }, { id: 'tiny' }]));
    const at = (...argv: string[]) => words(daemon.home, ...argv);
    expect(await at('st')).toEqual(['start', 'stop', '']);
    expect(await at('--')).toEqual(['--help', '--version', '']);
    expect(await at('start', '')).toEqual(['demo', 'web', '']);
    expect(await at('start', 'demo', '')).toEqual(['web', '']);
    expect(await at('start', '--wait', '')).toEqual(['agent', 'boot', 'network', 'login', 'none', '']);
    expect(await at('start', '--wait', 'boot', 'w')).toEqual(['web', '']);
    expect(await at('stop', '--h')).toEqual(['--hard', '--help', '']);
    expect(await at('image', 'p')).toEqual(['pull', '']);
    expect(await at('image', 'pull', 'd')).toEqual(['debian-12', ':files', '']);
    expect(await at('create', 'x', '--image', 't')).toEqual(['tiny', ':files', '']);
    expect(await at('create', 'x', '--iso', '')).toEqual([':files', '']);
    expect(await at('create', '')).toEqual(['']);
    expect(await at('exec', 'demo', '--', '-')).toEqual([':files', '']);
    expect(await at('completion', '')).toEqual(['bash', 'zsh', 'fish', '']);
    expect(await at('nonsense', '')).toEqual(['']);
  });

  it('knows machines by their bundles when no daemon runs', async () => {
    for (const name of ['one.vmwarevm', '.two.1234.creating', 'three']) {
      await mkdir(join(home, 'machines', name), { recursive: true });
    }
    expect(await words(home, 'show', '')).toEqual(['one', '']);
  });
});

describe('the program', () => {
  let bundle: string;
  beforeAll(async () => {
    const directory = await temporaryHome();
    bundle = join(directory.home, 'kame.mjs');
    await build({
      entryPoints: [fileURLToPath(new URL('../../src/bin/kame.ts', import.meta.url))],
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      outdir: directory.home,
      outExtension: { '.js': '.mjs' },
      banner: { js: `import { createRequire as r } from 'node:module'; const require = r(import.meta.url);` },
      external: ['*/daemon/main.ts'],
      logLevel: 'error',
    });
    return async () => {
      await directory[Symbol.asyncDispose]();
    };
  });

  async function started(argv: string[], at: string) {
    const child = spawn(process.execPath, [bundle, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, KAME_HOME: at },
    });
    const text = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
    const closed = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
      ...text,
    }));
    return { child, closed };
  }

  it('prints its version in three ways', async () => {
    for (const argv of [['--version'], ['-V'], ['version']]) {
      const { closed } = await started(argv, home);
      expect(await closed).toEqual({ code: 0, signal: null, stdout: `${version}\n`, stderr: '' });
    }
    const { closed } = await started(['version', '--json'], home);
    expect(JSON.parse((await closed).stdout)).toMatchObject({ version, node: process.versions.node });
  });

  it('passes exit codes on', async () => {
    const { closed } = await started(['nonsense'], home);
    expect(await closed).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Unknown command 'nonsense'"),
    });
  });

  it('ends quietly when its output is not read', async () => {
    await using daemon = await fakeDaemon();
    daemon.on('GET /v1/events', (response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      const line = `${JSON.stringify({ at: '', message: 'x'.repeat(10_000) })}\n`;
      const more = () => {
        while (!response.destroyed && response.write(line));
      };
      response.on('drain', more);
      more();
    });
    const { child, closed } = await started(['events', '--json'], daemon.home);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await closed).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('cancels at the first Ctrl-C, and reports how the operation ended', async () => {
    for (const [last, expected] of [
      [
        { type: 'error', error: { code: 'CANCELLED', message: 'Undone.', next: '', details: {} } },
        { code: 1, signal: null, stderr: expect.stringMatching(/demo: Cancelling\nkame: Undone\./) },
      ],
      [
        { type: 'error', error: { code: 'DISK_FULL', message: 'No room.', next: '', details: {} } },
        { code: 1, signal: null, stderr: expect.stringContaining('No room.') },
      ],
      [
        { type: 'result', result: { name: 'demo', waitedFor: 'none', accelerator: 'tcg', timings: {} } },
        { code: 0, signal: null },
      ],
    ] as const) {
      await using daemon = await fakeDaemon();
      let task: unknown;
      daemon.on('POST /v1/machines/demo/start', (response, request) => {
        task = request.headers['x-kame-task'];
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        response.write('{"type":"progress","progress":{"stage":"Boot"}}\n');
        daemon.on(`DELETE /v1/tasks/${String(task)}`, (reply) => {
          reply.writeHead(200, { 'content-type': 'application/json' });
          reply.end('{"found":true}');
          response.end(`${JSON.stringify(last)}\n`);
        });
      });
      const { child, closed } = await started(['start', 'demo'], daemon.home);
      await once(child.stderr, 'data');
      child.kill('SIGINT');
      expect(await closed).toMatchObject(expected);
      expect(task).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('hangs up when the daemon cannot cancel by id', async () => {
    await using daemon = await fakeDaemon();
    const begun = new Promise<{ hungUp: Promise<unknown> }>((resolve) => {
      daemon.on('POST /v1/machines/demo/start', (response) => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        response.write('{"type":"progress","progress":{"stage":"Boot"}}\n');
        resolve({ hungUp: once(response, 'close') });
      });
    });
    const { child, closed } = await started(['start', 'demo'], daemon.home);
    const { hungUp } = await begun;
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    await hungUp;
    expect(await closed).toMatchObject({
      code: 1,
      signal: null,
      stderr: expect.stringContaining('cancelled'),
    });
  });
});
