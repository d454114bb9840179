import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect as connectPlain, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { maxFromAddress } from '../../src/daemon/web/remote-server.ts';
import { makeCertificate } from '../../src/daemon/web/self-signed.ts';
import { idleMs } from '../../src/daemon/web/sessions.ts';
import { refused } from '../support/refused.ts';
import { password, RemoteWorld } from '../support/remote-world.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { testHost } from '../support/test-host.ts';

const temporary = useTemporaryDirectory();
let home = '';
beforeEach(() => void (home = temporary()));
const makeHost = () => testHost({ home, env: {} });
const opened = async () => await RemoteWorld.open(makeHost());

/** What a server answers to some bytes until it ends the connection. */
async function answerTo(socket: Socket, bytes: string): Promise<string> {
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
  socket.on('error', () => undefined);
  const over = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(bytes);
  await over;
  return text;
}

it('signs a user in, and passes on what a session asks for', async () => {
  const world = await opened();
  expect(await world.ask('/')).toMatchObject({ status: 200, text: '<!doctype html>page' });
  const out = await world.ask('/session');
  expect(out.status).toBe(401);
  expect(JSON.parse(out.text)).toMatchObject({ code: 'SIGNED_OUT', details: { signIn: 'password' } });
  const { status, headers } = await world.signIn('ada');
  expect(status).toBe(204);
  expect(headers['set-cookie']).toEqual([
    expect.stringMatching(
      new RegExp(`^${world.cookieName}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Secure$`),
    ),
  ]);
  const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  const { text } = await world.ask('/session', { headers: { cookie } });
  expect(JSON.parse(text)).toEqual({ user: 'ada', grants: [{ role: 'owner', machines: null }] });
  expect(await world.ask('/v1/machines', { headers: { cookie } })).toMatchObject({ status: 200, text: '[]' });
  expect((await world.change('DELETE', '/session', cookie)).status).toBe(204);
  expect((await world.ask('/v1/machines', { headers: { cookie } })).status).toBe(401);
});

it('is not opened without anybody who could sign in, and stays closed then', async () => {
  const world = await RemoteWorld.closed(makeHost());
  expect(await refused(world.doors.listen(world.settings))).toMatchObject({
    code: 'WRONG_STATE',
    next: expect.stringContaining('kame web user add'),
  });
  expect(world.doors.show().remote).toBeNull();
  await expect(world.ask('/')).rejects.toThrow('ECONNREFUSED');
  expect(existsSync(world.host.names.webRemote)).toBe(false);
});

it('answers nothing that is not TLS, and no old TLS', async () => {
  const world = await opened();
  const { port } = world.settings;
  const plain = new Promise((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path: '/', agent: false }, resolve).once('error', reject).end();
  });
  await expect(plain).rejects.toThrow('socket hang up');
  const about = { host: '127.0.0.1', port, rejectUnauthorized: false };
  const old = new Promise((resolve, reject) => {
    connectTls(
      { ...about, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      () => resolve('open'),
    ).once('error', reject);
  });
  await expect(old).rejects.toThrow('protocol version');
});

it('refuses every host name but its own', async () => {
  const world = await opened();
  const cookie = await world.session('ada');
  const { port } = world.settings;
  for (const host of [
    `evil.example:${port}`,
    '127.0.0.1',
    `kame.test.evil.example:${port}`,
    `kame.test:${port + 1}`,
  ]) {
    expect((await world.ask('/v1/machines', { headers: { host, cookie } })).status).toBe(403);
    expect((await world.signIn('ada', password, { host, origin: `https://${host}` })).status).toBe(403);
  }
  for (const host of [`kame.test:${port}`, `KAME.test:${port}`, `localhost:${port}`])
    expect((await world.ask('/v1/machines', { headers: { host, cookie } })).status).toBe(200);
});

