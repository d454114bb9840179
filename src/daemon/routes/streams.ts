import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import * as z from 'zod';
import { WebSocketServer, type WebSocket } from 'ws';
import { KameError, messageOf } from '../../core/errors.ts';
import { execRequest, type ExecMessage } from '../../api/messages.ts';
import { apiVersion } from '../../api/paths.ts';
import { attachConsole } from '../../vm/guest/console.ts';
import { execute } from '../../vm/guest/exec.ts';
import { followLog } from '../../vm/guest/logs.ts';
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
  const typed = new MessageQueue(socket);
  const terminal = await attachConsole(app.host, machine);
  void (async () => {
    for (let data = await typed.next(); data; data = await typed.next()) terminal.write(data);
  })();
  socket.once('close', () => terminal.close());
  terminal.onData((chunk) => {
    socket.send(chunk, { binary: true });
    // A terminal that does not read is cut off: the guest must not wait for it, nor our memory grow.
    if (socket.bufferedAmount > 4 * highWater) socket.terminate();
  });
  terminal.onEnd(() => socket.close(1000, 'The machine has stopped.'));
}

async function serveExec(app: App, socket: WebSocket, machine: string): Promise<void> {
  const messages = new MessageQueue(socket);
  const controller = new AbortController();
  socket.once('close', () => controller.abort());
  const first = await messages.next();
  if (!first) throw new KameError('CANCELLED', 'The client went away.');
  const request = parseExec(first);
  const send = async (message: ExecMessage) => {
    socket.send(JSON.stringify(message));
    await drained(socket);
  };
  const result = await execute(app.host, machine, request, {
    ...(request.stdin ? { stdin: untilEmpty(messages) } : {}),
    signal: controller.signal,
    onOutput: async (stream, chunk) => await send({ type: stream, data: chunk.toString('base64') }),
  });
  await send({ type: 'exit', exitCode: result.exitCode, signal: result.signal });
  socket.close(1000);
}

function parseExec(message: Buffer): z.infer<typeof execRequest> {
  try {
    return execRequest.parse(JSON.parse(message.toString('utf8')));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
    throw new KameError('USAGE', `The exec request is not of the form that is asked for: ${why}`, {
      cause: error,
    });
  }
}

/** Standard input as it comes; an empty message ends it. */
async function* untilEmpty(messages: MessageQueue): AsyncGenerator<Buffer> {
  for (let chunk = await messages.next(); chunk && chunk.length > 0; chunk = await messages.next())
    yield chunk;
}

/**
 * What a client sends, kept from the first message on until it is asked for. At most `highWater` bytes wait, then the
 * client is held back.
 */
class MessageQueue {
  readonly #socket: WebSocket;
  readonly #messages: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #wake = () => {};

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#messages.push(data);
      this.#bytes += data.length;
      if (this.#bytes > highWater) socket.pause();
      this.#wake();
    });
    socket.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** The next message; undefined when the client has gone. */
  async next(): Promise<Buffer | undefined> {
    while (this.#messages.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const message = this.#messages.shift();
    this.#bytes -= message?.length ?? 0;
    if (this.#socket.isPaused && this.#bytes < highWater) this.#socket.resume();
    return message;
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
