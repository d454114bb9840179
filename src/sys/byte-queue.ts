const blockBytes = 64 * 1024;
const firstBlockBytes = 1024;

/**
 * Bytes that wait to be used, in few buffers however small the pieces are in which they came: a queue of single bytes would
 * take a hundred times their size.
 */
export class ByteQueue {
  /** Full, except the last one. */
  #blocks: Buffer[] = [];
  /** Bytes of the last block that are used. */
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const last = this.#blocks.at(-1);
    const room = last ? last.length - this.#used : 0;
    const now = Math.min(room, chunk.length);
    if (last && now > 0) {
      chunk.copy(last, this.#used, 0, now);
      this.#used += now;
    }
    if (now < chunk.length) this.#begin(chunk.subarray(now));
    this.#length += chunk.length;
  }

  /** All bytes in one buffer; the queue is empty afterwards. */
  take(): Buffer {
    const blocks = this.#blocks.map((block, at) =>
      at === this.#blocks.length - 1 ? block.subarray(0, this.#used) : block,
    );
    this.clear();
    return blocks.length === 1 ? (blocks[0] as Buffer) : Buffer.concat(blocks);
  }

  clear(): void {
    this.#blocks = [];
    this.#used = 0;
    this.#length = 0;
  }

  /** Begins a block. The first bytes are usually all there are, so they are kept as they are. */
  #begin(chunk: Buffer): void {
    if (this.#length === 0 || chunk.length >= blockBytes) {
      this.#blocks.push(chunk);
    } else {
      const size = Math.min(blockBytes, Math.max(firstBlockBytes, this.#length));
      const block = Buffer.allocUnsafeSlow(Math.max(size, chunk.length));
      chunk.copy(block);
      this.#blocks.push(block);
    }
    this.#used = chunk.length;
  }
}