it('signs nobody in for another page, which would give a browser the session of somebody else', async () => {
  const world = await opened();
  for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${world.settings.port}`])
    expect((await world.signIn('ada', password, { origin })).status).toBe(403);
  expect((await world.signIn('ada', password, { 'sec-fetch-site': 'same-site' })).status).toBe(403);
  expect((await world.signIn('ada', password, { 'content-type': 'text/plain' })).status).toBe(400);
});

it('takes no cookie that it has not issued, or that is too old', async () => {
  const world = await opened();
  const cookie = await world.session('ada');
  const status = async (each: string) =>
    (await world.ask('/v1/machines', { headers: { cookie: each } })).status;
  for (const forged of [
    `${world.cookieName}=${'A'.repeat(43)}`,
    `${cookie}x`,
    cookie.replace('__Host-', ''),
    '',
  ])
    expect(await status(forged)).toBe(401);
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  vi.setSystemTime(Date.now() + idleMs + 1);
  expect(await status(cookie)).toBe(401);
});

it('begins a session of its own at each sign-in, and ends the one that the browser had', async () => {
  const world = await opened();
  const before = await world.session('ada');
  const planted = `${world.cookieName}=${'B'.repeat(43)}`;
  expect((await world.signIn('ada', password, { cookie: planted })).headers['set-cookie']?.[0]).not.toContain(
    'BBB',
  );
  expect((await world.ask('/session', { headers: { cookie: planted } })).status).toBe(401);
  expect((await world.signIn('ada', password, { cookie: before })).status).toBe(204);
  expect((await world.ask('/session', { headers: { cookie: before } })).status).toBe(401);
});

it('delays whoever tries passwords, and tells nothing of which users there are', async () => {
  const world = await opened();
  const tried = async (user: string) => {
    const { status, text } = await world.signIn(user, 'wrong password');
    return `${status} ${(JSON.parse(text) as { message: string }).message}`;
  };
  expect(await tried('ada')).toBe(await tried('nobody'));
  for (let count = 0; count < 3; count += 1) await tried('ada');
  expect(await tried('ada')).toMatch(/^429 Too many attempts/);
  expect(await tried('nobody')).toMatch(/^429 Too many attempts/);
  // Not even the right one is looked at.
  expect((await world.signIn('ada')).status).toBe(429);
  expect((await world.audit()).filter(({ result }) => result === 'WRONG_PASSWORD')).toEqual([
    { user: 'ada', from: '127.0.0.1', operation: 'session.begin', machine: null, result: 'WRONG_PASSWORD' },
    { user: null, from: '127.0.0.1', operation: 'session.begin', machine: null, result: 'WRONG_PASSWORD' },
    ...Array<object>(3).fill(expect.objectContaining({ user: 'ada' })),
  ]);
  const log = readFileSync(world.host.names.audit, 'utf8');
  for (const secret of [password, 'wrong password', 'nobody']) expect(log).not.toContain(secret);
});

it('reads no more of a sign-in than it can have', async () => {
  const world = await opened();
  const headers = { origin: world.origin, 'content-type': 'application/json' };
  const long = JSON.stringify({ user: 'ada', password: 'x'.repeat(1_000_000) });
  const sent = world.ask('/session', { method: 'POST', headers, body: long });
  // The connection may end before all of it was sent.
  expect(
    await sent.then(
      ({ status }) => status,
      () => 400,
    ),
  ).toBe(400);
  for (const body of ['', '[]', '{"user":"ada"}', '{"user":1,"password":"x"}'])
    expect((await world.ask('/session', { method: 'POST', headers, body })).status).toBe(400);
});

it('hangs up on a client that is slow with its headers', async () => {
  const world = await RemoteWorld.open(makeHost(), {}, { headersMs: 200 });
  const { port } = world.settings;
  const slow = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  expect(await answerTo(slow, 'GET / HTTP/1.1\r\nHost: 127')).toContain('408');
  const silent = connectPlain(port, '127.0.0.1');
  expect(await answerTo(silent, '')).toBe('');
});

it('lets no computer take all of its connections', async () => {
  const world = await opened();
  const { port } = world.settings;
  const sockets = Array.from({ length: maxFromAddress + 20 }, () => connectPlain(port, '127.0.0.1'));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) socket.on('error', () => undefined);
  await expect.poll(() => sockets.filter(({ closed }) => closed).length).toBe(20);
  for (const socket of sockets) socket.destroy();
  await expect
    .poll(
      async () =>
        await world.ask('/').then(
          ({ status }) => status,
          () => 0,
        ),
    )
    .toBe(200);
});

it('is open again, with its sessions, when a daemon was killed', async () => {
  const world = await opened();
  const cookie = await world.session('ada');
  await world.daemon.audit.written();
  for (const name of ['webRemote', 'webRemoteSessions', 'webUsers', 'audit'] as const)
    expect(statSync(world.host.names[name]).mode & 0o777).toBe(0o600);
  const next = await world.killed();
  expect((await next.ask('/v1/machines', { headers: { cookie } })).status).toBe(200);
  await next.doors.off();
  await expect(next.ask('/')).rejects.toThrow('ECONNREFUSED');
  const last = await RemoteWorld.closed(makeHost(), next.settings.port);
  await last.doors.resume();
  expect(last.doors.show().remote).toBeNull();
});

it('does not open on settings or users that are not as it writes them, and says so', async () => {
  const world = await opened();
  await world.close();
  writeFileSync(world.host.names.webUsers, '{"users":[{"name":"eve"}]}');
  const next = await RemoteWorld.closed(makeHost(), world.settings.port);
  await next.doors.resume();
  expect(next.doors.show().remote).toMatchObject({
    listening: false,
    problem: expect.stringContaining('web-users.json is not as Kame writes it'),
  });
  await expect(next.ask('/')).rejects.toThrow('ECONNREFUSED');
});

it('uses a certificate of the user, whose key nobody else can read, and takes a new one', async () => {
  const world = await opened();
  const [cert, key] = [join(home, 'own.crt'), join(home, 'own.key')];
  const write = async (to: string, name: string) => {
    const text = await makeCertificate([name, '127.0.0.1']);
    writeFileSync(to, text, { mode: 0o600 });
    return text;
  };
  writeFileSync(cert, await write(key, 'first.test'));
  const settings = { ...world.settings, certificate: { cert, key } };
  chmodSync(key, 0o640);
  expect(await refused(world.doors.listen(settings))).toMatchObject({
    code: 'FILE_ACCESS',
    next: expect.stringContaining('chmod 600'),
  });
  // What was open still is.
  expect((await world.ask('/')).status).toBe(200);
  chmodSync(key, 0o600);
  await world.doors.listen(settings);
  const first = world.doors.show().remote?.fingerprint;
  const next = join(home, 'next.key');
  writeFileSync(cert, await write(next, 'second.test'));
  // Half of the new pair is no reason to use either half.
  await world.doors.look();
  expect(world.doors.show().remote).toMatchObject({
    fingerprint: first,
    problem: expect.stringContaining('own.key'),
  });
  renameSync(next, key);
  await world.doors.look();
  const { fingerprint, problem } = world.doors.show().remote ?? {};
  expect(problem).toBeNull();
  expect(fingerprint).not.toBe(first);
  const seen = await new Promise<string>((resolve) => {
    const about = { host: '127.0.0.1', port: world.settings.port, rejectUnauthorized: false };
    const socket = connectTls(about, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
  });
  expect(seen).toBe(fingerprint);
});
