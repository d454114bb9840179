import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished, vi } from 'vitest';
import { consolePath, openDoor } from '../../../test/support/open-door.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { DoorRecord } from './door-record.ts';
import { WebDoor } from './door.ts';
import { idleMs, maxOpen, ticketMs } from './sessions.ts';

const temporary = useTemporaryDirectory();

const opened = async () => await openDoor(temporary());

it('serves the page, and its other files for a year', async () => {
  const { ask } = await opened();
  const page = await ask('/?from=here');
  expect(page).toMatchObject({ status: 200, text: '<!doctype html>page' });
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
  });
  const script = await ask('/assets/main-1a2b3c.js');
  expect(script).toMatchObject({ status: 200, text: 'go()' });
  expect(script.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
  });
  expect(await ask('/', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
});

it('forbids in every reply what a page could be tricked into', async () => {
  const { ask } = await opened();
  for (const path of ['/', '/assets/main-1a2b3c.js', '/nothing', '/v1/machines']) {
    const { headers } = await ask(path);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

it.each([
  '/../secret.js',
  '/assets/../../secret.js',
  '/%2e%2e/secret.js',
  '/assets/..%2f..%2fsecret.js',
  '/assets/link.js',
  '/assets/up/secret.js',
  '//secret.js',
  '/assets',
  '/assets/',
])('has no file at %s', async (path) => {
  const { ask } = await opened();
  expect(await ask(path)).toMatchObject({ status: 404, text: 'Not found.\n' });
});

it('lets a browser in that has a session', async () => {
  const { ask, session, channelTicket, seen, upgrade, origin } = await opened();
  const cookie = await session();
  expect(await ask('/v1/machines', { headers: { cookie } })).toMatchObject({ status: 200, text: 'inside' });
  const post = { method: 'POST', headers: { cookie, origin } };
  expect(await ask('/v1/machines/demo/start', post)).toMatchObject({ status: 200 });
  const path = `${consolePath}?ticket=${await channelTicket(cookie)}`;
  expect(await upgrade({ cookie, origin }, path)).toContain('101');
  expect(seen.map(({ url }) => url)).toEqual([
    '/v1/machines',
    '/v1/machines/demo/start',
    '/v1/machines/demo/console',
  ]);
});

it('gives the cookie of a session to no script and to no other site', async () => {
  const { signIn, ticket, port } = await opened();
  const { status, headers } = await signIn(ticket);
  expect(status).toBe(204);
  expect(headers['set-cookie']).toEqual([
    expect.stringMatching(new RegExp(`^kame-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`)),
  ]);
});

it('takes a ticket once only', async () => {
  const { signIn, ticket } = await opened();
  expect((await signIn(ticket)).status).toBe(204);
  const again = await signIn(ticket);
  expect(again.status).toBe(401);
  expect(again.headers['set-cookie']).toBeUndefined();
  expect(again.text).toContain('SIGNED_OUT');
});

it('takes no ticket that it did not issue, or that is malformed', async () => {
  const { signIn, ask, origin, ticket } = await opened();
  expect((await signIn('')).status).toBe(401);
  expect((await signIn(`${ticket.slice(0, -1)}?`)).status).toBe(401);
  expect((await signIn('x'.repeat(2000))).status).toBe(400);
  const headers = { origin, 'content-type': 'application/json' };
  for (const body of ['', 'null', '[]', '{"ticket":["x"]}', '{"__proto__":{"ticket":"x"}}'])
    expect((await ask('/session', { method: 'POST', headers, body })).status).toBe(400);
  // A real one, in a body that goes on and on.
  const long = `{"ticket":"${ticket}"${' '.repeat(2000)}}`;
  expect((await ask('/session', { method: 'POST', headers, body: long })).status).toBe(400);
  expect((await signIn(ticket, { 'content-type': 'text/plain' })).status).toBe(400);
  expect((await signIn(ticket)).status).toBe(204);
});

it('takes no ticket that is too old', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { signIn, ticket } = await opened();
  vi.setSystemTime(Date.now() + ticketMs + 1);
  expect((await signIn(ticket)).status).toBe(401);
});

it('refuses a request without the cookie of a session, or with one that was guessed', async () => {
  const { ask, session, seen, port, upgrade, origin } = await opened();
  const cookie = await session();
  const other = `kame-${port}=${'A'.repeat(43)}`;
  for (const each of ['', other, `kame-${port}=`, cookie.replace(port, '1'), `${cookie}x`]) {
    expect((await ask('/v1/machines', { headers: { cookie: each } })).status).toBe(401);
    expect(await upgrade({ cookie: each, origin })).toContain('401');
  }
  expect(seen).toEqual([]);
});

it('refuses another host name, which somebody else resolved to this computer', async () => {
  const { ask, session, signIn, ticket, seen, port, upgrade, origin } = await opened();
  const cookie = await session();
  for (const host of [`evil.example:${port}`, '127.0.0.1', '127.0.0.1:1', `127.0.0.1:${port}.evil.example`]) {
    for (const path of ['/', '/v1/machines'])
      expect((await ask(path, { headers: { host, cookie } })).status).toBe(403);
    expect((await signIn(ticket, { host, origin: `http://${host}` })).status).toBe(403);
    expect(await upgrade({ host, cookie, origin: `http://${host}` })).toContain('403');
  }
  expect(seen).toEqual([]);
  for (const host of [`localhost:${port}`, `[::1]:${port}`])
    expect((await ask('/v1/machines', { headers: { host, cookie } })).status).toBe(200);
  expect(origin).toBe(`http://127.0.0.1:${port}`);
});

it('refuses a change or a WebSocket of another page, also of one on this computer', async () => {
  const { ask, session, signIn, ticket, seen, upgrade, port } = await opened();
  const cookie = await session();
  const others = [
    'http://evil.example',
    'null',
    'http://127.0.0.1:1',
    `https://127.0.0.1:${port}`,
    `http://localhost:${port}`,
  ];
  for (const origin of others) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'])
      expect((await ask('/v1/machines/demo', { method, headers: { cookie, origin } })).status).toBe(403);
    expect((await signIn(ticket, { origin })).status).toBe(403);
    expect(await upgrade({ cookie, origin })).toContain('403');
  }
  expect((await ask('/v1/machines/demo/start', { method: 'POST', headers: { cookie } })).status).toBe(403);
  expect(await upgrade({ cookie })).toContain('403');
  expect(seen).toEqual([]);
});

it.each(['cross-site', 'same-site'])('refuses what a page that is %s embeds', async (site) => {
  const { ask, session, seen } = await opened();
  const headers = { cookie: await session(), 'sec-fetch-site': site };
  expect((await ask('/v1/machines/demo/screenshot', { headers })).status).toBe(403);
  expect(seen).toEqual([]);
});

it('does not let a page choose the programs that the daemon runs', async () => {
  const { ask, session, seen } = await opened();
  const headers = { cookie: await session(), 'x-kame-environment': '{"PATH":"/tmp/evil"}' };
  expect((await ask('/v1/machines', { headers })).status).toBe(200);
  expect(seen).toEqual([{ url: '/v1/machines', environment: undefined }]);
});

it('ends a session with what it has open', async () => {
  const { ask, session, seen, origin } = await opened();
  const cookie = await session();
  const events = ask('/v1/events', { headers: { cookie } }).catch(() => 'broken off');
  await expect.poll(() => seen.length).toBe(1);
  const { status, headers } = await ask('/session', { method: 'DELETE', headers: { cookie, origin } });
  expect(status).toBe(204);
  expect(headers['set-cookie']).toEqual([expect.stringContaining('Max-Age=0')]);
  expect(await events).toBe('broken off');
  expect((await ask('/v1/machines', { headers: { cookie } })).status).toBe(401);
});

it('ends a session that nobody used for long, but not one whose page follows the events', async () => {
  const { ask, session, open } = await opened();
  const [idle, used] = [await session(), await session()];
  const events = ask('/v1/events', { headers: { cookie: used } });
  await expect.poll(() => open.length).toBe(1);
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  vi.setSystemTime(Date.now() + idleMs + 1);
  expect((await ask('/v1/machines', { headers: { cookie: idle } })).status).toBe(401);
  expect((await ask('/v1/machines', { headers: { cookie: used } })).status).toBe(200);
  for (const end of open) end();
  expect(await events).toMatchObject({ status: 200, text: 'over' });
});

it('ends the oldest session, and forgets the oldest ticket, when there are too many', async () => {
  const { ask, session, door, signIn } = await opened();
  const first = await session();
  const { hash } = new URL((await door.open()).address);
  for (let count = 0; count < maxOpen; count += 1) await session();
  expect((await ask('/v1/machines', { headers: { cookie: first } })).status).toBe(401);
  for (let count = 0; count < maxOpen; count += 1) await door.open();
  expect((await signIn(hash.slice(1))).status).toBe(401);
});

const canBeAnother = process.platform === 'linux' && process.getuid?.() === 0;
it.skipIf(!canBeAnother)(
  'refuses another user of this computer, who has read the address and the cookie',
  async () => {
    const { session, port, seen } = await opened();
    const headers = JSON.stringify({ cookie: await session() });
    const program = `
    const status = async (path) => (await fetch('http://127.0.0.1:${port}' + path, { headers: ${headers} })).status;
    Promise.all(['/', '/v1/machines'].map(status)).then((found) => console.log(found.join()));`;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['-e', program], { uid: 65_534, gid: 65_534 });
    expect(stdout).toBe('403,403\n');
    expect(seen).toEqual([]);
  },
);

it('keeps its port, and is no proxy', async () => {
  const { door, port, ask } = await opened();
  expect(new URL((await door.open()).address).port).toBe(port);
  expect((await ask('http://example.com/')).status).toBe(404);
  expect((await ask('/', { method: 'POST' })).status).toBe(400);
});

it('says how to get the page when it was not built', async () => {
  const inside = { request: () => undefined, upgrade: () => undefined, log: () => undefined };
  const door = new WebDoor(
    inside,
    join(temporary(), 'missing'),
    new DoorRecord(join(temporary(), 'web.json')),
  );
  await expect(door.open()).rejects.toMatchObject({
    code: 'INTERNAL',
    next: expect.stringContaining('build'),
  });
});
