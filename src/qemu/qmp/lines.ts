import { KameError } from '../../core/errors.ts';
import { ByteQueue } from '../../sys/byte-queue.ts';

/** Maximum size of one message in bytes. A schema is 0.2 MB; a hostile guest cannot reach QMP. */
export const maxMessageBytes = 64 * 1024 * 1024;

/**
 * Splits a stream into lines, however it is split into chunks. Lines may be as long as `limit`.
 * @throws KameError ENGINE_FAILED from `push` when a line grows past the limit
 */
export class LineSplitter {
  readonly #held = new ByteQueue();
  readonly #limit: number;

  constructor(limit: number = maxMessageBytes) {
    this.#limit = limit;
  }

  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10, from); end !== -1; end = chunk.indexOf(10, from)) {
      this.#hold(chunk.subarray(from, end));
      const line = this.#held.take().toString('utf8').trim();
      if (line !== '') lines.push(line);
      from = end + 1;
    }
    this.#hold(chunk.subarray(from));
    return lines;
  }

  #hold(part: Buffer): void {
    if (this.#held.length + part.length > this.#limit) {
      throw new KameError('ENGINE_FAILED', `A message from QEMU exceeds ${this.#limit} bytes.`);
    }
    this.#held.push(part);
  }
}
