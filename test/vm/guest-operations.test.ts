import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { GuestDirectory, GuestFile, GuestPlace } from '../../src/api/guest-files.ts';
import type { GuestEnvironment, GuestProcesses, StartedInGuest } from '../../src/api/guest-processes.ts';
import type { GuestSshKeys, GuestUsers, Quiesced } from '../../src/api/guest-user-operations.ts';
import { poll } from '../../src/core/deadline.ts';
import type { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';

// kame guest in a real guest, once through kame-tools and once through the guest agent alone.

const it = guestTest();

/** Waits until kame-tools answer, or no longer do. */
async function toolsAnswer({ home, name }: Guest, wanted: boolean): Promise<void> {
  const look = async () => {
    const { agents } = await home.ask(async (client) => await client.tools.show(name));
    return agents.some((agent) => agent.name === 'kame-tools' && agent.answers) === wanted ? true : undefined;
  };
  if (!(await poll(look, { deadlineMs: 60_000 }))) throw new Error(`kame-tools of ${name}: not ${wanted}.`);
}

/** Runs verbs of `kame guest`, such as `ssh-key add`. */
function verbs({ home, name }: Guest) {
  return async <T>(verb: string, ...words: string[]): Promise<T> =>
    await home.json<T>('guest', ...verb.split(' '), name, ...words);
}

/** What both ways can do. */
async function operations(demo: Guest): Promise<void> {
  const ask = verbs(demo);
  const directory = await ask<GuestPlace>('mktemp', '-d', '--prefix', 'g-');
  const at = (path: string) => `${directory.path}/${path}`;
  await ask('mkdir', '-p', at('a/b c'));
  await demo.sh(`echo hello > "${at('f')}"; ln -s f "${at('l')}"`);
  await ask('mv', at('f'), at('a/g'));
  const { files } = await ask<GuestDirectory>('ls', at('a'));
  expect(files.map(({ name, type }) => [name, type])).toEqual([
    ['b c', 'directory'],
    ['g', 'file'],
  ]);
  expect(await ask<GuestFile>('stat', at('l'))).toMatchObject({ type: 'link', target: 'f' });
  expect(await ask<GuestFile>('stat', at('a/g'))).toMatchObject({ type: 'file', sizeBytes: 6, user: 'root' });
  expect((await demo.home.kame(['guest', 'rm', demo.name, at('a')])).code).toBe(1);
  await ask('rm', '-r', directory.path);
  const gone = await demo.home.kame(['guest', 'stat', demo.name, directory.path, '--json']);
  expect(JSON.parse(gone.stderr)).toMatchObject({ details: { reason: 'noSuchFile' } });

  const { pid } = await ask<StartedInGuest>('run', '--no-wait', '--', 'sleep', '3000');
  const sleeps = async () => {
    const { processes } = await ask<GuestProcesses>('ps');
    return processes.find((each) => each.pid === pid && each.state !== 'Z');
  };
  expect(await sleeps()).toMatchObject({ user: 'root', name: 'sleep' });
  await ask('kill', String(pid), '-s', 'KILL');
  const ended = async () => ((await sleeps()) === undefined ? true : undefined);
  expect(await poll(ended, { deadlineMs: 30_000 })).toBe(true);

  const script = join(demo.home.path, 'script.sh');
  await writeFile(script, 'echo "$1 on $(uname -s)"; exit 6\n');
  const ran = await demo.home.kame(['guest', 'script', demo.name, script, '--', 'it runs']);
  expect(ran).toMatchObject({ code: 6, stdout: 'it runs on Linux\n' });
  const { variables } = await ask<GuestEnvironment>('env');
  expect(variables['PATH']).toContain('/bin');
  const { users } = await ask<GuestUsers>('users');
  expect(users).toContainEqual(expect.objectContaining({ name: 'root', uid: 0, home: '/root' }));
}

describe('guest operations', () => {
  it('through kame-tools, also as another user and with variables that stay', async ({ demo }) => {
    await toolsAnswer(demo, true);
    await operations(demo);
    const ask = verbs(demo);
    await ask('env', '--set', 'STAYS=here');
    expect(await demo.sh('echo "$STAYS"')).toBe('here\n');
    const made = await ask<GuestPlace>('mktemp', '--user', 'nobody', '--suffix', '.txt');
    expect(await ask<GuestFile>('stat', made.path)).toMatchObject({ user: 'nobody', uid: 65_534 });
    const refused = await demo.home.kame([
      'guest',
      'rm',
      demo.name,
      '/etc/passwd',
      '--user',
      'nobody',
      '--json',
    ]);
    expect(JSON.parse(refused.stderr)).toMatchObject({ details: { reason: 'denied' } });
    expect(await demo.sh('ls /tmp /dev/shm')).not.toContain('kame');
  });

  it('through the guest agent alone, which also sets keys and passwords and quiesces', async ({ demo }) => {
    await toolsAnswer(demo, true);
    // Its keeper first, which would start it again.
    await demo
      .sh('mv /usr/lib/kame/kame-tools /usr/lib/kame/none; kill $(pidof kame-tools) || true')
      .catch(() => undefined);
    await toolsAnswer(demo, false);
    await operations(demo);
    const ask = verbs(demo);
    const key = join(demo.home.path, 'id.pub');
    await writeFile(key, 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDemo me\n');
    expect((await ask<GuestSshKeys>('ssh-key add', 'root', key)).keys).toHaveLength(1);
    expect((await ask<GuestSshKeys>('ssh-key remove', 'root', key)).keys).toEqual([]);
    const before = await demo.sh('cat /etc/shadow');
    const password = await demo.home.kame(['guest', 'password', demo.name, 'root'], { input: 'secret\n' });
    expect(password.code).toBe(0);
    expect(await demo.sh('cat /etc/shadow')).not.toBe(before);
    expect((await ask<Quiesced>('quiesce')).frozenMs).toBeGreaterThanOrEqual(0);
    expect(await demo.sh('echo > /root/writable && echo thawed')).toBe('thawed\n');
  });
});
