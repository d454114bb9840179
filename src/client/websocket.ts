import { createConnection } from 'node:net';
import type { ClientOptions, WebSocket } from 'ws';
import { KameError, messageOf } from '../core/errors.ts';
import { version } from '../core/version.ts';
import { versionHeader } from '../api/paths.ts';
import type { ExecMessage, ExecRequest } from '../api/messages.ts';
import { errorFromBody } from './errors.ts';
import { failureOf } from './transport.ts';

/** How an execution in the guest ended: one of the two is a number. */
export interface ExecEnd {
  readonly exitCode: number | null;
  readonly signal: number | null;
}

export interface ExecStreams {
  readonly signal?: AbortSignal | undefined;
  /** Standard input; only sent when the request says so. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Called in order, the next one when the promise has settled: a slow reader slows the sender down. */
  readonly output: (stream: 'stdout' | 'stderr', data: Buffer) => Promise<void>;
}

/** A machine's serial console. */
export interface ConsoleConnection {
  /** What the guest writes; ends when the machine's console does, or after `close`. */
  readonly output: AsyncIterable<Buffer>;
  /** Sends what the user types. Resolves when it has left, so that a slow guest slows the sender down. */
  write(data: Uint8Array): Promise<void>;
  close(): void;
}

const maxPayload = 64 * 1024 * 1024;
const inputChunk = 64 * 1024;

/**
 * Opens a WebSocket over the daemon's Unix socket.
 * @throws KameError what the daemon refuses it with; DAEMON_UNREACHABLE, CANCELLED
 */
async function open(socket: string, path: string, signal?: AbortSignal): Promise<WebSocket> {
  const { WebSocket } = await import('ws');
  const options: ClientOptions & { createConnection: () => ReturnType<typeof createConnection> } = {
    perMessageDeflate: false,
    maxPayload,
    headers: { [versionHeader]: version },
    // Not a ws+unix: address, whose form can't hold a path with a colon.
    createConnection: () => createConnection(socket),
  };
  const connection = new WebSocket(`ws://kame${path}`, options);
  connection.binaryType = 'nodebuffer';
  const hangUp = () => connection.terminate();
  signal?.addEventListener('abort', hangUp, { once: true });
  connection.once('close', () => signal?.removeEventListener('abort', hangUp));
  await new Promise<void>((resolve, reject) => {
    // Stays: an error after the handshake is followed by `close`, which tells the user of this connection.
    connection.on('error', (error) => {
      reject(
        signal?.aborted
          ? new KameError('CANCELLED', 'The operation was cancelled.')
          : new KameError('DAEMON_UNREACHABLE', `The daemon broke off: ${messageOf(error)}`, {
              cause: error,
            }),
      );
    });
    connection.once('unexpected-response', (outgoing, answer) => {
      void failureOf(answer).then((failure) => {
        reject(failure);
        outgoing.destroy();
      });
    });
    connection.once('open', () => {
      // Nothing is read before the caller listens.
      connection.pause();
      resolve();
    });
  });
  return connection;
}

function sendAll(connection: WebSocket, data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.send(data, { binary: true }, (error) => (error ? reject(error) : resolve()));
  });
}

/** Sends standard input, and an empty message at its end. */
async function sendInput(connection: WebSocket, input: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; at += inputChunk) {
      if (connection.readyState !== connection.OPEN) return;
      await sendAll(connection, chunk.subarray(at, at + inputChunk));
    }
  }
  if (connection.readyState === connection.OPEN) await sendAll(connection, Buffer.alloc(0));
}

interface Message {
  readonly binary: boolean;
  readonly data: Buffer;
}

function parseMessage(message: Message): ExecMessage {
  try {
    return JSON.parse(message.data.toString('utf8')) as ExecMessage;
  } catch (error) {
    throw new KameError('INTERNAL', 'The daemon sent a message that is no JSON.', { cause: error });
  }
}

/** The daemon's messages in order; ends when it closes. The connection is paused while one waits. */
async function* messagesOf(connection: WebSocket): AsyncGenerator<Message> {
  const waiting: Message[] = [];
  let closed = false;
  let wake: () => void = () => undefined;
  connection.on('message', (data, binary) => {
    // binaryType is nodebuffer.
    waiting.push({ binary, data: data as Buffer });
    connection.pause();
    wake();
  });
  connection.once('close', () => {
    closed = true;
    wake();
  });
  for (;;) {
    const next = waiting.shift();
    if (next !== undefined) yield next;
    else if (closed || connection.readyState === connection.CLOSED) return;
    else {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      connection.resume();
      await woken;
    }
  }
}

async function* consoleOutput(connection: WebSocket): AsyncGenerator<Buffer> {
  for await (const message of messagesOf(connection)) {
    if (message.binary) yield message.data;
    else {
      const told = parseMessage(message);
      if (told.type === 'error') throw errorFromBody(told.error);
    }
  }
}

/** Connects to a machine's serial console. The signal hangs up. */
export async function openConsole(
  socket: string,
  path: string,
  signal?: AbortSignal,
): Promise<ConsoleConnection> {
  const connection = await open(socket, path, signal);
  return {
    output: consoleOutput(connection),
    write: (data) => sendAll(connection, data),
    close: () => connection.terminate(),
  };
}

/**
 * Runs a command in a guest. Cancelling hangs up.
 * @throws KameError what the guest or the daemon reports; CANCELLED
 */
export async function execute(
  socket: string,
  path: string,
  request: ExecRequest,
  streams: ExecStreams,
): Promise<ExecEnd> {
  const connection = await open(socket, path, streams.signal);
  try {
    connection.send(JSON.stringify(request));
    // A command may end before it has read all of its input: what can't be sent any more is no error.
    if (streams.input) void sendInput(connection, streams.input).catch(() => undefined);
    for await (const received of messagesOf(connection)) {
      const message = parseMessage(received);
      if (message.type === 'exit') return { exitCode: message.exitCode, signal: message.signal };
      if (message.type === 'error') throw errorFromBody(message.error);
      await streams.output(message.type, Buffer.from(message.data, 'base64'));
    }
  } finally {
    connection.terminate();
  }
  if (streams.signal?.aborted) throw new KameError('CANCELLED', 'The command in the guest was cancelled.');
  throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended while the command ran in the guest.', {
    next: 'The command may still run there.',
  });
}
