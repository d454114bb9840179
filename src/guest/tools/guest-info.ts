import { aborted } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { isObject } from '../agent/reply.ts';
import { violation } from './frames.ts';
import type { GuestTools } from './tools.ts';

/** A value of 64 KiB whose every byte is escaped, and what is around it. */
const maxLine = 512 * 1024;
const maxFields = 8;

/** What a program of the guest asks for. Its texts are not checked. */
export interface GuestInfoRequest {
  readonly operation: 'get' | 'set';
  readonly key: string;
  readonly value: string;
}

/** @throws KameError GUEST_FAILED when the line is malformed */
function readRequest(line: string): GuestInfoRequest {
  let asked: unknown;
  try {
    asked = parseJson(line, { maxDepth: 1, maxValues: maxFields });
  } catch (error) {
    throw violation(`a request for a variable is not JSON (${messageOf(error)})`);
  }
  const { operation, key, value } = isObject(asked) ? asked : {};
  if ((operation !== 'get' && operation !== 'set') || typeof key !== 'string' || typeof value !== 'string')
    throw violation('a request for a variable is malformed');
  return { operation, key, value };
}

/** The requests in what the guest sends, a line each. */
class RequestLines {
  #rest = Buffer.alloc(0);

  /** The requests that are whole now. @throws KameError GUEST_FAILED */
  *push(chunk: Buffer): Generator<GuestInfoRequest> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let end = this.#rest.indexOf('\n'); end >= 0; end = this.#rest.indexOf('\n')) {
      const line = this.#rest.toString('utf8', 0, end);
      this.#rest = this.#rest.subarray(end + 1);
      yield readRequest(line);
    }
    if (this.#rest.length > maxLine) throw violation('a request for a variable is too long');
  }
}

/** Answers a request with the value of a variable; null if it has none, or was set. @throws KameError when it is refused */
export type AnswerGuestInfo = (request: GuestInfoRequest) => Promise<string | null>;

/**
 * Takes requests of programs in the guest for its variables, one after the other, until the guest or the signal ends that.
 * @throws KameError GUEST_TOOLS_MISSING, GUEST_FAILED, CANCELLED
 */
export async function serveGuestInfo(
  tools: GuestTools,
  answer: AnswerGuestInfo,
  signal: AbortSignal,
): Promise<void> {
  const lines = new RequestLines();
  const reply = async (request: GuestInfoRequest): Promise<object> => {
    try {
      const value = await answer(request);
      return value === null ? {} : { value };
    } catch (error) {
      if (!(error instanceof KameError)) throw error;
      return { failed: error.message };
    }
  };
  const stream = await tools.open(
    'guestinfo',
    {},
    async (_name, chunk) => {
      for (const request of lines.push(chunk))
        await stream.write(Buffer.from(`${JSON.stringify(await reply(request))}\n`));
    },
    { signal },
  );
  await Promise.race([stream.result, aborted(signal)]);
  void stream.cancel(new KameError('CANCELLED', 'The guest is not listened to any more.'));
}
