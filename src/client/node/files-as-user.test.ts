import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { Client } from '../core/client.ts';
import { copyIn } from './copy-in.ts';
import { copyOut } from './copy-out.ts';
import { filesAs } from './files-as-user.ts';

const temporary = useTemporaryDirectory();

/** A client whose guest is this host: commands run here, and it remembers as whom. */
function clientOf(users: unknown[]): Client {
  const exec: Client['machines']['exec'] = async (_machine, { command, user }, { input, output }) => {
    users.push(user);
    const [file = '', ...args] = command;
    const child = execFile(file, args, { encoding: 'buffer' });
    const { stdin, stdout, stderr } = child;
    const over = new Promise<number | null>((resolve) => child.once('close', resolve));
    const copied = Promise.all([
      (async () => {
        for await (const part of stdout ?? []) await output('stdout', part as Uint8Array);
      })(),
      (async () => {
        for await (const part of stderr ?? []) await output('stderr', part as Uint8Array);
      })(),
    ]);
    stdin?.on('error', () => undefined);
    for await (const part of input ?? []) stdin?.write(part);
    stdin?.end();
    await copied;
    return { exitCode: await over, signal: null };
  };
  return { machines: { exec }, files: {} } as unknown as Client;
}

async function put(source: string, path: string, directory = false): Promise<unknown> {
  const users: unknown[] = [];
  const files = filesAs(clientOf(users), 'alice');
  await copyIn({ files }, { sources: [source], machine: 'demo', path, directory, owner: false }, {});
  return users;
}

async function get(path: string, target: string): Promise<unknown> {
  const client = { files: filesAs(clientOf([]), 'alice'), home: temporary() };
  return await copyOut(client, { machine: 'demo', path, target, directory: false, owner: false }, {});
}

describe('files as a user of the guest', () => {
  it('are copied under a new name, or into a directory', async () => {
    const [here, guest] = [temporary(), temporary()];
    writeFileSync(join(here, '.a b'), 'hello');
    expect(await put(join(here, '.a b'), join(guest, '-new'))).toEqual(['alice']);
    await put(join(here, '.a b'), guest);
    expect(readdirSync(guest).sort()).toEqual(['-new', '.a b']);
    expect(readFileSync(join(guest, '-new'), 'utf8')).toBe('hello');
    await get(join(guest, '-new'), join(here, 'back'));
    expect(readFileSync(join(here, 'back'), 'utf8')).toBe('hello');
  });

  it('can be directories', async () => {
    const [here, guest] = [temporary(), temporary()];
    mkdirSync(join(here, 'd/e'), { recursive: true });
    writeFileSync(join(here, 'd/e/f'), 'deep');
    await put(join(here, 'd'), join(guest, 'new'));
    await get(`${join(guest, 'new')}//`, join(here, 'back'));
    expect(readFileSync(join(here, 'back/e/f'), 'utf8')).toBe('deep');
  });

  it('fail as the guest says', async () => {
    const here = temporary();
    writeFileSync(join(here, 'a'), '');
    const failure = (reason: string) => ({ code: 'GUEST_FAILED', details: { reason } });
    await expect(put(join(here, 'a'), join(here, 'none/b'))).rejects.toMatchObject(failure('noSuchFile'));
    await expect(get(join(here, 'none'), join(here, 'x'))).rejects.toMatchObject(failure('noSuchFile'));
    await expect(put(join(here, 'a'), join(here, 'a'), true)).rejects.toMatchObject(failure('notDirectory'));
    await expect(get('//', join(here, 'x'))).rejects.toMatchObject({ code: 'USAGE' });
    expect(readdirSync(here)).toEqual(['a']);
  });

  it('of root take the way of the daemon', () => {
    const client = clientOf([]);
    expect(filesAs(client, undefined)).toBe(client.files);
  });
});
