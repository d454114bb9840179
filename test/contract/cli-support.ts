import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';

export { kame, terminalInput } from '../support/kame-command.ts';

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

type Handler = (response: ServerResponse, request: Recorded) => void;

/** A daemon that says what a test wants it to say, on a real Unix socket. */
export interface FakeDaemon extends AsyncDisposable {
  readonly home: string;
  readonly socket: string;
  readonly requests: Recorded[];
  /** `GET /v1/machines` and the like. For the path of a WebSocket, it answers instead of opening one. */
  on(route: string, handler: Handler): void;
  onSocket(path: string, handler: (socket: WebSocket) => void): void;
  /** Listens no more. */
  close(): void;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? undefined : JSON.parse(text);
}

export function json(value: unknown, status = 200): Handler {
  return (response) => {
    const text = JSON.stringify(value);
    const length = Buffer.byteLength(text);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': length }).end(text);
  };
}

/** A long operation: its lines, one after the other. */
export function lines(...values: unknown[]): Handler {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.end(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
  };
}

export function problem(status: number, code: string, message: string): Handler {
  return json({ code, message, next: 'Do this.', details: {} }, status);
}

export async function temporaryHome(): Promise<AsyncDisposable & { readonly home: string }> {
  const home = await mkdtemp(join(tmpdir(), 'kame-cli-'));
  return {
    home, // A daemon that is about to end may still write.
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true, maxRetries: 10 }),
  };
}

export async function fakeDaemon(): Promise<FakeDaemon> {
  const temporary = await temporaryHome();
  const socket = join(temporary.home, 'kamed.sock');
  const requests: Recorded[] = [];
  const handlers = new Map<string, Handler>();
  const sockets = new Map<string, (socket: WebSocket) => void>();
  const handlerOf = ({ method, url = '' }: IncomingMessage) =>
    handlers.get(`${method} ${url.split('?', 1)[0]}`);
  const answer = (handler: Handler, request: IncomingMessage, response: ServerResponse, body?: unknown) => {
    const { method = '', url: path = '', headers } = request;
    const recorded = { method, path, body, headers };
    requests.push(recorded);
    handler(response, recorded);
  };
  const server = createServer((request, response) => {
    const handler = handlerOf(request) ?? problem(404, 'USAGE', `No ${request.url}.`);
    void bodyOf(request).then((body) => answer(handler, request, response, body));
  });
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on('upgrade', (request, raw: Socket, head) => {
    const refuse = handlerOf(request);
    if (refuse) {
      const response = new ServerResponse(request);
      response.assignSocket(raw);
      response.once('finish', () => raw.end());
      answer(refuse, request, response);
      return;
    }
    webSockets.handleUpgrade(request, raw, head, (connection) =>
      sockets.get(request.url ?? '')?.(connection),
    );
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    home: temporary.home,
    socket,
    requests,
    on: (route, handler) => void handlers.set(route, handler),
    onSocket: (path, handler) => void sockets.set(path, handler),
    close: () => void server.close(),
    [Symbol.asyncDispose]: async () => {
      for (const client of webSockets.clients) client.terminate();
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
      await temporary[Symbol.asyncDispose]();
    },
  };
}

/** Verbs that are groups, with their own verbs; a dot is between the words of one. `daemon run` has no --json. */
export const subVerbs: Readonly<Record<string, string>> = {
  image: 'list pull import delete',
  daemon: 'start stop status',
  snapshot: 'take list show revert rename delete',
  disk: 'list add grow compact check remove',
  nic: 'list add set remove',
  share: 'list add remove',
  guest:
    'ps kill ls stat mkdir rm mv mktemp env users password quiesce run script ssh-key.list ssh-key.add ssh-key.remove',
  clipboard: 'show get set watch',
  web: 'audit user.list user.add user.set user.password user.remove',
  compat: 'path install networks uninstall',
  network: 'list show create set delete forward.add forward.list forward.remove reserve leases',
};
