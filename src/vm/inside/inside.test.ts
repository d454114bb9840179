import { describe, expect, it } from 'vitest';
import { usualGuest, type GuestOptions } from '../../../test/support/fake-engine/guest.ts';
import { commandThat, goodHello, operationThat } from '../../../test/support/fake-tools.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { pause } from '../power/pause.ts';
import { listFiles, makeDirectory, makeTemporary, removeFile, renameFile, statFile } from './files.ts';
import { killProcess, listProcesses, setVariable, showEnvironment, startProcess } from './processes.ts';
import { quiesce, readHookLog } from './quiesce.ts';
import { changeSshKeys, listSshKeys, listUsers, setPassword } from './users.ts';

const world = useWorld();
const { signal } = quiet;
const host = () => world().host;

/** A machine that runs, whose guest is like that. */
async function guest(options: Partial<GuestOptions>) {
  world().machine();
  world().engines.guest = { ...usualGuest, ...options };
  return await world().start('demo', options.agent === 'none' ? {} : { wait: 'agent' });
}

/** A guest whose kame-tools answer operations like that. */
async function toolsThat(reply: (asked: Readonly<Record<string, unknown>>) => unknown) {
  return await guest({ tools: { onFrame: operationThat(reply) } });
}

const file = {
  name: 'a',
  type: 'file',
  sizeBytes: 5,
  mode: 0o644,
  uid: 0,
  gid: 0,
  user: 'root',
  group: 'root',
  modified: 0,
};
const change = { recursive: false, directory: false };

describe('through kame-tools', () => {
  it('asks for each operation with what it needs, and as the user', async () => {
    const seen: unknown[] = [];
    await toolsThat((asked) => {
      seen.push(asked);
      return { result: { path: '/x', entries: [file], more: false, variables: { A: 'b' }, ...file } };
    });
    const listed = await listFiles(host(), 'demo', { path: '/etc', user: 'alice' }, signal);
    expect(listed.files).toEqual([{ ...file, modified: '1970-01-01T00:00:00.000Z', target: null }]);
    await statFile(host(), 'demo', { path: 'a', follow: true, user: 'root' }, signal);
    await makeDirectory(host(), 'demo', { path: 'b/', parents: true }, signal);
    await removeFile(host(), 'demo', { path: 'b', ...change }, signal);
    await renameFile(host(), 'demo', { path: 'a', to: 'b', replace: false }, signal);
    await makeTemporary(host(), 'demo', { directory: false, prefix: 'p', suffix: 's' }, signal);
    await killProcess(host(), 'demo', { pid: 7, signal: 9 }, signal);
    await setVariable(host(), 'demo', { name: 'A', value: null }, signal);
    expect((await showEnvironment(host(), 'demo', 'alice', signal)).variables).toEqual({ A: 'b' });
    expect(seen).toEqual(
      [
        { operation: 'list', path: '/etc', user: 'alice' },
        { operation: 'stat', path: 'a', follow: true },
        { operation: 'makeDirectory', path: 'b', parents: true },
        { operation: 'remove', path: 'b', ...change },
        { operation: 'rename', path: 'a', to: 'b', replace: false },
        { operation: 'makeTemporary', path: '/tmp', directory: false, prefix: 'p', suffix: 's' },
        { operation: 'kill', pid: 7, signal: 9 },
        { operation: 'setEnvironment', name: 'A', value: null },
        { operation: 'environment', user: 'alice' },
      ].map((asked) => ({ service: 'operate', ...asked })),
    );
  });

  it.each(['', '/', 'a/..', './', '..'])('does not remove "%s"', async (path) => {
    await toolsThat(() => ({ result: { path } }));
    const refusal = await refused(removeFile(host(), 'demo', { path, ...change, recursive: true }, signal));
    expect(refusal.code).toBe('INVALID_VALUE');
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a list', []],
    ['no list of files', { entries: 3 }],
    ['too many files', { entries: Array.from({ length: 10_001 }, () => 0) }],
    ['a file that is none', { entries: [3] }],
    ['a file without a name', { entries: [{ ...file, name: undefined }] }],
    ['a very long name', { entries: [{ ...file, name: 'x'.repeat(9000) }] }],
    ['a negative size', { entries: [{ ...file, sizeBytes: -1 }] }],
    ['a size that is no whole number', { entries: [{ ...file, sizeBytes: 1.5 }] }],
    ['a time outside of all calendars', { entries: [{ ...file, modified: 1e300 }] }],
  ])('takes %s for no listing', async (_what, result) => {
    await toolsThat(() => ({ result }));
    expect((await refused(listFiles(host(), 'demo', { path: '/' }, signal))).code).toBe('GUEST_FAILED');
  });

  it('keeps a name such as __proto__ harmless', async () => {
    await toolsThat(() => '{"result":{"variables":{"__proto__":"x"}}}');
    const { variables } = await showEnvironment(host(), 'demo', undefined, signal);
    expect(Object.getPrototypeOf(variables)).toBe(Object.prototype);
  });

  it('starts a command, and tells its number', async () => {
    const engine = await guest({
      tools: { onFrame: commandThat({}, { exitCode: 0, signal: null, pid: 9 }) },
    });
    const started = await startProcess(host(), 'demo', { command: ['sleep', '60'], cwd: '/srv' }, signal);
    expect(started).toEqual({ pid: 9, through: 'tools' });
    expect(JSON.parse(String(engine.guest.tools?.frames[0]?.payload))).toMatchObject({
      command: ['sleep', '60'],
      cwd: '/srv',
      detached: true,
    });
  });

  it('refuses those of an older version, and says how to update them', async () => {
    await guest({ tools: { hello: { ...goodHello, services: ['info', 'exec'] } } });
    const expected = { code: 'GUEST_TOOLS_MISSING', next: 'kame tools install demo updates them.' };
    expect(await refused(listProcesses(host(), 'demo', signal))).toMatchObject(expected);
    expect(await refused(startProcess(host(), 'demo', { command: ['a'] }, signal))).toMatchObject(expected);
  });

  it('refuses a paused machine', async () => {
    await toolsThat(() => ({ result: {} }));
    await pause(host(), 'demo', quiet);
    expect((await refused(listProcesses(host(), 'demo', signal))).code).toBe('WRONG_STATE');
  });
});

