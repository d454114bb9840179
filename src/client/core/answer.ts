import { KameError } from '../../core/errors.ts';
import { errorFromBody } from './errors.ts';
import type { Answer } from './transport.ts';

/** The largest reply that is read as a whole, in bytes; far more than any reply of the API. */
const maxAnswer = 256 * 1024 * 1024;

/** The daemon ended or the connection was lost in the middle of a reply. */
export function brokenOff(cause?: unknown): KameError {
  return new KameError('DAEMON_UNREACHABLE', 'The daemon ended during the operation.', {
    next: 'Running machines are not affected. `kame list` shows their state; kamed.log may give the reason.',
    ...(cause === undefined ? {} : { cause }),
  });
}

export function cancelled(cause?: unknown): KameError {
  return new KameError('CANCELLED', 'The operation was cancelled.', cause === undefined ? {} : { cause });
}

/** The chunks of a reply. An interruption is thrown as a KameError. */
export async function* chunksOf(answer: Answer, signal?: AbortSignal): AsyncGenerator<Uint8Array, void> {
  try {
    yield* answer.chunks;
  } catch (error) {
    throw signal?.aborted ? cancelled(error) : brokenOff(error);
  }
}

/** The whole body of a reply. @throws KameError INTERNAL if it is too large */
export async function bodyOf(answer: Answer, signal?: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(answer, signal)) {
    size += chunk.length;
    if (size > maxAnswer) {
      answer.discard();
      throw new KameError('INTERNAL', 'The reply of the daemon is too large.');
    }
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** The JSON of a reply; undefined if it is empty. @throws KameError INTERNAL */
export async function jsonOf(answer: Answer, signal?: AbortSignal): Promise<unknown> {
  const text = new TextDecoder().decode(await bodyOf(answer, signal));
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new KameError('INTERNAL', 'The reply of the daemon is not JSON.', { cause: error });
  }
}

/** The error in a reply with a status of 400 or above. */
export async function failureOf(answer: Answer): Promise<KameError> {
  try {
    return errorFromBody(await jsonOf(answer), answer.status);
  } catch {
    return errorFromBody(undefined, answer.status);
  }
}
