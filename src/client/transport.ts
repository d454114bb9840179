import { request, type IncomingMessage } from 'node:http';
import { KameError, errnoOf, messageOf } from '../core/errors.ts';
import { taskHeader, versionHeader } from '../api/paths.ts';
import { version } from '../core/version.ts';
import { errorFromBody } from './errors.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly accept?: string;
  /** A UUID to cancel the operation by. */
  readonly task?: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the answer begins. Without it there is no limit: long operations begin to answer late. */
  readonly timeoutMs?: number;
}

/** Nobody listens on the socket: a daemon may be started, and the call made again, without harm. */
export class NotListening extends Error {}

/** No answer of the API that is read as a whole comes near. Bytes. */
const maxAnswer = 256 * 1024 * 1024;

function translate(error: Error, socket: string, call: Call): Error {
  if (error instanceof KameError) return error;
  if (call.signal?.aborted) return new KameError('CANCELLED', 'The operation was cancelled.');
  const code = errnoOf(error);
  // A daemon that is killed resets the connection. Before it was taken nothing was sent; a question can be asked again.
  const connecting = (error as NodeJS.ErrnoException).syscall === 'connect';
  const reset = (code === 'ECONNRESET' || code === 'EPIPE') && (connecting || call.method === 'GET');
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK' || reset)
    return new NotListening(error.message);
  if (code === 'EACCES' || code === 'EPERM') {
    return new KameError('HOST_PROBLEM', `The daemon's socket ${socket} may not be used: ${error.message}`, {
      next: 'It belongs to another user, or its directory does. Set KAME_HOME to a directory of your own.',
      cause: error,
    });
  }
  return new KameError('DAEMON_UNREACHABLE', `The daemon broke off: ${messageOf(error)}`, { cause: error });
}

/**
 * Sends one request over the Unix socket; resolves when the answer's head is there. Hanging up, which the signal does at any
 * time, cancels the operation.
 * @throws NotListening, KameError DAEMON_UNREACHABLE, HOST_PROBLEM, CANCELLED
 */
export function send(socket: string, call: Call): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = call.body === undefined ? undefined : JSON.stringify(call.body);
    const outgoing = request({
      socketPath: socket,
      host: 'kame',
      method: call.method,
      path: call.path,
      agent: false,
      ...(call.signal ? { signal: call.signal } : {}),
      headers: {
        [versionHeader]: version,
        accept: call.accept ?? 'application/json',
        ...(call.task === undefined ? {} : { [taskHeader]: call.task }),
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      },
    });
    const late = () =>
      outgoing.destroy(
        new KameError(
          'DAEMON_UNREACHABLE',
          `The daemon at ${socket} does not answer within ${call.timeoutMs} ms.`,
        ),
      );
    const timer = call.timeoutMs === undefined ? undefined : setTimeout(late, call.timeoutMs);
    outgoing.once('response', (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    outgoing.on('error', (error) => {
      clearTimeout(timer);
      reject(translate(error, socket, call));
    });
    outgoing.end(text);
  });
}

/** The chunks of an answer, with what breaks it off translated. */
export async function* chunksOf(answer: IncomingMessage, signal?: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (error) {
    if (signal?.aborted) throw new KameError('CANCELLED', 'The operation was cancelled.', { cause: error });
    throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended while it worked on this.', {
      next: 'Running machines are not hurt. `kame list` shows how things stand; kamed.log may say why.',
      cause: error,
    });
  }
}

/** The whole body of an answer. */
export async function bodyOf(answer: IncomingMessage, signal?: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunksOf(answer, signal)) {
    size += chunk.length;
    if (size > maxAnswer) {
      answer.destroy();
      throw new KameError('INTERNAL', 'The daemon sent an answer without an end.');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The JSON of an answer; undefined for an empty one. */
export async function jsonOf(answer: IncomingMessage, signal?: AbortSignal): Promise<unknown> {
  const text = (await bodyOf(answer, signal)).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new KameError('INTERNAL', 'The daemon sent something that is no JSON.', { cause: error });
  }
}

/** The error that an answer with a status of 400 or above carries. */
export async function failureOf(answer: IncomingMessage): Promise<KameError> {
  try {
    return errorFromBody(await jsonOf(answer), answer.statusCode);
  } catch {
    return errorFromBody(undefined, answer.statusCode);
  }
}