describe('without kame-tools', () => {
  it.each([
    ['Another user', () => listFiles(host(), 'demo', { path: '/', user: 'alice' }, signal)],
    ['Another user', () => startProcess(host(), 'demo', { command: ['a'], user: 'alice' }, signal)],
    ['A working directory', () => startProcess(host(), 'demo', { command: ['a'], cwd: '/' }, signal)],
    ['Setting a variable', () => setVariable(host(), 'demo', { name: 'A', value: 'b' }, signal)],
  ])('names what needs them: %s', async (wish, work) => {
    await guest({});
    const running = world().running();
    running.record = { ...running.record, hardware: 2 };
    const refusal = await refused(work());
    expect(refusal).toMatchObject({ code: 'GUEST_TOOLS_MISSING', message: like(new RegExp(`^${wish}`)) });
  });

  it('starts commands through the guest agent', async () => {
    await guest({ programs: { sleep: () => ({ exitCode: 0 }), '/usr/bin/env': () => ({ exitCode: 0 }) } });
    const sleep = { command: ['sleep', '60'] };
    expect(await startProcess(host(), 'demo', sleep, signal)).toEqual({ pid: 100, through: 'agent' });
    expect(await startProcess(host(), 'demo', { ...sleep, env: { A: 'b' } }, signal)).toMatchObject({
      pid: 101,
    });
    const unknown = startProcess(host(), 'demo', { command: ['nothing'] }, signal);
    expect(await refused(unknown)).toMatchObject({ code: 'GUEST_FAILED', message: like(/nothing/) });
  });
});

