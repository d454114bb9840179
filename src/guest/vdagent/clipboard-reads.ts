import { deferred, type Deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import { cancelled, within } from '../agent/wait.ts';
import { agentMissing } from './link.ts';
import { contentKinds } from './messages.ts';

/** The largest content, in bytes, in either direction. */
export const maxContentBytes = 64 * 1024 * 1024;
/** The fields before the content. */
const headBytes = 8;

/** How long it may take to move content, and how that is cancelled. */
export interface Limits {
  /** In milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly kind: number;
  readonly answer: Deferred<Buffer>;
}

const reading = 'Reading the clipboard';

export function emptyClipboard(message: string, next: string): KameError {
  return new KameError('CLIPBOARD_EMPTY', message, { next });
}

async function inTime<T>(work: Promise<T>, { deadlineMs, signal }: Limits): Promise<T> {
  const onTimeout = () =>
    new KameError('GUEST_TIMEOUT', 'The guest has not sent the content of its clipboard in time.');
  return await within(work, { ms: deadlineMs, signal, what: reading, onTimeout });
}

/** The questions of the host for content of the guest: one at a time, since an answer does not say what it answers. */
export class ClipboardReads {
  #waiting: Waiting | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** The most bytes to keep of a message with content: none that nobody has asked for. */
  get contentLimit(): number {
    return this.#waiting ? maxContentBytes + headBytes : -1;
  }

  /**
   * Reads when it is its turn; the time until then counts too.
   * @throws KameError GUEST_TIMEOUT, CANCELLED, and what `read` throws
   */
  async inTurn(read: () => Promise<Buffer>, limits: Limits): Promise<Buffer> {
    const next = this.#last.then(async () => {
      if (limits.signal.aborted) throw cancelled(reading);
      return await read();
    });
    this.#last = next.catch(() => undefined);
    return await inTime(next, limits);
  }

  /**
   * The content that the guest sends for a question.
   * @throws KameError CLIPBOARD_EMPTY, GUEST_*, CANCELLED
   */
  async content(kind: number, ask: () => Promise<void>, limits: Limits): Promise<Buffer> {
    const waiting: Waiting = { kind, answer: deferred<Buffer>() };
    this.#waiting = waiting;
    try {
      // The answer may be a refusal of the connection, before anybody waits for it.
      waiting.answer.promise.catch(() => undefined);
      const asked = ask();
      return await inTime(
        asked.then(async () => await waiting.answer.promise),
        limits,
      );
    } finally {
      if (this.#waiting === waiting) this.#waiting = undefined;
    }
  }

  /** The guest has sent content of a kind. What nobody waits for is ignored. */
  take(kind: number, content: Buffer): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    if (kind === waiting.kind && content.length > 0) waiting.answer.resolve(content);
    else if (kind === contentKinds.none || kind === waiting.kind) {
      waiting.answer.reject(
        emptyClipboard(
          'The guest sent nothing for its clipboard.',
          `The program that had it may have ended, or the content is larger than ${formatSize(maxContentBytes)}.`,
        ),
      );
    }
  }

  /** Content was dropped because of its size, which may be the content that is waited for. */
  tooLarge(bytes: number): void {
    if (bytes <= maxContentBytes + headBytes) return;
    const limit = formatSize(maxContentBytes);
    const words = `The clipboard of the guest has ${formatSize(bytes)}; the limit is ${limit}.`;
    this.#waiting?.answer.reject(
      new KameError('GUEST_FAILED', words, { next: 'Copy less, or save it to a file and copy that.' }),
    );
  }

  /** The agent is gone. */
  end(): void {
    this.#waiting?.answer.reject(agentMissing('The desktop agent of the guest has stopped.'));
    this.#waiting = undefined;
  }
}
