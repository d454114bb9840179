const blockBytes = 64 * 1024;

/** Memory in which frames are put together, one after the other, so that they are written in one run. */
export class FrameBlock {
  bytes = Buffer.alloc(0);
  /** The same memory. A frame begins at an even position, so that its words are added up as such. */
  words = new Uint16Array(0);
  #used = 0;

  get isEmpty(): boolean {
    return this.#used === 0;
  }

  /** Room for a frame. @returns where it begins, or -1 if what is there must be written first */
  reserve(length: number): number {
    if (this.#used > 0 && this.#used + length > this.bytes.length) return -1;
    if (length > this.bytes.length) this.#renew(Math.max(length, blockBytes));
    const start = this.#used;
    this.#used += length + (length % 2);
    return start;
  }

  /** What is there was written. @param isHeld whether the memory is still needed */
  written(isHeld: boolean): void {
    this.#used = 0;
    if (isHeld) this.#renew(0);
  }

  #renew(length: number): void {
    const even = length + (length % 2);
    this.bytes = Buffer.allocUnsafeSlow(even);
    this.words = new Uint16Array(this.bytes.buffer, 0, even / 2);
  }
}
