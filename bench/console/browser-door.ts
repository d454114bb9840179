import { request } from 'node:http';
import { connect, type Socket } from 'node:net';

/** A session at the door for browsers, as a page has it. */
export interface DoorSession {
  readonly port: number;
  readonly cookie: string;
  readonly origin: string;
}

interface Reply {
  readonly text: string;
  readonly cookie: string;
}

async function post(port: number, path: string, body: object, cookie = ''): Promise<Reply> {
  const origin = `http://127.0.0.1:${port}`;
  return await new Promise((resolve, reject) => {
    const headers = { origin, cookie, 'content-type': 'application/json' };
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (part: string) => (text += part));
      reply.once('end', () =>
        resolve({ text, cookie: (reply.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '' }),
      );
    });
    sent.once('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/** Signs in with an address of `kame open`. */
export async function signInAt(address: string): Promise<DoorSession> {
  const { port, hash, origin } = new URL(address);
  const { cookie } = await post(Number(port), '/session', { ticket: hash.slice(1) });
  return { port: Number(port), cookie, origin };
}

/** The path of a WebSocket with a ticket for it. */
export async function withTicket({ port, cookie }: DoorSession, path: string): Promise<string> {
  const { text } = await post(port, '/session/ticket', { path }, cookie);
  return `${path}?ticket=${(JSON.parse(text) as { ticket: string }).ticket}`;
}

/**
 * Opens a WebSocket and leaves its frames as they are, so that reading them costs nothing: what is measured is the other side.
 * @returns the socket, paused, after the reply of the server
 */
export async function openRaw(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const lines = Object.entries({
    host: `127.0.0.1:${port}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  const [line] = await new Promise<string[]>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('The server has closed the connection.')));
    socket.once('data', (data: Buffer) => {
      socket.pause();
      resolve(data.toString('latin1').split('\r\n'));
    });
  });
  if (!line?.includes(' 101 ')) throw new Error(`The server answers ${line}.`);
  return socket;
}
