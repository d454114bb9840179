import { KameError, messageOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { violation } from './frames.ts';

/** More than 10,000 processes or files with long names need. */
const maxBytes = 16 * 1024 * 1024;
const limits = { maxDepth: 6, maxValues: 150_000 };
const maxMessage = 500;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text for people, without control and direction characters. */
function cleaned(value: unknown): string {
  const text = typeof value === 'string' ? value : '';
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').slice(0, maxMessage);
}

/** An operation that the guest says has failed. @param code in the guest's words, such as `noSuchFile` */
export function operationFailed(code: unknown, message: unknown): KameError {
  const reason = typeof code === 'string' && /^[A-Za-z]{1,40}$/u.test(code) ? code : 'failed';
  const words = cleaned(message) || 'it did not say why';
  return new KameError('GUEST_FAILED', `The guest could not do that: ${words}.`, { details: { reason } });
}

/** The reply to an operation, as it comes on standard output. */
export class OperationReply {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  /** @throws KameError GUEST_FAILED when it is too long */
  readonly add = async (_stream: string, chunk: Buffer): Promise<void> => {
    this.#bytes += chunk.length;
    if (this.#bytes > maxBytes) throw violation(`its reply has more than ${maxBytes} bytes`);
    this.#chunks.push(chunk);
    await Promise.resolve();
  };

  /** The result. @throws KameError GUEST_FAILED when it is malformed, or says that the operation has failed */
  read(): unknown {
    let reply: unknown;
    try {
      reply = parseJson(Buffer.concat(this.#chunks).toString('utf8'), limits);
    } catch (error) {
      throw violation(`its reply is not JSON (${cleaned(messageOf(error))})`);
    }
    if (!isObject(reply)) throw violation('its reply is not an object');
    const failed = Object.hasOwn(reply, 'failed') ? reply['failed'] : undefined;
    if (isObject(failed)) throw operationFailed(failed['code'], failed['message']);
    return reply['result'];
  }
}
