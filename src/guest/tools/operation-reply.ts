import { KameError, messageOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { cleanText, isObject } from '../agent/reply.ts';
import { violation } from './frames.ts';

/** More than 10,000 processes or files with long names need. */
const maxBytes = 16 * 1024 * 1024;
const limits = { maxDepth: 6, maxValues: 150_000 };

/** An operation that the guest says has failed. @param code in the guest's words, such as `noSuchFile` */
export function operationFailed(code: unknown, message: unknown): KameError {
  const reason = typeof code === 'string' && /^[A-Za-z]{1,40}$/u.test(code) ? code : 'failed';
  const words = cleanText(typeof message === 'string' ? message : '') || 'it did not say why';
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
      throw violation(`its reply is not JSON (${cleanText(messageOf(error))})`);
    }
    if (!isObject(reply)) throw violation('its reply is not an object');
    const failed = Object.hasOwn(reply, 'failed') ? reply['failed'] : undefined;
    if (isObject(failed)) throw operationFailed(failed['code'], failed['message']);
    return reply['result'];
  }
}
