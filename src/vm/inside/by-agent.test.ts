import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { ShellGuest } from '../../../test/support/shell-guest.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { execute } from '../guest/exec.ts';
import { filesOf } from './agent-replies.ts';
import { listFiles, makeDirectory, makeTemporary, removeFile, renameFile, statFile } from './files.ts';
import { killProcess, listProcesses, showEnvironment } from './processes.ts';
import { listUsers } from './users.ts';

const world = useWorld();
const directory = useTemporaryDirectory();
const { signal } = quiet;
const host = () => world().host;

/** A machine that runs, with a guest whose programs are of this host, and without kame-tools. */
async function startGuest(): Promise<string> {
  const guest = new ShellGuest(directory());
  world().engines.guest = { ...usualGuest, handlers: guest.handlers };
  world().machine();
  await world().start('demo', { wait: 'agent' });
  return guest.root;
}

const reasonOf = async (work: Promise<unknown>): Promise<unknown> =>
  await work.then(
    () => 'done',
    (error: { details: { reason?: unknown } }) => error.details.reason,
  );

describe('operations through the guest agent', () => {
  it('list and describe files with any name', async () => {
    const root = await startGuest();
    mkdirSync(join(root, 'srv/sub dir'), { recursive: true });
    writeFileSync(join(root, 'srv', ' odd "name"\n|'), 'hello', { mode: 0o640 });
    writeFileSync(join(root, 'srv/.hidden'), '');
    symlinkSync('sub dir', join(root, 'srv/link'));
    const { files, more } = await listFiles(host(), 'demo', { path: '/srv' }, signal);
    expect(more).toBe(false);
    expect(files.map(({ name, type, target }) => [name, type, target])).toEqual([
      [' odd "name"\n|', 'file', null],
      ['.hidden', 'file', null],
      ['link', 'link', 'sub dir'],
      ['sub dir', 'directory', null],
    ]);
    const real = lstatSync(join(root, 'srv/.hidden'));
    expect(await statFile(host(), 'demo', { path: '/srv/.hidden', follow: false }, signal)).toMatchObject({
      name: '/srv/.hidden',
      sizeBytes: 0,
      mode: real.mode & 0o7777,
      uid: real.uid,
      modified: new Date(Math.floor(real.mtimeMs / 1000) * 1000).toISOString(),
    });
    expect(await statFile(host(), 'demo', { path: '/srv/link', follow: true }, signal)).toMatchObject({
      type: 'directory',
      target: null,
    });
    expect((await listFiles(host(), 'demo', { path: '/srv/sub dir' }, signal)).files).toEqual([]);
    expect(await reasonOf(listFiles(host(), 'demo', { path: '/srv/none' }, signal))).toBe('noSuchFile');
    expect(await reasonOf(listFiles(host(), 'demo', { path: '/srv/.hidden' }, signal))).toBe('notDirectory');
  });

  it('make, rename and remove files and directories', async () => {
    const root = await startGuest();
    const change = { recursive: false, directory: false };
    const make = (path: string, parents = false) => makeDirectory(host(), 'demo', { path, parents }, signal);
    const remove = (path: string, more: object = {}) =>
      removeFile(host(), 'demo', { path, ...change, ...more }, signal);
    const move = (path: string, to: string, replace = false) =>
      renameFile(host(), 'demo', { path, to, replace }, signal);
    expect(await reasonOf(make('/srv/a'))).toBe('noSuchFile');
    expect(await make('/srv/a', true)).toEqual({ path: '/srv/a' });
    expect(await reasonOf(make('/srv/a'))).toBe('exists');
    writeFileSync(join(root, 'srv/f'), '1');
    writeFileSync(join(root, 'srv/g'), '2');
    expect(await reasonOf(move('/srv/f', '/srv/g'))).toBe('exists');
    expect(await reasonOf(move('/srv/f', '/srv/a', true))).toBe('exists');
    expect(await move('/srv/f', '/srv/g', true)).toEqual({ path: '/srv/g' });
    symlinkSync('a', join(root, 'srv/link'));
    expect(await reasonOf(remove('/srv/a'))).toBe('isDirectory');
    expect(await reasonOf(remove('/srv/g', { directory: true }))).toBe('notDirectory');
    await remove('/srv/link', { recursive: true });
    expect(existsSync(join(root, 'srv/a'))).toBe(true);
    await remove('/srv/a', { recursive: true });
    expect(readdirSync(join(root, 'srv'))).toEqual(['g']);
    expect(await reasonOf(remove('/srv/a'))).toBe('noSuchFile');
  });

  it('make temporary files', async () => {
    const root = await startGuest();
    const options = { directory: true, prefix: 'k-', suffix: '' };
    const { path } = await makeTemporary(host(), 'demo', options, signal);
    expect(path.startsWith(join(root, 'tmp/k-'))).toBe(true);
    expect(lstatSync(path).isDirectory()).toBe(true);
  });

  it('list processes without their words, users and variables', async () => {
    await startGuest();
    const { processes } = await listProcesses(host(), 'demo', signal);
    const mine = processes.find(({ pid }) => pid === process.pid);
    expect(mine).toMatchObject({ parent: process.ppid, uid: process.getuid?.(), command: null });
    expect(Math.abs(Date.parse(mine?.started ?? '') - (Date.now() - process.uptime() * 1000))).toBeLessThan(
      60_000,
    );
    expect((await listUsers(host(), 'demo', signal)).users).toContainEqual(
      expect.objectContaining({ name: 'root', uid: 0, loggedInSince: null }),
    );
    expect((await showEnvironment(host(), 'demo', undefined, signal)).variables['LC_ALL']).toBe('C');
    expect(await reasonOf(killProcess(host(), 'demo', { pid: 0x3fff_ffff, signal: 15 }, signal))).toBe(
      'noSuchProcess',
    );
  });

  it('run a script with its arguments, and leave no file', async () => {
    await startGuest();
    let stdout = '';
    const script = { text: 'echo "$#:$2:$OPTION"; case $- in *u*) exit 3 ;; esac', arguments: ['a', 'b c'] };
    const end = await execute(
      host(),
      'demo',
      { command: ['/bin/sh', '-u'], script, stdin: false, env: { OPTION: 'x' } },
      {
        signal,
        onOutput: async (_stream, chunk) => {
          stdout += chunk.toString();
          await Promise.resolve();
        },
      },
    );
    expect({ ...end, stdout }).toMatchObject({ exitCode: 3, stdout: '2:b c:x\n' });
  });

  it('refuse a script that is longer than a word can be', async () => {
    await startGuest();
    const script = { text: 'x'.repeat(131_072), arguments: [] };
    const run = execute(
      host(),
      'demo',
      { command: ['sh'], script, stdin: false },
      { signal, onOutput: async () => await Promise.resolve() },
    );
    expect(await refused(run)).toMatchObject({
      code: 'INVALID_VALUE',
      message: like(/131071 bytes/),
      next: like(/kame tools install demo/),
    });
  });
});

describe('what the script prints', () => {
  it.each([
    [10_000, false],
    [10_001, true],
  ])('is a listing of %d files', (count, more) => {
    const names = Array.from({ length: count }, (_each, at) => `${at}\0\0`).join('');
    const lines = '81a4 0 0 1 0 root root\n'.repeat(count);
    const listed = filesOf(Buffer.from(`${lines}\n${names}`));
    expect([listed?.entries.length, listed?.more]).toEqual([10_000, more]);
  });

  it('is no listing when a file was removed between its two parts', () => {
    expect(filesOf(Buffer.from('81a4 0 0 1 0 root root\n\na\0\0b\0\0'))).toBeUndefined();
  });
});
