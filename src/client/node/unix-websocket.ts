import { createConnection, type Socket } from 'node:net';
import { versionHeader } from '../../api/protocol.ts';
import { version } from '../../core/version.ts';
import { cancelled, failureOf } from '../core/answer.ts';
import type { Answer, Channel } from '../core/transport.ts';
import { refuseOtherVersion, translate } from './unix-transport.ts';
import { FrameReader, frameHead, opcodes, type Frame } from './websocket-frames.ts';

/**
 * WebSockets over the daemon's Unix socket. They are not those of `ws`: with the HTTP client, TLS and the hashes that it needs, it
 * takes 10 ms to load and to connect, which is much for a short command.
 */

/** The largest message that the daemon may send, in bytes. */
const maxMessage = 64 * 1024 * 1024;
/** The largest head of its reply. */
const maxHead = 16 * 1024;
/** Payloads up to this size are sent together with what comes before them. */
const smallBytes = 4096;

/**
 * The example of RFC 6455, 1.3, and its answer. Another key for each connection would keep caches on the way from answering, of
 * which a Unix socket has none.
 */
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

interface Reply {
  readonly status: number;
  readonly header: (name: string) => string;
  /** What has come after its head. */
  readonly rest: Buffer;
}

function parseReply(bytes: Buffer, end: number): Reply {
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 500),
    header: (name) => headers.get(name) ?? '',
    rest: bytes.subarray(end + 4),
  };
}

function reset(): Error {
  return Object.assign(new Error('The daemon closed the connection.'), { code: 'ECONNRESET' });
}

/** The reply to the request that was sent. The connection is paused after it. */
function replyOf(connection: Socket): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const onEnd = () => reject(reset());
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0 && bytes.length < maxHead) return;
      connection.off('data', onData).off('close', onEnd).pause();
      if (end < 0) reject(new Error('The head of the reply is too long.'));
      else resolve(parseReply(bytes, end));
    };
    connection.on('data', onData).once('close', onEnd).on('error', reject);
  });
}

/** The bytes that the daemon sends, until it or this program closes the connection. */
async function* bytesOf(connection: Socket, first: Buffer): AsyncGenerator<Buffer, void> {
  if (first.length > 0) yield first;
  yield* connection.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

/** @throws the reason why the daemon did not open a WebSocket */
async function refuse(connection: Socket, reply: Reply): Promise<never> {
  const answer: Answer = {
    status: reply.status,
    contentType: reply.header('content-type'),
    // The daemon sends the body as it is, and closes the connection after it.
    chunks: bytesOf(connection, reply.rest),
    discard: () => void connection.destroy(),
  };
  try {
    await refuseOtherVersion(answer);
    throw await failureOf(answer);
  } finally {
    connection.destroy();
  }
}

/** The frames that the daemon sends, until the connection ends in any way. */
async function* framesOf(connection: Socket, first: Buffer): AsyncGenerator<Frame, void> {
  const reader = new FrameReader(maxMessage);
  try {
    for await (const chunk of bytesOf(connection, first)) {
      reader.push(chunk);
      for (let frame = reader.next(); frame; frame = reader.next()) yield frame;
    }
  } catch {
    connection.destroy();
  }
}

/** The daemon's messages in order, until it closes. It is held back while a message waits to be read. */
async function* messagesOf(connection: Socket, first: Buffer): AsyncGenerator<string | Uint8Array, void> {
  let parts: Buffer[] = [];
  let bytes = 0;
  let text = false;
  for await (const { opcode, last, payload } of framesOf(connection, first)) {
    if (opcode === opcodes.close) {
      connection.end(frameHead(opcodes.close, 0));
      return;
    }
    if (opcode === opcodes.ping) void write(connection, opcodes.pong, payload).catch(() => undefined);
    if (opcode > opcodes.close) continue;
    if (opcode !== opcodes.continuation) text = opcode === opcodes.text;
    parts.push(payload);
    bytes += payload.length;
    if (bytes > maxMessage) connection.destroy();
    if (!last) continue;
    const message = parts.length === 1 ? payload : Buffer.concat(parts);
    parts = [];
    bytes = 0;
    yield text ? message.toString('utf8') : message;
  }
}

function write(connection: Socket, opcode: number, payload: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = (error?: Error | null) => (error ? reject(error) : resolve());
    const head = frameHead(opcode, payload.length);
    if (payload.length <= smallBytes) {
      connection.write(Buffer.concat([head, payload]), sent);
      return;
    }
    connection.cork();
    connection.write(head);
    connection.write(payload, sent);
    connection.uncork();
  });
}

function requestOf(path: string): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: kame',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    `${versionHeader}: ${version}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * Opens a WebSocket over the daemon's Unix socket.
 * @throws NotListening, OtherVersion, KameError the error that the daemon reports; DAEMON_UNREACHABLE, HOST_PROBLEM, CANCELLED
 */
export async function openChannel(socket: string, path: string, signal: AbortSignal): Promise<Channel> {
  if (signal.aborted) throw cancelled();
  const connection = createConnection(socket);
  const hangUp = () => connection.destroy();
  signal.addEventListener('abort', hangUp, { once: true });
  connection.once('close', () => signal.removeEventListener('abort', hangUp));
  connection.write(requestOf(path));
  const reply = await replyOf(connection).catch((error: Error) => {
    connection.destroy();
    throw signal.aborted ? cancelled(error) : translate(error, socket, 'GET');
  });
  if (reply.status !== 101 || reply.header('sec-websocket-accept') !== accept)
    await refuse(connection, reply);
  return {
    messages: messagesOf(connection, reply.rest),
    send: async (data) => {
      const isText = typeof data === 'string';
      await write(connection, isText ? opcodes.text : opcodes.bytes, isText ? Buffer.from(data) : data);
    },
    close: hangUp,
  };
}
