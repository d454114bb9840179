/** Hands out the bytes of a stream in the portions that its reader asks for. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Buffer = Buffer.alloc(0);
  #taken = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Bytes handed out so far. */
  get taken(): number {
    return this.#taken;
  }

  /** The next bytes as they came, at most `count`; none at the end of the stream. */
  async some(count: number): Promise<Buffer> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return Buffer.alloc(0);
      const { buffer, byteOffset, byteLength } = next.value;
      this.#chunk = Buffer.from(buffer, byteOffset, byteLength);
    }
    const part = this.#chunk.subarray(0, count);
    this.#chunk = this.#chunk.subarray(part.length);
    this.#taken += part.length;
    return part;
  }

  /** The next `count` bytes; fewer at the end of the stream. Only for a `count` that was checked. */
  async exactly(count: number): Promise<Buffer> {
    const first = await this.some(count);
    if (first.length === count) return first;
    const parts = [first];
    let left = count - first.length;
    while (left > 0) {
      const part = await this.some(left);
      if (part.length === 0) break;
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Stops the stream. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
