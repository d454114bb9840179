import { KameError } from '../../core/errors.ts';
import { within } from '../../guest/agent/wait.ts';
import type { Running } from './running.ts';

/** Milliseconds for an answer of the display, which the engine serves itself. */
const answerMs = 5000;

/**
 * Waits for an answer of the display of a running machine, for at most 5 s. What was asked for is not withdrawn after that:
 * whoever asked closes the connection.
 * @param what what is cancelled when the signal fires, as the beginning of a sentence, such as `The recording`
 * @throws KameError ENGINE_TIMEOUT, CANCELLED; whatever the answer rejects with
 */
export async function displayAnswer<T>(
  { name }: Pick<Running, 'name'>,
  answer: Promise<T>,
  { signal, what }: { readonly signal: AbortSignal; readonly what: string },
): Promise<T> {
  return await within(answer, {
    ms: answerMs,
    signal,
    what,
    onTimeout: () =>
      new KameError('ENGINE_TIMEOUT', `The display of ${name} does not answer.`, {
        details: { machine: name },
      }),
  });
}
