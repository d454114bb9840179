import { aborted, settledWithin } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { PortTail } from '../../guest/transfer/port-tail.ts';

/** Sends what comes from a port, up to the block that ends it. */
export class Relay {
  /** The bytes of the archive, when all of it was sent. */
  readonly done: Promise<number>;
  #sending = false;
  /** Grows whenever something comes from the guest, or was taken by the client. */
  #moves = 0;

  constructor(chunks: AsyncIterable<Buffer>, tail: PortTail, send: (data: Buffer) => Promise<void>) {
    this.done = this.#run(chunks, tail, send);
  }

  /**
   * Waits for what is still on its way when the program in the guest has ended. The client may take its time.
   * @param silenceMs for how long nothing may come from the guest
   * @returns the bytes of the archive
   * @throws KameError GUEST_FAILED, CANCELLED; what `send` throws
   */
  async end(silenceMs: number, signal: AbortSignal): Promise<number> {
    const over = Promise.race([this.done, aborted(signal)]);
    for (;;) {
      const [moves, sending] = [this.#moves, this.#sending];
      if (await settledWithin(over, silenceMs)) break;
      if (!sending && this.#moves === moves)
        throw new KameError('GUEST_FAILED', 'The end of the files did not arrive from the guest.', {
          next: 'Copy again.',
        });
    }
    if (signal.aborted) throw new KameError('CANCELLED', 'The copy was cancelled.');
    return await this.done;
  }

  async #run(
    chunks: AsyncIterable<Buffer>,
    tail: PortTail,
    send: (data: Buffer) => Promise<void>,
  ): Promise<number> {
    let bytes = 0;
    for await (const chunk of chunks) {
      this.#moves += 1;
      for (const part of tail.push(chunk)) {
        bytes += part.length;
        this.#sending = true;
        await send(part);
        this.#sending = false;
        this.#moves += 1;
      }
      if (tail.status !== undefined) return bytes;
    }
    throw new KameError('GUEST_FAILED', 'The guest ended while its files were being copied.', {
      next: 'Copy again.',
    });
  }
}
