import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { GuestFile } from '../../src/api/guest-files.ts';
import type { GuestProcess } from '../../src/api/guest-processes.ts';
import { execRequest } from '../../src/api/messages.ts';
import { asked, bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { json, problem, terminalInput } from './cli-support.ts';

useDaemon();

const at = '/v1/machines/demo/guest';
const file: GuestFile = {
  name: 'a\u001b[1m\nb',
  type: 'directory',
  sizeBytes: 4096,
  mode: 0o1775,
  uid: 0,
  gid: 5,
  user: 'root',
  group: 'tty',
  modified: '2026-11-28T21:00:00.000Z',
  target: null,
};
const process: GuestProcess = {
  pid: 7,
  parent: 1,
  uid: 0,
  user: 'root',
  name: 'sh',
  command: 'sh -c \u009b',
  state: 'S',
  started: '2026-11-28T21:00:00.000Z',
  cpuMs: 20,
  memoryBytes: 1_048_576,
};

/** What a command line prints, after it has succeeded. */
async function printed(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(argv);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

describe('files in the guest', () => {
  it('are listed with names that cannot control the terminal', async () => {
    daemon.on(`GET ${at}/files`, json({ files: [file], more: true }));
    const { stdout, stderr } = await run(['guest', 'ls', 'demo', '/etc', '--user', 'alice']);
    expect(stdout).toContain('drwxrwxr-t  root  tty    4 KiB  2026-11-28 21:00  a\\x1b[1m\\x0ab\n');
    expect(stderr).toContain('There are more');
    expect(asked()).toEqual([`GET ${at}/files?path=%2Fetc&user=alice`]);
  });

  it('are described, made, removed and renamed', async () => {
    daemon.on(`GET ${at}/files/stat`, json({ ...file, type: 'link', target: '/x' }));
    for (const verb of ['directory', 'remove', 'rename', 'temporary'])
      daemon.on(`POST ${at}/files/${verb}`, json({ path: '/x' }));
    expect(await printed('guest', 'stat', 'demo', 'a')).toContain('-> /x');
    expect(await printed('guest', 'mkdir', 'demo', 'a', '-p')).toBe('demo: made /x\n');
    expect(await printed('guest', 'rm', 'demo', '-r', 'a', 'b')).toBe('demo: removed /x\ndemo: removed /x\n');
    expect(await printed('guest', 'mv', 'demo', 'a', 'b', '--force')).toBe('demo: renamed to /x\n');
    expect(await printed('guest', 'mktemp', 'demo', '-d', '--in', '/var/tmp')).toBe('/x\n');
    expect(bodies().slice(1)).toEqual([
      { path: 'a', parents: true },
      { path: 'a', recursive: true },
      { path: 'b', recursive: true },
      { path: 'a', to: 'b', replace: true },
      { directory: true, path: '/var/tmp' },
    ]);
  });

  it('that were removed are told also when the next one cannot be', async () => {
    const answers = [json({ path: '/a' }), problem(502, 'GUEST_FAILED', 'No.')];
    daemon.on(`POST ${at}/files/remove`, (...call) => answers.shift()?.(...call));
    const ran = await run(['guest', 'rm', 'demo', 'a', 'b']);
    expect(ran).toMatchObject({ code: 1, stdout: 'demo: removed /a\n' });
  });
});

describe('processes in the guest', () => {
  it('are listed and killed', async () => {
    daemon.on(`GET ${at}/processes`, json({ processes: [process], more: false }));
    daemon.on(`POST ${at}/processes/kill`, json({ ok: true }));
    expect(await printed('guest', 'ps', 'demo')).toContain('sh -c \\x9b');
    await printed('guest', 'kill', 'demo', '7', '8', '-s', 'SIGUSR1');
    expect(bodies().slice(1)).toEqual([
      { pid: 7, signal: 10 },
      { pid: 8, signal: 10 },
    ]);
  });

  it.each([
    [['7', '-s', 'LOUD'], /--signal is "LOUD"/],
    [['7', '-s', '65'], /from 1 to 64/],
    [['0'], /The number of a process is "0"/],
    [['-1'], /which is not a whole number/],
  ])('are not killed with %j', async (words, message) => {
    const { code, stderr } = await run(['guest', 'kill', 'demo', ...words]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(daemon.requests).toEqual([]);
  });

  it('are started without waiting', async () => {
    daemon.on(`POST ${at}/processes`, json({ pid: 9, through: 'tools' }));
    const line = ['guest', 'run', 'demo', '--no-wait', '--env', 'A=b', '--', 'sleep', '60'];
    expect(await printed(...line)).toBe('demo: process 9 was started\n');
    expect(bodies()).toEqual([{ command: ['sleep', '60'], env: { A: 'b' } }]);
  });
});

describe('a script', () => {
  it('is sent to its interpreter, and its exit code is that of kame', async () => {
    let request: unknown;
    daemon.onSocket('/v1/machines/demo/exec', (socket) => {
      socket.once('message', (data: Buffer) => {
        request = JSON.parse(data.toString('utf8'));
        socket.send(JSON.stringify({ type: 'exit', exitCode: 4, signal: null }));
      });
    });
    writeFileSync(join(daemon.home, 'a.py'), 'print(1)\n');
    const line = ['guest', 'script', 'demo', 'a.py', '--interpreter', 'python3 -I', '--', '--quick'];
    expect((await run(line)).code).toBe(4);
    expect(execRequest.parse(request)).toEqual({
      command: ['python3', '-I'],
      script: { text: 'print(1)\n', arguments: ['--quick'] },
      stdin: false,
    });
  });

  it.each([
    ['a file', 'long.sh', /long\.sh is larger than 1048576 bytes/],
    ['standard input', '-', /The script is larger than 1048576 bytes/],
  ])('is not read from %s that is longer than a script may be', async (_what, name, message) => {
    const text = 'x'.repeat(1_048_577);
    writeFileSync(join(daemon.home, 'long.sh'), text);
    const stdin = Object.assign(new PassThrough(), { isTTY: false });
    stdin.end(text);
    const { code, stderr } = await run(['guest', 'script', 'demo', name], { stdin });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('is not sent when it does not fit into a message', async () => {
    writeFileSync(join(daemon.home, 'lines.sh'), '\n'.repeat(600_000));
    const { code, stderr } = await run(['guest', 'script', 'demo', 'lines.sh']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/the limit is 1048576 bytes\.\n.*kame copy/);
  });

  it('is a file that can be read', async () => {
    const { code, stderr } = await run(['guest', 'script', 'demo', 'none.sh']);
    expect(code).toBe(1);
    expect(stderr).toContain('none.sh');
  });
});

describe('variables and users', () => {
  it('are shown and set', async () => {
    daemon.on(`GET ${at}/environment`, json({ variables: { B: '2', A: '1' } }));
    daemon.on(`PUT ${at}/environment`, json({ ok: true }));
    expect(await printed('guest', 'env', 'demo')).toBe('A=1\nB=2\n');
    const line = ['guest', 'env', 'demo', '--set', 'C=x=y', '--unset', 'A'];
    expect(await printed(...line)).toBe('demo: changed 2 variables\n');
    expect(bodies().slice(1)).toEqual([
      { name: 'C', value: 'x=y' },
      { name: 'A', value: null },
    ]);
    expect(JSON.parse(await printed(...line, '--json'))).toEqual({ variables: { A: '1', B: '2' } });
  });

  it('have passwords, which are on no command line', async () => {
    daemon.on(`PUT ${at}/users/alice/password`, json({ ok: true }));
    const piped = Object.assign(new PassThrough(), { isTTY: false });
    piped.end('first\nsecond\n');
    expect((await run(['guest', 'password', 'demo', 'alice'], { stdin: piped })).code).toBe(0);
    const { stream, modes } = terminalInput();
    stream.write('sécrex\u007ft\r');
    const asking = await run(['guest', 'password', 'demo', 'alice'], { stdin: stream });
    expect(asking.stderr).toBe('Password for alice in demo: \n');
    expect(modes).toEqual([true, false]);
    const cancelled = terminalInput().stream;
    cancelled.write('abc\u0003');
    expect((await run(['guest', 'password', 'demo', 'alice'], { stdin: cancelled })).code).toBe(1);
    expect(bodies()).toEqual(['first', 'sécret'].map((password) => ({ password, crypted: false })));
  });

  it('have SSH keys', async () => {
    const keys = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDemo me'];
    daemon.on(`GET ${at}/users/alice/ssh-keys`, json({ keys }));
    daemon.on(`POST ${at}/users/alice/ssh-keys`, json({ keys }));
    daemon.on(`POST ${at}/users/alice/ssh-keys/remove`, json({ keys: [] }));
    writeFileSync(join(daemon.home, 'id.pub'), `# mine\n${keys[0]}\r\n\n`);
    writeFileSync(join(daemon.home, 'id'), '-----BEGIN OPENSSH PRIVATE KEY-----\n');
    const verb = (...words: string[]) => ['guest', 'ssh-key', ...words];
    expect(await printed(...verb('list', 'demo', 'alice'))).toBe(`${keys[0]}\n`);
    expect(await printed(...verb('add', 'demo', 'alice', 'id.pub'))).toBe('demo: alice has 1 key\n');
    expect(await printed(...verb('remove', 'demo', 'alice', 'id.pub'))).toBe('demo: alice has 0 keys\n');
    expect((await run(verb('add', 'demo', 'alice', 'id'))).stderr).toContain('is a private key');
    expect(bodies().slice(1)).toEqual([{ keys, replace: false }, { keys }]);
  });

  it('are listed', async () => {
    const user = { name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/sh', loggedInSince: null };
    daemon.on(`GET ${at}/users`, json({ users: [user], more: false }));
    expect(await printed('guest', 'users', 'demo')).toMatch(/^root +0 +0 {2}\/root {2}\/bin\/sh {2}-$/m);
  });
});

describe('quiesce', () => {
  it('shows what the hooks say', async () => {
    const hook = { name: 'mysql', action: 'freeze', status: 1, output: 'no\ntables' };
    daemon.on(`POST ${at}/quiesce`, result({ fileSystems: 2, frozenMs: 3.5, hooks: [hook] }));
    expect(await printed('guest', 'quiesce', 'demo')).toBe(
      'demo: 2 file systems frozen for 3.5 ms\nmysql freeze: failed with status 1: no\\x0atables\n',
    );
  });
});
