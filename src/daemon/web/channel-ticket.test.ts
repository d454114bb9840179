import { expect, it, onTestFinished, vi } from 'vitest';
import { consolePath, openDoor } from '../../../test/support/open-door.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { channelTicketMs, maxChannelTickets } from './sessions.ts';

const temporary = useTemporaryDirectory();
const opened = async () => await openDoor(temporary());
const withTicket = (ticket: string, path = consolePath) => `${path}?ticket=${ticket}`;

it('opens a WebSocket for a ticket once, and tells the API nothing of it', async () => {
  const { session, channelTicket, upgrade, origin, seen } = await opened();
  const cookie = await session();
  const ticket = await channelTicket(cookie);
  expect(ticket).toMatch(/^[\w-]{43}$/);
  expect(await upgrade({ cookie, origin }, withTicket(ticket))).toContain('101');
  expect(await upgrade({ cookie, origin }, withTicket(ticket))).toContain('403');
  expect(seen.map(({ url }) => url)).toEqual([consolePath]);
});

it('opens none without a ticket, or for one that was guessed', async () => {
  const { session, upgrade, origin, seen } = await opened();
  const headers = { cookie: await session(), origin };
  const queries = ['', '?', '?ticket=', `?ticket=${'A'.repeat(43)}`, '?other=1', '?ticket=%'];
  for (const query of queries) expect(await upgrade(headers, `${consolePath}${query}`)).toContain('403');
  expect(seen).toEqual([]);
});

it.each([
  ['another machine', '/v1/machines/other/console'],
  ['another console of the machine', '/v1/machines/demo/exec'],
  ['the same path in other words', '/v1/machines/d%65mo/console'],
])('does not open %s for the ticket of a console', async (_what, path) => {
  const { session, channelTicket, upgrade, origin, seen } = await opened();
  const cookie = await session();
  const ticket = await channelTicket(cookie);
  expect(await upgrade({ cookie, origin }, withTicket(ticket, path))).toContain('403');
  // It is used up by that.
  expect(await upgrade({ cookie, origin }, withTicket(ticket))).toContain('403');
  expect(seen).toEqual([]);
});

it('takes no ticket of another session, nor one without a session', async () => {
  const { session, channelTicket, upgrade, origin, seen } = await opened();
  const [mine, theirs] = [await session(), await session()];
  const ticket = await channelTicket(mine);
  expect(await upgrade({ cookie: theirs, origin }, withTicket(ticket))).toContain('403');
  expect(await upgrade({ origin }, withTicket(ticket))).toContain('401');
  expect(seen).toEqual([]);
  expect(await upgrade({ cookie: mine, origin }, withTicket(ticket))).toContain('101');
});

it('takes no ticket that is too old', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { session, channelTicket, upgrade, origin } = await opened();
  const cookie = await session();
  const ticket = await channelTicket(cookie);
  vi.setSystemTime(Date.now() + channelTicketMs + 1);
  expect(await upgrade({ cookie, origin }, withTicket(ticket))).toContain('403');
});

it('forgets the oldest ticket of a session that collects them', async () => {
  const { session, channelTicket, upgrade, origin } = await opened();
  const cookie = await session();
  const first = await channelTicket(cookie);
  let last = '';
  for (let count = 0; count < maxChannelTickets; count += 1) last = await channelTicket(cookie);
  expect(await upgrade({ cookie, origin }, withTicket(first))).toContain('403');
  expect(await upgrade({ cookie, origin }, withTicket(last))).toContain('101');
});

it('gives no ticket to another page, to another method or body, or without a session', async () => {
  const { ask, session, origin } = await opened();
  const cookie = await session();
  const json = { cookie, origin, 'content-type': 'application/json' };
  const body = JSON.stringify({ path: consolePath });
  const status = async (method: string, headers: Readonly<Record<string, string>>, text = body) =>
    (await ask('/session/ticket', { method, headers, ...(method === 'GET' ? {} : { body: text }) })).status;
  expect(await status('POST', { ...json, origin: 'http://evil.example' })).toBe(403);
  expect(await status('POST', { cookie, 'content-type': 'application/json' })).toBe(403);
  expect(await status('POST', { ...json, 'sec-fetch-site': 'same-site' })).toBe(403);
  expect(await status('POST', { ...json, cookie: '' })).toBe(401);
  expect(await status('GET', json)).toBe(400);
  expect(await status('POST', { ...json, 'content-type': 'text/plain' })).toBe(400);
  for (const text of ['', '{}', '{"path":1}', `{"path":"${'x'.repeat(20_000)}"}`])
    expect(await status('POST', json, text)).toBe(400);
  expect(await status('POST', json)).toBe(200);
});

it('ends an open WebSocket with the session', async () => {
  const { ask, session, channelTicket, stay, origin } = await opened();
  const cookie = await session();
  const { left } = await stay({ cookie, origin }, withTicket(await channelTicket(cookie)));
  await ask('/session', { method: 'DELETE', headers: { cookie, origin } });
  expect(await left).toContain('101');
});

it('closes although a WebSocket is open', async () => {
  const { door, session, channelTicket, stay, origin } = await opened();
  const cookie = await session();
  const { left } = await stay({ cookie, origin }, withTicket(await channelTicket(cookie)));
  await door[Symbol.asyncDispose]();
  expect(await left).toContain('101');
});
