import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { ByteQueue } from '../sys/byte-queue.ts';
import { readSwitchConfig } from './read-config.ts';
import type { SwitchConfig, SwitchReply, SwitchStatus } from './switch-config.ts';

/** Bytes of a request: that of a thousand ports is a third of it. */
const maxRequest = 1024 * 1024;
/** Bytes of replies that a client may leave unread. */
const maxUnread = 8 * 1024 * 1024;
const newline = 0x0a;

/** What the requests do. */
export interface Controlled {
  configure(config: SwitchConfig): void;
  status(): SwitchStatus;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Does what a line says. @returns the reply; a malformed request gets one with an error, whose id is -1 if it has none */
function answer(line: string, controlled: Controlled): SwitchReply {
  let id = -1;
  try {
    const request = parseJson(line);
    if (!isObject(request)) return { id, error: 'A request is a JSON object.' };
    if (Number.isSafeInteger(request['id'])) id = request['id'] as number;
    const { method } = request;
    if (method === 'configure') controlled.configure(readSwitchConfig(request['config']));
    else if (method !== 'status')
      return { id, error: `Unknown method ${JSON.stringify(method)?.slice(0, 100)}.` };
    return { id, status: controlled.status() };
  } catch (error) {
    return { id, error: messageOf(error) };
  }
}

/** Collects lines. A line that is too long ends the connection, since it is not known where the next one begins. */
class Lines {
  readonly #begun = new ByteQueue();

  /** @returns the lines that are complete now, or undefined if one is too long */
  push(chunk: Buffer): string[] | undefined {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#begun.push(chunk.subarray(start, end));
      if (this.#begun.length > maxRequest) return undefined;
      lines.push(this.#begun.length === 0 ? '' : this.#begun.take().toString('utf8'));
      start = end + 1;
    }
    this.#begun.push(chunk.subarray(start));
    return this.#begun.length > maxRequest ? undefined : lines;
  }
}

function serve(socket: Socket, controlled: Controlled): void {
  const lines = new Lines();
  const send = (reply: SwitchReply) => socket.write(`${JSON.stringify(reply)}\n`);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    const complete = lines.push(chunk);
    if (!complete) {
      send({ id: -1, error: `A request is longer than ${maxRequest} bytes.` });
      socket.destroySoon();
      return;
    }
    for (const line of complete) send(answer(line, controlled));
    if (socket.writableLength > maxUnread) socket.destroy();
  });
}

/**
 * Listens for requests on a Unix socket: one JSON object a line, see `SwitchRequest`.
 * @returns when it listens
 * @throws Error of the host if it cannot listen there
 */
export async function serveControl(path: string, controlled: Controlled): Promise<Server> {
  const server = createServer((socket) => serve(socket, controlled));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return server;
}
