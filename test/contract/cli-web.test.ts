import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { bodies, daemon, run, useDaemon } from './cli-run.ts';
import { json } from './cli-support.ts';

useDaemon();

/** Standard input with a text. */
const given = (text: string) => Object.assign(Readable.from([text]), { isTTY: false });

const remote = {
  listening: true,
  problem: null,
  address: '192.168.1.20',
  port: 8443,
  names: ['nas.example'],
  addresses: ['https://nas.example:8443/', 'https://192.168.1.20:8443/'],
  certificate: null,
  fingerprint: 'AB:CD',
  validUntil: '2027-12-31T00:00:00.000Z',
};
const user = { name: 'bob', grants: [{ role: 'operator', machines: [{ id: '1', name: 'demo' }] }] };
const all = { name: 'ada', grants: [{ role: 'operator', machines: null }] };

it('shows how other computers reach the web desktop, and what to compare', async () => {
  daemon.on('GET /v1/web', json({ local: false, remote, users: 2 }));
  const { code, stdout, stderr } = await run(['web']);
  expect(code).toBe(0);
  expect(stdout).toContain('https://nas.example:8443/');
  expect(stdout).toContain('AB:CD');
  expect(stderr).toContain('Compare its SHA-256 fingerprint');
  daemon.on('GET /v1/web', json({ local: true, remote: null, users: 0 }));
  expect((await run(['web'])).stdout).toContain('cannot use it');
});

it.each([
  ['192.168.1.20', { address: '192.168.1.20' }],
  ['192.168.1.20:9443', { address: '192.168.1.20', port: 9443 }],
  ['::', { address: '::' }],
  ['[2001:db8::1]', { address: '2001:db8::1' }],
  ['[2001:db8::1]:9443', { address: '2001:db8::1', port: 9443 }],
])('opens it at %s', async (listen, body) => {
  daemon.on('PUT /v1/web/remote', json({ local: false, remote, users: 1 }));
  expect((await run(['web', '--listen', listen])).code).toBe(0);
  expect(bodies()).toEqual([body]);
});

it('takes a certificate with its key, by absolute paths', async () => {
  daemon.on('PUT /v1/web/remote', json({ local: false, remote, users: 1 }));
  const args = [
    'web',
    '--listen',
    '0.0.0.0',
    '--name',
    'nas.example',
    '--cert',
    'a.crt',
    '--key',
    '/k/a.key',
    '--json',
  ];
  expect(JSON.parse((await run(args)).stdout)).toMatchObject({ users: 1 });
  const certificate = { cert: join(daemon.home, 'a.crt'), key: '/k/a.key' };
  expect(bodies()).toEqual([{ address: '0.0.0.0', names: ['nas.example'], certificate }]);
});

it.each([
  [['--listen', '1.2.3.4:x'], '--listen'],
  [['--listen', '1.2.3.4:1:2'], 'is not an address with a port'],
  [['--listen', '1.2.3.4', '--cert', 'a.crt'], 'needs --cert and --key'],
  [['--name', 'nas'], 'belong to --listen'],
  [['--off', '--listen', '1.2.3.4'], '--off stands alone'],
])('refuses %j', async (args, message) => {
  const { code, stderr } = await run(['web', ...args]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

it('adds a user with a password from standard input, which is no argument', async () => {
  daemon.on('POST /v1/web/users', json(user));
  const args = ['web', 'user', 'add', 'bob', '--role', 'operator', '--machine', 'demo'];
  const { code, stdout } = await run(args, { stdin: given('correct horse battery\n') });
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'bob: added; operator of demo\n' });
  expect(bodies()).toEqual([
    {
      name: 'bob',
      grants: [{ role: 'operator', machines: ['demo'] }],
      password: 'correct horse battery',
    },
  ]);
});

it('changes, lists and removes users, and sets their passwords', async () => {
  daemon.on('GET /v1/web/users', json([user, all]));
  daemon.on('PATCH /v1/web/users/bob', json({ ...user, grants: all.grants }));
  const set = async (...args: string[]) => await run(['web', 'user', 'set', 'bob', ...args]);
  expect((await set('--all-machines')).stdout).toBe('bob: changed; operator of all machines\n');
  expect(bodies()).toContainEqual({ grants: [{ role: 'operator', machines: null }] });
  await set('--role', 'viewer');
  expect(bodies()).toContainEqual({ grants: [{ role: 'viewer', machines: ['1'] }] });
  await set('--grant', 'viewer', '--grant', 'operator=demo', '--grant', 'operator=a=b');
  expect(bodies()).toContainEqual({
    grants: [
      { role: 'viewer', machines: null },
      { role: 'operator', machines: ['demo', 'a=b'] },
    ],
  });
  for (const wrong of [
    [],
    ['--grant', 'king'],
    ['--grant', 'viewer', '--role', 'owner'],
    ['--grant', 'viewer', '--all-machines'],
  ])
    expect([wrong, (await set(...wrong)).code]).toEqual([wrong, 2]);
  expect((await run(['web', 'user', 'list'])).stdout).toMatch(
    /bob +operator of demo\nada +operator of all machines/,
  );
  const several = { name: 'bob', grants: [...user.grants, { role: 'viewer', machines: null }] };
  daemon.on('GET /v1/web/users', json([several]));
  const { code, stderr } = await set('--role', 'viewer');
  expect(code).toBe(2);
  expect(stderr).toContain('bob has several roles: operator of demo; viewer of all machines.');
  daemon.on('PUT /v1/web/users/bob/password', json({ ok: true }));
  expect((await run(['web', 'user', 'password', 'bob'], { stdin: given('another long one\n') })).code).toBe(
    0,
  );
  expect(bodies()).toContainEqual({ password: 'another long one' });
  daemon.on('DELETE /v1/web/users/bob', json({ ok: true }));
  expect((await run(['web', 'user', 'remove', 'bob', '--json'])).stdout).toContain('bob');
});
