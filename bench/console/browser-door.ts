import { request } from 'node:http';
import { connect } from 'node:net';
import { deferred } from '../../src/core/deferred.ts';

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

/** What a client reads at a time, at most, in bytes. */
const readBytes = 1024 * 1024;

/** A WebSocket whose frames are left as they are. Nothing is read of it until `read` is called. */
export interface RawSocket extends Disposable {
  /** Reads until so many bytes have come. */
  readonly read: (bytes: number) => Promise<void>;
}

/**
 * Opens a WebSocket and counts its bytes, all of which are read into one buffer: what is measured is the other side. A buffer for each
 * piece, as the event `data` has it, costs the client more than a relay costs.
 */
export async function openRaw(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<RawSocket> {
  const head = deferred<string>();
  const wanted = { bytes: 0, there: () => undefined as void };
  const lines = Object.entries({
    host: `127.0.0.1:${port}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  let [text, hasHead] = ['', false];
  const callback = (count: number, buffer: Uint8Array): boolean => {
    if (!hasHead) {
      text += Buffer.from(buffer.buffer, buffer.byteOffset, count).toString('latin1');
      hasHead = text.includes('\r\n\r\n');
      if (hasHead) head.resolve(text);
      return !hasHead;
    }
    wanted.bytes -= count;
    if (wanted.bytes <= 0) wanted.there();
    return wanted.bytes > 0;
  };
  const onread = { buffer: Buffer.allocUnsafeSlow(readBytes), callback };
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
  socket.once('error', (error) => head.reject(error));
  socket.once('close', () => head.reject(new Error('The server has closed the connection.')));
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  const [line = ''] = (await head.promise).split('\r\n');
  if (!line.includes(' 101 ')) throw new Error(`The server answers ${line}.`);
  return {
    read: async (bytes) => {
      wanted.bytes = bytes;
      const done = new Promise<void>((resolve) => (wanted.there = resolve));
      socket.resume();
      await done;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
