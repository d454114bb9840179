import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import * as z from 'zod';
import { WebSocketServer, type WebSocket } from 'ws';
import { KameError } from '../../core/errors.ts';
import { execRequest, type ExecMessage } from '../../api/messages.ts';
import { apiVersion } from '../../api/paths.ts';
import { attachConsole } from '../../vm/console.ts';
import { execute } from '../../vm/exec.ts';
import { followLog } from '../../vm/logs.ts';
import { clientSignal, errorBody } from '../answer.ts';
import type { App } from '../app.ts';
import { machineParams } from './machines.ts';

/** The largest message a client may send. */
const maxPayload = 1024 * 1024;
/** Output waiting for a slow reader; above it the source is held back. */
const highWater = 1024 * 1024;

/** Resolves when what was sent has gone down to a bearable rest, or the socket is closed. */
async function drained(socket: WebSocket): Promise<void> {
  if (socket.bufferedAmount < highWater) return;
  await new Promise<void>((resolve) => {
    socket.once('close', resolve);
    socket.ping(undefined, undefined, () => resolve());
  });
}

function closeWithError(socket: WebSocket, error: unknown): void {
  socket.send(JSON.stringify({ type: 'error', error: errorBody(error) }), () => socket.close(1011));
}

async function serveConsole(app: App, socket: WebSocket, machine: string): Promise<void> {
  const terminal = await attachConsole(app.host, machine);
  socket.on('message', (data: Buffer) => terminal.write(data));
  socket.once('close', () => terminal.close());
  terminal.onData((chunk) => {
    socket.send(chunk, { binary: true });
    // A terminal that does not read is cut off: the guest must not wait for it, nor our memory grow.
    if (socket.bufferedAmount > 4 * highWater) socket.terminate();
  });
  terminal.onEnd(() => socket.close(1000, 'The machine has stopped.'));
}

async function serveExec(app: App, socket: WebSocket, machine: string): Promise<void> {
  const controller = new AbortController();
  socket.once('close', () => controller.abort());
  const request = execRequest.parse(JSON.parse(await firstMessage(socket)));
  const stdin = request.stdin ? inputOf(socket) : undefined;
  const send = async (message: ExecMessage) => {
    socket.send(JSON.stringify(message));
    await drained(socket);
  };
  const result = await execute(app.host, machine, request, {
    ...(stdin ? { stdin } : {}),
    signal: controller.signal,
    onOutput: async (stream, chunk) => await send({ type: stream, data: chunk.toString('base64') }),
  });
  await send({ type: 'exit', exitCode: result.exitCode, signal: result.signal });
  socket.close(1000);
}

async function firstMessage(socket: WebSocket): Promise<string> {
  return await new Promise((resolve, reject) => {
    socket.once('message', (data: Buffer) => resolve(data.toString('utf8')));
    socket.once('close', () => reject(new KameError('CANCELLED', 'The client went away.')));
  });
}

/** Standard input as it comes; an empty message ends it. At most `highWater` bytes wait, then the client is held back. */
async function* inputOf(socket: WebSocket): AsyncGenerator<Buffer> {
  const queue: Buffer[] = [];
  let queued = 0;
  let ended = false;
  let wake = () => {};
  socket.on('message', (data: Buffer) => {
    if (data.length === 0) ended = true;
    else queue.push(data);
    queued += data.length;
    if (queued > highWater) socket.pause();
    wake();
  });
  socket.once('close', () => {
    ended = true;
    wake();
  });
  for (;;) {
    const chunk = queue.shift();
    if (chunk) {
      queued -= chunk.length;
      if (socket.isPaused && queued < highWater) socket.resume();
      yield chunk;
    } else if (ended) return;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}

const streamPath = new RegExp(`^/${apiVersion}/machines/([^/]+)/(console|exec)$`);

/** Console and exec: WebSockets, without compression, which would cost more than it saves on a local socket. */
export function streamRoutes(app: App): void {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload });
  app.http.server.on('upgrade', (request: IncomingMessage, raw: Duplex, head: Buffer) => {
    const match = streamPath.exec((request.url ?? '').split('?')[0] ?? '');
    if (!match) {
      raw.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
      return;
    }
    const machine = decodeURIComponent(match[1] as string);
    const serve = match[2] === 'console' ? serveConsole : serveExec;
    server.handleUpgrade(request, raw, head, (socket) => {
      socket.on('error', () => socket.terminate());
      serve(app, socket, machine).catch((error: unknown) => closeWithError(socket, error));
    });
  });
  app.http.addHook('preClose', () => {
    for (const socket of server.clients) socket.terminate();
  });
  logRoute(app);
}

function logRoute(app: App): void {
  app.http.get(
    '/machines/:machine/logs',
    {
      schema: {
        params: machineParams,
        querystring: z.object({
          follow: z.stringbool().default(false),
          console: z
            .stringbool()
            .default(false)
            .describe('The serial console’s log instead of the machine’s'),
        }),
      },
    },
    async (request, reply) => {
      const stream = await followLog(app.host, request.params.machine, request.query, clientSignal(reply));
      return await reply.type('text/plain; charset=utf-8').send(stream);
    },
  );
}