describe('users', () => {
  const keys = ['ssh-ed25519 AAAA one', 'ssh-ed25519 BBBB two'];

  it('are listed with the time since which they are logged in', async () => {
    await guest({
      handlers: { 'guest-get-users': () => ({ value: [{ user: 'alice', 'login-time': 1.5 }] }) },
      tools: {
        onFrame: operationThat(() => ({
          result: {
            accounts: ['root', 'alice'].map((name) => ({
              name,
              uid: 1,
              gid: 2,
              home: '/',
              shell: '/bin/sh',
            })),
          },
        })),
      },
    });
    const { users } = await listUsers(host(), 'demo', signal);
    expect(users.map(({ name, loggedInSince }) => [name, loggedInSince])).toEqual([
      ['root', null],
      ['alice', '1970-01-01T00:00:01.500Z'],
    ]);
  });

  it('get keys and passwords from the guest agent', async () => {
    const asked: unknown[] = [];
    const done = (args: unknown) => {
      asked.push(args);
      return { value: {} };
    };
    await guest({
      handlers: {
        'guest-ssh-get-authorized-keys': () => ({ value: { keys: [...keys, ''] } }),
        'guest-ssh-add-authorized-keys': done,
        'guest-ssh-remove-authorized-keys': done,
        'guest-set-user-password': done,
      },
    });
    expect(await listSshKeys(host(), 'demo', 'alice', signal)).toEqual({ keys });
    await changeSshKeys(host(), 'demo', 'alice', { add: { keys, replace: true } }, signal);
    await changeSshKeys(host(), 'demo', 'alice', { remove: { keys } }, signal);
    await setPassword(host(), 'demo', 'alice', { password: 'sécret', crypted: false }, signal);
    expect(asked).toEqual([
      { username: 'alice', keys, reset: true },
      { username: 'alice', keys },
      { username: 'alice', password: Buffer.from('sécret').toString('base64'), crypted: false },
    ]);
  });

  it('cannot be changed by an agent that is too old', async () => {
    await guest({});
    const refusal = await refused(listSshKeys(host(), 'demo', 'alice', signal));
    expect(refusal).toMatchObject({ code: 'GUEST_AGENT_MISSING', message: like(/too old/) });
  });
});

const log = [
  'Sat Nov 28 21:00:00 UTC 2026: execute /etc/qemu/fsfreeze-hook.d/mysql freeze',
  'flushing \u001b[1mtables',
  'Sat Nov 28 21:00:01 UTC 2026: /etc/qemu/fsfreeze-hook.d/mysql finished with status=1',
  'Sat Nov 28 21:00:02 UTC 2026: execute /etc/qemu/fsfreeze-hook.d/mysql thaw',
].join('\n');

describe('quiesce', () => {
  it('reads what hooks say', () => {
    const name = '/etc/qemu/fsfreeze-hook.d/mysql';
    expect(readHookLog(log)).toEqual([
      { name, action: 'freeze', status: 1, output: 'flushing \u001b[1mtables' },
      { name, action: 'thaw', status: null, output: '' },
    ]);
    expect(readHookLog('anything\nelse')).toEqual([]);
  });

  it('freezes and thaws, and tells what is new in the log', async () => {
    const old = 'old\n';
    let text = old;
    let place = 0;
    const engine = await guest({
      handlers: {
        'guest-file-open': () => ({ value: 1 }),
        'guest-file-close': () => ({ value: {} }),
        'guest-file-seek': ({ offset, whence }) => {
          place = whence === 'end' ? text.length : Number(offset);
          return { value: { position: place, eof: false } };
        },
        'guest-file-read': () => {
          const bytes = Buffer.from(text.slice(place));
          place = text.length;
          return { value: { count: bytes.length, 'buf-b64': bytes.toString('base64'), eof: true } };
        },
        'guest-fsfreeze-thaw': () => {
          text += log;
          return { value: 2 };
        },
      },
    });
    const done = await quiesce(host(), 'demo', quiet);
    expect(done).toMatchObject({ fileSystems: 2, hooks: readHookLog(log) });
    const calls = engine.guest.calls.filter((name) => name.startsWith('guest-fsfreeze'));
    expect(calls).toEqual(['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw']);
  });

  it('thaws also after a freeze that is refused', async () => {
    const desc = 'fsfreeze hook has failed with status 1';
    const engine = await guest({
      handlers: { 'guest-fsfreeze-freeze': () => ({ error: { class: 'GenericError', desc } }) },
    });
    const refusal = await refused(quiesce(host(), 'demo', quiet));
    expect(refusal).toMatchObject({ code: 'GUEST_FAILED', message: like(/hook has failed with status 1/) });
    expect(engine.guest.calls).toContain('guest-fsfreeze-thaw');
  });
});
