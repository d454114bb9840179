/** Bytes of the block that ends what guest/transfer/get.sh writes. */
const endBytes = 512;

/** Tells the archive that comes through a port from the block that ends it: the last one, and nothing comes after it. */
export class PortTail {
  readonly #mark: string;
  #kept: Buffer = Buffer.alloc(0);
  #status: number | undefined;

  /** @param token of the copy, which the block names */
  constructor(token: string) {
    this.#mark = `kame-end ${token} `;
  }

  /** With what status tar ended; undefined before the end. */
  get status(): number | undefined {
    return this.#status;
  }

  /** What of the bytes so far is certainly of the archive. */
  push(chunk: Buffer): Buffer[] {
    const cut = Math.max(0, this.#kept.length + chunk.length - endBytes);
    const sure = [
      this.#kept.subarray(0, cut),
      chunk.subarray(0, Math.max(0, cut - this.#kept.length)),
    ].filter((part) => part.length > 0);
    this.#kept = Buffer.concat([
      this.#kept.subarray(cut),
      chunk.subarray(Math.max(0, cut - this.#kept.length)),
    ]);
    const text = this.#kept.toString('latin1');
    const digits = text.startsWith(this.#mark)
      ? /^\d{1,3}(?= *\n$)/.exec(text.slice(this.#mark.length))?.[0]
      : undefined;
    if (this.#kept.length === endBytes && digits !== undefined) this.#status = Number(digits);
    return sure;
  }
}
