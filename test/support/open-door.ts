import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { DoorRecord } from '../../src/daemon/web/door-record.ts';
import { WebDoor } from '../../src/daemon/web/door.ts';

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A WebSocket of a machine. */
export const consolePath = '/v1/machines/demo/console';

/**
 * An open door for browsers that is closed when the test ends, what came in through it, and ways to ask it.
 * @param root an empty directory, for the files of the page and some that are none of it
 */
export async function openDoor(root: string) {
  const directory = join(root, 'web');
  mkdirSync(join(directory, 'assets'), { recursive: true });
  writeFileSync(join(directory, 'index.html'), '<!doctype html>page');
  writeFileSync(join(directory, 'assets', 'main-1a2b3c.js'), 'go()');
  writeFileSync(join(root, 'secret.js'), 'secret');
  symlinkSync('../../secret.js', join(directory, 'assets', 'link.js'));
  symlinkSync('../..', join(directory, 'assets', 'up'));
  const seen: { url: string; environment: unknown }[] = [];
  const open: (() => void)[] = [];
  /** Told when a WebSocket has begun that is not closed at once. */
  const staying: (() => void)[] = [];
  const door = new WebDoor(
    {
      request: ({ url = '', headers }, response) => {
        seen.push({ url, environment: headers['x-kame-environment'] });
        if (url === '/v1/events') open.push(() => response.end('over'));
        else response.end('inside');
      },
      upgrade: ({ url = '' }, socket) => {
        seen.push({ url, environment: undefined });
        const reply = 'HTTP/1.1 101 Switching Protocols\r\n\r\n';
        if (staying.length > 0) socket.write(reply);
        else socket.end(reply);
        for (const begun of staying.splice(0)) begun();
      },
      log: () => undefined,
    },
    directory,
    new DoorRecord(join(root, 'web.json')),
  );
  onTestFinished(async () => await door[Symbol.asyncDispose]());
  const { address } = await door.open();
  const { port, hash } = new URL(address);
  const ask = async (path: string, { method = 'GET', headers = {}, body }: Asking = {}): Promise<Reply> =>
    await new Promise((resolve, reject) => {
      const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (part: string) => (text += part));
        reply.once('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text }));
        reply.once('error', reject);
      });
      sent.once('error', reject);
      sent.end(body);
    });
  const origin = `http://127.0.0.1:${port}`;
  const signIn = async (ticket: string, headers: Readonly<Record<string, string>> = {}) =>
    await ask('/session', {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ ticket }),
    });
  /** The cookie of a new session, as a browser sends it. */
  const session = async (): Promise<string> => {
    const { hash: ticket } = new URL((await door.open()).address);
    const [cookie = ''] = (await signIn(ticket.slice(1))).headers['set-cookie'] ?? [];
    return cookie.split(';')[0] ?? '';
  };
  /** A ticket for a WebSocket at a path, which a session is given. */
  const channelTicket = async (cookie: string, path = consolePath): Promise<string> => {
    const headers = { cookie, origin, 'content-type': 'application/json' };
    const { text } = await ask('/session/ticket', {
      method: 'POST',
      headers,
      body: JSON.stringify({ path }),
    });
    return (JSON.parse(text) as { ticket?: string }).ticket ?? '';
  };
  /** Asks for a WebSocket; the first line of the reply. */
  const upgrade = async (
    headers: Readonly<Record<string, string>>,
    path: string = consolePath,
  ): Promise<string> =>
    await new Promise((resolve, reject) => {
      const lines = Object.entries({
        host: `127.0.0.1:${port}`,
        connection: 'Upgrade',
        upgrade: 'websocket',
        ...headers,
      }).map(([name, value]) => `${name}: ${value}`);
      const socket = connect(Number(port), '127.0.0.1');
      let text = '';
      socket.setEncoding('utf8').on('data', (part: string) => (text += part));
      socket.once('close', () => resolve(text.split('\r\n')[0] ?? ''));
      socket.once('error', reject);
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    });
  /** Opens a WebSocket that stays open. @returns what resolves when it has been closed */
  const stay = async (headers: Readonly<Record<string, string>>, path: string) => {
    const begun = new Promise<void>((resolve) => staying.push(resolve));
    const left = upgrade(headers, path);
    await begun;
    return { left };
  };
  return {
    ...{ door, port, origin, seen, open, ask, signIn, session },
    ...{ channelTicket, upgrade, stay, ticket: hash.slice(1) },
  };
}
