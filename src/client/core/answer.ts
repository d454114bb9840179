import { KameError } from '../../core/errors.ts';
import { errorFromBody } from './errors.ts';
import type { Answer } from './transport.ts';

/** No answer of the API that is read as a whole comes near. Bytes. */
const maxAnswer = 256 * 1024 * 1024;

/** The daemon ended, or was cut off, in the middle of its answer. */
export function brokenOff(cause?: unknown): KameError {
  return new KameError('DAEMON_UNREACHABLE', 'The daemon ended while it worked on this.', {
    next: 'Running machines are not hurt. `kame list` shows how things stand; kamed.log may say why.',
    ...(cause === undefined ? {} : { cause }),
  });
}

export function cancelled(cause?: unknown): KameError {
  return new KameError('CANCELLED', 'The operation was cancelled.', cause === undefined ? {} : { cause });
}

/** The chunks of an answer, with what breaks it off translated. */
export async function* chunksOf(answer: Answer, signal?: AbortSignal): AsyncGenerator<Uint8Array, void> {
  try {
    yield* answer.chunks;
  } catch (error) {
    throw signal?.aborted ? cancelled(error) : brokenOff(error);
  }
}

/** The whole body of an answer. @throws KameError INTERNAL when it is larger than any of the API */
export async function bodyOf(answer: Answer, signal?: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(answer, signal)) {
    size += chunk.length;
    if (size > maxAnswer) {
      answer.discard();
      throw new KameError('INTERNAL', 'The daemon sent an answer without an end.');
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

/** The JSON of an answer; undefined for an empty one. @throws KameError INTERNAL */
export async function jsonOf(answer: Answer, signal?: AbortSignal): Promise<unknown> {
  const text = new TextDecoder().decode(await bodyOf(answer, signal));
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new KameError('INTERNAL', 'The daemon sent something that is not JSON.', { cause: error });
  }
}

/** The error that an answer with a status of 400 or above carries. */
export async function failureOf(answer: Answer): Promise<KameError> {
  try {
    return errorFromBody(await jsonOf(answer), answer.status);
  } catch {
    return errorFromBody(undefined, answer.status);
  }
}
